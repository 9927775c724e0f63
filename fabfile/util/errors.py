"""Errors about one host. `stages` holds the error about a whole stage."""

from pathlib import PurePosixPath

PASSWORD_EXPIRED = "the password has expired; change it with ssh"  # nosec B105
# The start-up file that each login shell reads before it runs the command of sshd.
START_UP_FILES = {"bash": ".bashrc", "csh": ".cshrc", "fish": "config.fish", "tcsh": ".cshrc", "zsh": ".zshenv"}
START_UP_FILES |= {"rbash": ".bashrc"}


class HostError(Exception):
    """A failure on one host, or on the way to it. The message is one line for the user."""


class ScriptFailed(HostError):
    """A script has answered that it failed. So the host answers; the message is that of the script."""


class ScriptNotRun(HostError):
    """The login shell of the host has not run the script. `does` says what it did instead, and `said` is its last line.

    `hint` qualifies the start-up files to check. `shell` is the path of the shell if it is known.
    """

    def __init__(self, does: str, said: str = "", hint: str = "", shell: str = "") -> None:
        name = PurePosixPath(shell).name
        who = f"the login shell, {name}," if name else "the login shell"
        file = START_UP_FILES.get(name or "bash")
        check = f"start-up files such as {file}{hint}" if file else "that it runs commands"
        super().__init__(f"{who} {does}: {said}" if said else f"{who} {does}; check {check}")
        self.does, self.said, self.hint = does, said, hint

    def named(self, shell: str) -> "ScriptNotRun":
        """Return the same error with the path of the shell."""
        return ScriptNotRun(self.does, self.said, self.hint, shell)


class ConnectionLost(HostError):
    """The connection is lost, or the script was cut off. It is unknown how far the script came, and if it still runs.

    `after` is the time in seconds from the greeting of the script to the loss.
    """

    def __init__(self, reason: str, after: float = 0) -> None:
        super().__init__(reason)
        self.after = after
