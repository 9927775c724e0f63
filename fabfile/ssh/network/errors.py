"""Errors on the way to a host."""


class Unreachable(OSError):
    """The host cannot be reached. `is_dropped` if a busy sshd is the probable reason, so that a retry helps."""

    is_dropped = False

    def described(self, host: str) -> str:
        """Return the reason in one line. `host` is the name of the host that the line mentions already."""
        return str(self)


class ProxyFailed(Unreachable):
    """A ProxyCommand ended, or printed why it cannot connect. `is_dropped` if a busy sshd is the probable reason."""

    def __init__(self, message: str, is_dropped: bool = False) -> None:
        super().__init__(message)
        self.is_dropped = is_dropped
