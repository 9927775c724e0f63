"""Relay: hosts of one sync pass batches on to each other, so that each byte leaves this machine about once.

`tree` decides which host fetches a batch from which other one, and is pure. `relay` is shared by the threads of all
hosts, and `host_state` is its knowledge of each. `member` delivers the batches of one host. `credentials` makes the key
that lets hosts of this sync in.
"""
