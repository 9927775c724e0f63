"""Reasons for problems, from the error lines that programs on a host print. Pure.

A line has a path in quotes (`mv: cannot stat './f': REASON`), or between colons (`tar: ./f: REASON`). `mv` calls the
target of a staged file `../NAME`. A reason with paths loses them, because they may be those of a staging folder.
"""

import posixpath
import re
from collections.abc import Iterable, Sequence

from ..tree import above, locate

QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")


class ErrorLines:
    """Error lines in the order in which they were printed, by the paths that they are about."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._reasons: list[str] = []
        self._numbers: dict[str, int] = {}  # number of the first line about a path
        self._inside: dict[str, int] = {}  # number of the first line about anything in a folder
        for number, line in enumerate(lines):
            *words, reason = line.split(": ")
            self._reasons.append(" ".join(QUOTED.sub("", reason).lower().split()))
            for quoted in QUOTED.findall(line):
                words += quoted
            for word in words:
                path = word.removesuffix("/.")
                self._numbers.setdefault(path, number)
                for folder in above(path):
                    self._inside.setdefault(folder, number)

    def reason(self, paths: Sequence[str]) -> str | None:
        """Return the end of the first line about one of `paths`, else about something in the first folder of them.

        Programs escape unusual characters of a path. So there may be no line about a path that has caused an error.
        """
        numbers = [self._numbers[path] for path in paths if path in self._numbers]
        if not numbers:
            numbers = [self._inside[path] for path in paths if path in self._inside][:1]
        return self._reasons[min(numbers)] if numbers else None


def unstaged(line: str, staging: str) -> str:
    """Return an error line in which a staged file has the path of its target."""
    return line.replace(f"/{staging}-old/", "/").replace(f"/{staging}/", "/")


def reason_of_sync(errors: ErrorLines, path: str, folder: str, staging: str) -> str:
    """Return the reason why `path` is wrong after a sync.

    It is that of the first error about the path, a folder above it, or a staging folder there: other errors follow from
    that one. `folder` is the path of the root on the host, and `staging` the name of staging folders.
    """
    paths = [path, locate(folder, path), f"../{posixpath.basename(path)}"]
    for up in above(path):
        for spelled in (up, locate(folder, up)):
            paths += (spelled, posixpath.join(spelled, staging))
    return errors.reason(paths) or "could not be written"
