"""Run a command line on one host. Pure; see `scripts/exec.sh`."""

from collections.abc import Sequence

import attrs

from ..remote.script import Script, by_word, load
from ..util.limits import MOST_EXEC_OUTPUT

TIMED_OUT = (124, 137)  # the status of timeout(1); the second one if it had to send KILL


@attrs.frozen
class Executed:
    """The exit status of a command line, as sh counts it, and its output: stdout and stderr together."""

    status: int
    output: str


def exec_script(text: str, seconds: int | None) -> Script:
    """Return the script that runs `text` with sh, for at most `seconds`."""
    return load("exec", text=text, seconds="" if seconds is None else seconds, most=MOST_EXEC_OUTPUT)


def read_executed(answers: Sequence[str]) -> Executed:
    """Return what `exec_script` answered."""
    found = by_word(answers)
    return Executed(int(found["status"][0]), found["output"][0])
