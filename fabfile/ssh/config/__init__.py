"""The ssh config, with the meaning that OpenSSH gives it.

`ssh -G HOST` prints the settings of a host. `reader` and `lookup` find the same settings in this process, because a
process of `ssh` costs 10 ms or more. They read what they understand exactly. For everything else, `openssh` runs
`ssh -G`. `resolver` decides between them, and is the `SSHConfig` that Fabric's connections use.
"""
