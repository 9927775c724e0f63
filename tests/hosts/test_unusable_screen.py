"""Hosts on which screen starts no session: the reason is in the error and in `fab doctor`."""

import time

import pytest

from fabfile.util.stages import StageError
from tests.support.lab import Lab
from tests.support.odd_hosts import odd_host

RUN = 'exec sh -c "$SSH_ORIGINAL_COMMAND"'
# Each login has a mount of its own in place of the folder of the sockets.
MOUNTED = "cd; export RUN_HERE=$SSH_ORIGINAL_COMMAND SCREENDIR={folder}; exec unshare -m sh -c '{commands}'"
AS_USER = 'exec setpriv --reuid=65534 --regid=65534 --clear-groups sh -c "$RUN_HERE"'
TMPFS = "mount -t tmpfs -o {options} tmpfs {folder}"
ADD = 'config.add_component(Component(name="a", host="{}", executable="/bin/true", start_index=1))\n'


@pytest.mark.root
def test_unusable_screen_is_reported(lab: Lab) -> None:
    folder = lab.folder / "sockets"
    folder.mkdir(mode=0o700)
    commands = {
        "open": f"unset SCREENDIR; mount -t tmpfs tmpfs /run/screen; chmod 755 /run/screen; HOME=/tmp; {AS_USER}",
        "fixed": f'{TMPFS.format(options="ro,mode=700", folder=folder)}; exec sh -c "$RUN_HERE"',
        "full": f'{TMPFS.format(options="nr_inodes=1,mode=700", folder=folder)}; exec sh -c "$RUN_HERE"',
    }
    for name, text in commands.items():
        odd_host(lab, name, MOUNTED.format(folder=folder, commands=text))
    odd_host(lab, "moved", f"cd; export SCREENDIR=/proc/none; {RUN}")
    odd_host(lab, "mute", f"cd; export SHELL=/proc/none; {RUN}")
    words = {
        "fixed": f"screen: cannot write the folder of its sockets, {folder}",
        "full": f"screen: starts no session: has no free inodes for its socket in {folder}",
        "moved": "screen: cannot list its sessions: Cannot access /proc/none: No such file or directory",
        "mute": "screen: cannot execute the login shell, /proc/none",
        "open": "screen: cannot list its sessions: Directory '/run/screen' must have mode 777.",
    }
    lab.config("".join(map(ADD.format, words)))
    with lab.runner(keep_going=True) as runner:
        begun = time.monotonic()
        with pytest.raises(StageError) as caught:
            runner.screen()
        assert time.monotonic() - begun < 5
        assert {each.where: each.reason for each in caught.value.failures} == words
        found = {each.host: {check.name: check for check in each.checks}["screen"] for each in runner.doctor()}
    del words["full"]  # screen is asked for a list only
    assert {host: f"screen: {found[host].detail}" for host in words} == words
    assert {found[host].verdict for host in words} == {"problem"}
