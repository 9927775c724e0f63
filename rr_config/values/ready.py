"""`Ready`, the readiness condition of a component, and the functions `util.port` and so on that create it.

`PidFile` names the daemon that a program starts.
"""

import math

import attrs

from ..checks.perl_regex import regex_problem
from ..texts import is_sendable

TIMEOUT = 60.0
DAY = 86400.0


@attrs.frozen
class Ready:
    """A readiness condition: its kind, its value, and the timeout in seconds.

    Create it with the functions below, which validate their arguments. `str()` describes the condition for a person.

        >>> str(port(8080))
        'port 8080'
    """

    kind: str
    value: str
    timeout: float

    def __str__(self) -> str:
        return f"{self.kind} {self.value}".rstrip()


@attrs.frozen
class PidFile:
    """The file into which a daemon writes its process id, relative to `base_dir`; see `pidfile`."""

    path: str


def pidfile(path: str) -> PidFile:
    """Return a value for `Component.daemon`: the daemon whose process id is in that file on the host.

    A relative path is relative to `base_dir`. The process id is the first word of the file. A file that is older than
    the start of the program names no daemon. Raise ValueError for an empty path, or one with a NUL.

        >>> pidfile("run/server.pid")
        PidFile(path='run/server.pid')
    """
    if not isinstance(path, str) or not path or not is_sendable(path):
        raise ValueError(f"util.pidfile({path!r}): must be a non-empty path without NUL")
    return PidFile(path)


def port(number: int, timeout: float = TIMEOUT) -> Ready:
    """Return a condition that is met when a process listens on that TCP port of the host, on any address.

    If a process listens on the port before the component is started, the start fails. Raise ValueError for an invalid
    port or timeout. `timeout` is in seconds.

        >>> port(8080, timeout=10)
        Ready(kind='port', value='8080', timeout=10)
    """
    if not isinstance(number, int) or not 0 < number < 65536:
        raise ValueError(f"util.port({number!r}): must be a whole number from 1 to 65535")
    return Ready("port", str(number), _checked("port", timeout))


def log(regex: str, timeout: float = TIMEOUT) -> Ready:
    """Return a condition that is met when a line of output, as `fab logs` shows it, contains a match of `regex`.

    The host matches it with `grep -P`, so it is a Perl regular expression. Lines are UTF-8 in any locale. Raise
    ValueError if `grep -P` of this machine rejects it, if it is empty or contains a newline or a NUL, or for an invalid
    timeout. `timeout` is in seconds.

        >>> log("listening on port [0-9]+").timeout
        60.0
    """
    if not isinstance(regex, str) or not regex or "\n" in regex or not is_sendable(regex):
        raise ValueError(f"util.log({regex!r}): must be a non-empty regular expression without newline and NUL")
    problem = regex_problem(regex)
    if problem is not None:
        raise ValueError(f"util.log({regex!r}): invalid regular expression: {problem}")
    return Ready("log", regex, _checked("log", timeout))


def command(text: str, timeout: float = TIMEOUT) -> Ready:
    """Return a condition that is met when `sh -c text` on the host ends with exit status 0.

    The command runs in the folder and the environment of the component. It runs again one second after it has failed.
    Raise ValueError for an empty text, a NUL in it, or an invalid timeout. `timeout` is in seconds.

        >>> str(command("test -e index.db"))
        'command test -e index.db'
    """
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ValueError(f"util.command({text!r}): must be a non-empty command without NUL")
    return Ready("command", text, _checked("command", timeout))


def ended(timeout: float = DAY) -> Ready:
    """Return a condition that is met when the component has ended with exit status 0.

    It suits a component that prepares something for others, which may take hours. Raise ValueError for an
    invalid timeout, in seconds.

        >>> ended(timeout=0)
        Traceback (most recent call last):
        ValueError: util.ended: timeout=0: must be a number of seconds above 0
    """
    return Ready("ended", "", _checked("ended", timeout))


def _checked(kind: str, timeout: float) -> float:
    if not isinstance(timeout, int | float) or not (math.isfinite(timeout) and timeout > 0):
        raise ValueError(f"util.{kind}: timeout={timeout!r}: must be a number of seconds above 0")
    return timeout
