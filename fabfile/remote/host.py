"""The host protocol: all that the code above knows of a machine on which scripts run."""

from typing import Protocol


class Channel(Protocol):
    """Both directions of a script's standard streams."""

    def set_patience(self, seconds: float) -> None:
        """Wait for so long, and no longer, until the other end takes what is sent."""

    def send(self, data: bytes) -> None:
        """Send all of `data`; OSError where the other end is gone, TimeoutError where it takes nothing."""

    def receive(self) -> bytes:
        """The next bytes of its standard output; empty at the end."""

    def end(self) -> tuple[str, int | None]:
        """Once nothing more is received: the end of its standard error, and its exit status.

        None where that is not known, as where it was killed; there is neither where the connection was lost.
        """

    def close(self, is_over: bool) -> None:
        """Let go of it, and end the script unless it has ended (`is_over`)."""


class Host(Protocol):
    """A machine on which scripts can be run; `identity` as a conversation with it has it, once there was one.

    A script that has said nothing for `most_silent` seconds is taken to hang. `group` is the number of the HostGroup
    that it is in, in this process.
    """

    name: str
    identity: bytes | None
    most_silent: float
    group: int

    def open(self) -> None:
        """Connect, unless that has been done. HostError where it is impossible."""

    def channel(self, script: bytes) -> Channel:
        """Begin to run `script`, which has not been sent yet. HostError where that cannot be."""

    def hand_terminal(self, command: str) -> int:
        """Run a line of sh in the user's terminal until it ends; its exit status. HostError as above."""

    def close(self) -> None:
        """Let go of the connection; what waits for an answer of it gets a HostError."""
