"""Excluded names of a local folder: patterns in gitignore syntax, and files `.rrignore` with such patterns."""

import os
import posixpath
import re
import stat
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import ConfigError, named

if TYPE_CHECKING:  # few configs need it, and loading it takes a while
    from pathspec.pattern import RegexPattern

FILE = ".rrignore"
DEFAULTS = (".git", "__pycache__")
# pathspec names the slash behind a match in this way. It ends a match of a folder above a path.
SLASH = "ps_d"


class Ignore:
    """The excluded names of the folder `source`.

    The patterns of `exclude` win over those of a FILE. A FILE wins over those in the folders above. The last pattern
    that matches decides. DEFAULTS are excluded if no pattern matches. All paths are relative to `source`.
    """

    def __init__(self, source: str, exclude: Sequence[str] = ()) -> None:
        self._source = source
        self._exclude = _rules(exclude, "exclude")
        self._files: dict[str, list[_Rule]] = {}  # by folder; the source itself is an empty path

    def read(self, folder: str) -> None:
        """Read the FILE of a folder. Call it before asking for a path in the folder.

        Raise ConfigError if it is invalid or unreadable.
        """
        path = posixpath.join(self._source, folder, FILE)
        with named(path):
            if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - the text of a path is enough
                return
            with open(path, "rb") as file:  # noqa: PTH123
                lines = os.fsdecode(file.read().removeprefix(b"\xef\xbb\xbf")).split("\n")
        self._files[folder] = _rules([line.removesuffix("\r") for line in lines], path)

    def excludes(self, path: str, is_dir: bool) -> bool:
        """Return whether a path is excluded, if the folders above it are not."""
        verdict = _verdict(self._exclude, path, is_dir)
        folder = path
        while verdict is None and folder:
            folder = posixpath.dirname(folder)
            if folder in self._files:
                below = path[len(folder) + 1 :] if folder else path
                verdict = _verdict(self._files[folder], below, is_dir)
        return posixpath.basename(path) in DEFAULTS if verdict is None else verdict

    def covers(self, path: str, is_dir: bool) -> bool:
        """Return whether a path, or a folder above it, is excluded."""
        end = path.find("/")
        while end != -1:
            if self.excludes(path[:end], True):
                return True
            end = path.find("/", end + 1)
        return self.excludes(path, is_dir)


_Rule = tuple["RegexPattern", bool]  # a pattern, and whether it matches only what is in a folder


def _rules(lines: Sequence[str], where: str) -> list[_Rule]:
    """Return the rules of some lines. Raise ConfigError with the line if a pattern is invalid."""
    return list(_parsed(lines, where)) if any(lines) else []


def _parsed(lines: Sequence[str], where: str) -> Iterator[_Rule]:
    from pathspec import GitIgnoreSpec

    for number, line in enumerate(lines, 1):
        try:
            patterns = GitIgnoreSpec.from_lines([line]).patterns  # none for an empty line
        except (ValueError, re.error) as error:
            raise ConfigError(f"{where}:{number}: {line!r}: invalid pattern; must have gitignore syntax") from error
        for pattern in patterns:
            if pattern.include is not None:
                yield pattern, line.rstrip().endswith("/**")


def _verdict(rules: Sequence[_Rule], path: str, is_dir: bool) -> bool | None:
    """Return whether the last rule that matches excludes the path, or None if no rule matches."""
    for pattern, is_inside in reversed(rules):
        if _matches(pattern, is_inside, path, is_dir):
            return pattern.include
    return None


def _matches(pattern: "RegexPattern", is_inside: bool, path: str, is_dir: bool) -> bool:
    """Return whether a pattern matches the path itself. pathspec also matches everything in a folder that matches."""
    spelled = f"{path}/" if is_dir and not is_inside else path
    # `*/` matches the first folder of a path, and then the next one.
    assert pattern.regex is not None  # only a comment has none
    ends = [found.end(SLASH) if found.groupdict().get(SLASH) else None for found in pattern.regex.finditer(spelled)]
    return None in ends or len(spelled) in ends
