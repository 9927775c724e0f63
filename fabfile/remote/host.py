"""The host protocol: all that the code above knows of a machine on which scripts run.

`ssh.SshHost` and `ssh.LocalHost` implement it. Another transport would be one more implementation.
"""

from typing import Protocol

from ..util.clock import Clock

KILLED = -1  # in place of an exit status


class Channel(Protocol):
    """Both directions of a script's standard streams."""

    def set_patience(self, seconds: float) -> None:
        """Set how long `send` waits until the other end accepts data."""

    def send(self, data: bytes) -> None:
        """Send all of `data`. Raise OSError if the other end is gone, TimeoutError if it accepts nothing."""

    def receive(self) -> bytes:
        """Return the next bytes of the script's stdout; nothing at the end."""

    def end(self) -> tuple[str, int | None]:
        """Return the last lines of the script's stderr, and its exit status. Call it after the last `receive`.

        The status is KILLED if it has none, for example after a signal. If the connection was lost, it is None.
        """

    def close(self, is_over: bool) -> None:
        """Close the channel. End the script unless it has ended (`is_over`)."""


class Host(Protocol):
    """A machine on which scripts run.

    `identity` tells one home on one machine from all others; None until a script has run. A script that says nothing
    for `most_silent` seconds counts as hanging. `group` is the number of its HostGroup in this process.
    """

    name: str
    identity: bytes | None
    most_silent: float
    group: int
    clock: Clock

    def connect(self) -> None:
        """Connect, unless it is connected. Raise HostError if that is impossible."""

    def run(self, command: str) -> Channel:
        """Begin to run a command line over a new channel. Raise HostError."""

    def hand_over_terminal(self, command: str) -> int:
        """Run a line of sh in the user's terminal until it ends; return its exit status. Raise HostError."""

    def close(self) -> None:
        """Close the connection. A thread that waits for an answer gets a HostError."""
