"""The ssh config, looked up without going through the entries of all other hosts.

paramiko compares a name with every `Host` line, twice: for 500 hosts that have an entry each, that takes 6 s.
"""

import re
from collections import defaultdict
from typing import Any

from fabric import Config
from paramiko.config import SSHConfig, SSHConfigDict

# What paramiko, by fnmatch, does not take literally.
PATTERN = re.compile(r"[*?!\[]")


class IndexedSSHConfig(SSHConfig):
    """What another one says, found sooner. What is added to that later is not in this one."""

    def __init__(self, other: SSHConfig) -> None:
        super().__init__()
        self._config: list[dict[str, Any]] = other._config  # type: ignore[attr-defined]  # paramiko has no other way
        self._everywhere: list[int] = []
        self._by_name: dict[str, list[int]] = defaultdict(list)
        for number, entry in enumerate(self._config):
            names = entry.get("host", ())  # there is none where it is a `Match`
            if not names or any(map(PATTERN.search, names)):
                self._everywhere.append(number)
            else:
                for name in names:
                    self._by_name[name].append(number)

    def _lookup(self, hostname: str, *args: Any, **kwargs: Any) -> SSHConfigDict:
        own = SSHConfig()
        numbers = {*self._everywhere, *self._by_name.get(hostname, ())}
        own._config = [self._config[number] for number in sorted(numbers)]  # type: ignore[attr-defined]
        return own._lookup(hostname, *args, **kwargs)  # type: ignore[attr-defined,no-any-return]


def index(settings: Config) -> None:
    """Let connections by `settings` look up their hosts in an indexed ssh config."""
    settings._set(base_ssh_config=IndexedSSHConfig(settings.base_ssh_config))
