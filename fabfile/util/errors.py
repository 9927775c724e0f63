"""Errors about one host. `stages` holds the error about a whole stage."""


class HostError(Exception):
    """A failure on one host, or on the way to it. The message is one line for the user."""


class ScriptFailed(HostError):
    """A script has answered that it failed. So the host answers; the message is that of the script."""


class ConnectionLost(HostError):
    """The connection is lost, or the script was cut off. It is unknown how far the script came, and if it still runs.

    `after` is the time in seconds from the greeting of the script to the loss.
    """

    def __init__(self, reason: str, after: float = 0) -> None:
        super().__init__(reason)
        self.after = after
