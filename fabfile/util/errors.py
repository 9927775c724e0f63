"""Errors of one host."""


class HostError(Exception):
    """Something on or about one host went wrong; the message says what, for a person, in one line."""


class ConnectionLost(HostError):
    """The connection is gone, or the script was cut off; what it did, or still does, is not known.

    `after` is for how many seconds it had answered until then.
    """

    def __init__(self, reason: str, after: float = 0) -> None:
        super().__init__(reason)
        self.after = after
