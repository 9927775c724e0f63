"""A channel to a host: hostile stderr."""

import threading
from typing import cast

import paramiko

from fabfile.ssh.ssh_host import _RemoteChannel
from fabfile.util.limits import MOST_SAID


class EndlessStderr:
    """The channel of a host that has ended with exit status 3, and whose stderr never ends."""

    exit_status = 3
    status_event = threading.Event()
    status_event.set()

    def recv_stderr_ready(self) -> bool:
        return True

    def recv_stderr(self, size: int) -> bytes:
        return b"x" * size


def test_endless_stderr_is_cut_off() -> None:
    said, status = _RemoteChannel(cast(paramiko.Channel, EndlessStderr())).end()
    assert (len(said), status) == (MOST_SAID, 3)
