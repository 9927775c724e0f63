"""Find and cut connections to throwaway hosts, and count their channels."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.support.farm import Farm, ThrowawayHost
from tests.support.files import text


def connections(host: ThrowawayHost) -> list[int]:
    """Return the processes with which a host's sshd serves its connections."""
    sshd = (host.folder / "sshd.pid").read_text()
    found, parents = [], [sshd]
    while parents:
        parent = parents.pop()
        children = text(Path(f"/proc/{parent}/task/{parent}/children")).split()
        children = [pid for pid in children if "sshd" in text(Path(f"/proc/{pid}/comm"))]
        found += children
        parents += children
    return [int(pid) for pid in found]


def cut(host: ThrowawayHost) -> None:
    """Cut all connections to `host`, as a network failure would."""
    for pid in connections(host):
        with contextlib.suppress(ProcessLookupError):  # a parent may have ended with its child
            os.kill(pid, signal.SIGKILL)


def sessions_begun(host: ThrowawayHost) -> int:
    """Return how many SSH channels a host's sshd has opened so far."""
    return text(host.folder / "sshd.log").count("Starting session: ")


@contextlib.contextmanager
def away(farm: Farm, host: ThrowawayHost) -> Iterator[None]:
    """Make `host` unreachable, as if it was switched off. Its processes keep running."""
    cut(host)
    farm.stop(host)
    try:
        yield
    finally:
        farm.start(host)
