"""Whether systemd-logind kills programs at logout, by the settings files of a host; see logind.conf(5). Pure."""

import re
from collections.abc import Iterable

import attrs

LINE = re.compile(r"\s*(\w+)\s*=\s*(.*?)\s*")
YES, NO = ("1", "yes", "y", "true", "t", "on"), ("0", "no", "n", "false", "f", "off")  # parse_boolean of systemd


@attrs.define
class Settings:
    """The settings of logind that decide about processes at logout."""

    kill: bool = False
    only: set[str] = attrs.field(factory=set)
    excluded: set[str] = attrs.field(factory=lambda: {"root"})


def settings(text: str) -> Settings:
    """Return the settings that files set, one after the other. Users add up, and an empty value removes all.

    >>> settings("[Login]\\nKillUserProcesses = yes\\nKillExcludeUsers=me\\n").kill
    True
    """
    found, section = Settings(), ""
    for line in text.replace("\\\n", " ").splitlines():
        match = LINE.fullmatch(line)
        if line.startswith("["):
            section = line.strip()
        elif match and section == "[Login]":
            _set(found, match[1], match[2])
    return found


def _set(found: Settings, name: str, value: str) -> None:
    if name == "KillUserProcesses" and value.lower() in (*YES, *NO):  # another value is ignored
        found.kill = value.lower() in YES
    users = {"KillOnlyUsers": found.only, "KillExcludeUsers": found.excluded}.get(name)
    if users is not None:
        users.update(value.split())
        if not value:
            users.clear()


def kills_at_logout(text: str, names: Iterable[str]) -> bool:
    """Return whether logind kills the programs of a user with these names or numbers at logout."""
    found, own = settings(text), set(names)
    return found.kill and not own & found.excluded and (not found.only or bool(own & found.only))
