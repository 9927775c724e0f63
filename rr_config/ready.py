"""`Ready`: when a component counts as ready. What a config file gets from `util.port` and the like."""

import math
import re

import attrs

TIMEOUT = 60.0


@attrs.frozen
class Ready:
    """What is looked at on the component's host (`kind`, and its `value`), and for how many seconds at most.

    Made by the functions below, which check what they are given. Its text says what is waited for.
    """

    kind: str
    value: str
    timeout: float

    def __str__(self) -> str:
        return f"{self.kind} {self.value}".rstrip()


def port(number: int, timeout: float = TIMEOUT) -> Ready:
    """Ready when something listens on that TCP port of the host, on whatever address.

    A port on which something listens before the component is started keeps it from being started.
    """
    if not isinstance(number, int) or not 0 < number < 65536:
        raise ValueError(f"util.port({number!r}): a port is a whole number from 1 to 65535")
    return Ready("port", str(number), _checked("port", timeout))


def log(regex: str, timeout: float = TIMEOUT) -> Ready:
    """Ready when a line of its output, without colours, matches `regex` somewhere: a Perl one, as of `grep -P`."""
    try:
        re.compile(regex)
    except (re.error, TypeError) as error:
        raise ValueError(f"util.log({regex!r}): is no regular expression: {error}") from error
    if not regex or "\n" in regex:
        raise ValueError(f"util.log({regex!r}): is to match within a line, and not every line")
    return Ready("log", regex, _checked("log", timeout))


def command(text: str, timeout: float = TIMEOUT) -> Ready:
    """Ready when `sh -c text` ends with 0 there, in the folder and the environment of the component.

    It is run again, a second after it has ended, until then.
    """
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ValueError(f"util.command({text!r}): is no command")
    return Ready("command", text, _checked("command", timeout))


def ended(timeout: float = TIMEOUT) -> Ready:
    """Ready when it has ended with 0: for what prepares the ground for others."""
    return Ready("ended", "", _checked("ended", timeout))


def _checked(kind: str, timeout: float) -> float:
    if not isinstance(timeout, int | float) or not (math.isfinite(timeout) and timeout > 0):
        raise ValueError(f"util.{kind}: timeout={timeout!r}: must be a number of seconds, above 0")
    return timeout
