"""Read ssh config files into rules: settings, and the `Host` and `Match` lines that they depend on.

The reader follows readconf.c of OpenSSH. It keeps a line that it does not understand exactly as a `Doubt`.
"""

import glob
import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import attrs

from .keywords import ALIASES, COMMANDS, CONVERTERS, IGNORED
from .patterns import matches_list
from .values import Value, jumps
from .words import ARGUMENT, CRITERION, NotPlainError, keyword_and_value, split

DEEPEST = 16
FINAL = re.compile(r"(?:^|[ \t])!?final(?:[ \t]|$)", re.IGNORECASE)
WILD = frozenset("*?!")
# Criteria of `Match` that have an argument and need neither a command nor the network.
WITH_ARGUMENT = {"host", "originalhost", "user", "localuser"}


class Doubt(NamedTuple):
    """A line that only ssh itself understands exactly: where it stands, and its keyword."""

    where: str


class HostLine(NamedTuple):
    """The patterns of a `Host` line."""

    patterns: tuple[str, ...]


class Criterion(NamedTuple):
    """One criterion of a `Match` line."""

    is_negated: bool
    name: str
    argument: str = ""


MatchLine: TypeAlias = tuple[Criterion, ...]
Condition: TypeAlias = HostLine | MatchLine | Doubt


@attrs.define
class Entry:
    """Settings that apply if all conditions hold. `is_user` is false for the config of the system."""

    path: Path
    conditions: tuple[Condition, ...]
    is_user: bool
    settings: list[tuple[str, Value | Doubt]] = attrs.field(factory=list)

    def names(self) -> tuple[str, ...]:
        """Return the host names to which the entry is limited, or nothing if a pattern is involved."""
        for condition in self.conditions:
            if isinstance(condition, HostLine) and not any(WILD.intersection(each) for each in condition.patterns):
                return condition.patterns
        return ()


@attrs.define
class Rules:
    """The content of all files, with an index of the entries by host name."""

    entries: list[Entry] = attrs.field(factory=list)
    doubts: list[Doubt] = attrs.field(factory=list)
    wants_final: bool = False
    _everywhere: list[int] = attrs.field(factory=list)
    _by_name: dict[str, list[int]] = attrs.field(factory=lambda: defaultdict(list))

    def add(self, entry: Entry) -> None:
        """Add an entry."""
        names = entry.names()
        for name in names:
            self._by_name[name].append(len(self.entries))
        if not names:
            self._everywhere.append(len(self.entries))
        self.entries.append(entry)

    def relevant(self, name: str) -> list[Entry]:
        """Return the entries that may apply to a host, in their order."""
        numbers = {*self._everywhere, *self._by_name.get(name, ())}
        return [self.entries[number] for number in sorted(numbers)]


class Sources(NamedTuple):
    """The files that ssh reads: the one of `-S` alone, or those of the user and the system."""

    only: Path | None
    user: Path | None = None
    system: Path | None = None


class ConfigFile(NamedTuple):
    """A file to read. ssh refuses one that others can write if `is_checked`; a missing one counts if `is_required`."""

    path: Path
    is_user: bool
    is_checked: bool
    is_required: bool


def read(files: Iterable[ConfigFile]) -> Rules:
    """Read ssh config files. Raise ValueError if a required one cannot be opened."""
    rules = Rules()
    for file in files:
        try:
            text = _text(file.path)
        except OSError as error:
            if file.is_required:
                raise ValueError(f"Can't open user config file {file.path}: {error.strerror}") from error
            continue
        _File(rules, file.path, file.is_user).read(text, file.is_checked)
    return rules


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except IsADirectoryError:
        return ""  # ssh reads nothing from it


@attrs.define
class _File:
    rules: Rules
    path: Path
    is_user: bool
    outer: tuple[Condition, ...] = ()
    depth: int = 0
    ignored: str = ""
    entry: Entry = attrs.field(init=False)
    line: int = 0

    def read(self, text: str, is_checked: bool) -> None:
        """Add the entries of a file. Lines in front of the first `Host` depend on the conditions of the `Include`."""
        self._begin(())
        if is_checked and not _is_safe(self.path):
            self._doubt("owner or permissions")
        for self.line, line in enumerate(text.split("\n"), start=1):
            try:
                pair = keyword_and_value(line)
                if pair:
                    self._take(ALIASES.get(pair[0], pair[0]), pair[1])
            except NotPlainError as problem:
                self._doubt(f"{line.strip()} ({problem})")

    def _begin(self, conditions: tuple[Condition, ...]) -> None:
        self.entry = Entry(self.path, self.outer + conditions, self.is_user)
        self.rules.add(self.entry)

    def _doubt(self, what: str) -> None:
        doubt = Doubt(f"{self.path} line {self.line}: {what}" if self.line else f"{self.path}: {what}")
        self.rules.doubts.append(doubt)
        self.entry.settings.append(("", doubt))

    def _take(self, keyword: str, value: str) -> None:
        """Add the setting, condition or file of one line."""
        if keyword == "match":
            self._take_match(value)
            return
        words = split(value)
        if keyword in COMMANDS:
            # `ProxyJump none # comment` means a host with this name.
            self.entry.settings.append((keyword, jumps(value) if keyword == "proxyjump" else value.lstrip(" \t=")))
        elif keyword not in IGNORED and not words:
            raise NotPlainError("no value")
        elif keyword == "host":
            if "" in words:
                raise NotPlainError("empty pattern")
            self._begin((HostLine(tuple(words)),))
        elif keyword == "include":
            self._include(words)
        elif keyword in CONVERTERS:
            converted = CONVERTERS[keyword](words)
            self.entry.settings.append((keyword, converted))
            self._note_ignored(keyword, converted)
        elif keyword not in IGNORED and not matches_list(keyword, self.ignored):
            raise NotPlainError("unknown keyword")

    def _note_ignored(self, keyword: str, value: Value) -> None:
        """Remember an IgnoreUnknown that applies to all hosts and is the first one."""
        if keyword == "ignoreunknown" and self.entry is self.rules.entries[0]:
            self.ignored = self.ignored or str(value).lower()

    def _take_match(self, value: str) -> None:
        self.rules.wants_final |= FINAL.search(value) is not None
        try:
            self._begin((criteria(value),))
        except NotPlainError as problem:
            doubt = Doubt(f"{self.path} line {self.line}: Match {problem}")
            self.rules.doubts.append(doubt)
            self._begin((doubt,))

    def _include(self, words: list[str]) -> None:
        """Add the entries of included files, then go on with the conditions of this place."""
        conditions = self.entry.conditions
        own = conditions[len(self.outer) :]
        for word in words:
            for path in self._included(word):
                self._include_file(path, conditions)
        self._begin(own)

    def _included(self, word: str) -> list[Path]:
        """Return the files of a pattern, in the order of ssh."""
        # Newer versions of ssh expand tokens. Python's patterns differ from those of C in `[^` and the backslash.
        is_special = any(each in word for each in ("\\", "[^", "%", "$")) or not word
        if is_special or (word.startswith("~") and not self.is_user):
            raise NotPlainError(word)
        folder = "~/.ssh" if self.is_user else "/etc/ssh"
        anchored = word if word.startswith(("/", "~")) else f"{folder}/{word}"
        return [Path(found) for found in sorted(glob.glob(os.path.expanduser(anchored)))]  # noqa: PTH111, PTH207

    def _include_file(self, path: Path, conditions: tuple[Condition, ...]) -> None:
        if self.depth == DEEPEST:
            raise NotPlainError("nested too deeply")
        try:
            text = _text(path)
        except FileNotFoundError:
            return  # a link to nowhere
        except OSError as error:
            raise NotPlainError(f"{path}: {error.strerror}") from error
        file = _File(self.rules, path, self.is_user, conditions, self.depth + 1, self.ignored)
        file.read(text, is_checked=True)
        self.ignored = file.ignored


def _is_safe(path: Path) -> bool:
    """Return whether ssh accepts the owner and the permissions of a file."""
    status = path.stat()
    return status.st_uid in (0, os.getuid()) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def criteria(text: str) -> MatchLine:
    """Return the criteria of a `Match` line. Raise NotPlainError if ssh has to evaluate or refuse it."""
    found: list[Criterion] = []
    position = 0
    text = text.partition(" #")[0].rstrip()
    while position < len(text):
        name = CRITERION.match(text, position)
        if not name:
            raise NotPlainError(text)
        kind, position = name[2].lower(), name.end()
        argument = ARGUMENT.match(text, position) if kind in WITH_ARGUMENT else None
        if argument:
            position = argument.end()
        if (kind in WITH_ARGUMENT) != bool(argument) or kind not in WITH_ARGUMENT | {"all", "final"}:
            raise NotPlainError(text)
        found.append(Criterion(bool(name[1]), kind, argument[1] if argument else ""))
        position += len(text[position:]) - len(text[position:].lstrip(" \t"))
    kinds = [each.name for each in found]
    if "all" in kinds and (kinds[-1] != "all" or len(kinds) > 2 or kinds.count("all") > 1):
        raise NotPlainError(text)
    return tuple(found)
