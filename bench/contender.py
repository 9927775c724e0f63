"""A contender of a row: a command line, and what happens before and after it."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from .field import ROOT, Field

OURS = "ours"


def nothing() -> None:
    """Do nothing."""


@attrs.frozen
class Contender:
    """A command line, with functions to call before each run, after each run, and at the end."""

    command: Sequence[str | Path]
    prepare: Callable[[], None] = nothing
    check: Callable[[], None] = nothing
    clean_up: Callable[[], None] = nothing


def on_each(field: Field, command: str) -> list[str]:
    """Return a command that runs `command` on all hosts at once, with {} as the host; by xargs if there are several."""
    if len(field.names) == 1:
        return ["sh", "-c", command.replace("{}", field.names[0])]
    listed = "\\n".join(field.names)
    return ["sh", "-c", f"printf '{listed}\\n' | xargs -P {len(field.names)} -I{{}} {command}"]


def run(command: Sequence[str | Path]) -> None:
    """Run a command that is not measured. Raises CalledProcessError if it fails."""
    subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
