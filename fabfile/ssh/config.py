"""The ssh config with all included files, and an index of its hosts.

paramiko compares a host name with every `Host` line, twice per lookup. For 500 hosts with one entry each, this takes
6 s. paramiko also knows neither `Include` nor a comment at the end of a line; see ssh_config(5). `connection` applies
this module to the settings of every connection.
"""

import glob
import os
import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fabric import Config
from paramiko.config import SSHConfig, SSHConfigDict
from paramiko.ssh_exception import ConfigParseError

# Special characters of `Host` patterns, which paramiko matches with fnmatch.
PATTERN = re.compile(r"[*?!\[]")


class IndexedSSHConfig(SSHConfig):
    """The entries of another ssh config, with an index by host name. Entries added to the other later are missing."""

    def __init__(self, other: SSHConfig) -> None:
        super().__init__()
        self._config: list[dict[str, Any]] = other._config  # type: ignore[attr-defined]  # there is no public access
        self._everywhere: list[int] = []
        self._by_name: dict[str, list[int]] = defaultdict(list)
        for number, entry in enumerate(self._config):
            names = entry.get("host", ())  # a `Match` entry has no names
            if not names or any(map(PATTERN.search, names)):
                self._everywhere.append(number)
            else:
                for name in names:
                    self._by_name[name].append(number)

    def _lookup(self, hostname: str, *args: Any, **kwargs: Any) -> SSHConfigDict:
        relevant = SSHConfig()
        numbers = {*self._everywhere, *self._by_name.get(hostname, ())}
        relevant._config = [self._config[number] for number in sorted(numbers)]  # type: ignore[attr-defined]
        return relevant._lookup(hostname, *args, **kwargs)  # type: ignore[attr-defined,no-any-return]


LINE = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*)")
COMMENT = re.compile(r"""\s#[^"']*$""")
# The value of these keywords may contain ` #`.
COMMANDS = ("proxycommand", "localcommand", "remotecommand", "knownhostscommand", "match")
DEEPEST = 16


def lines_of(path: Path, folder: Path, heading: str = "Host *", depth: int = 0) -> Iterator[str]:
    """Yield the lines of an ssh config, with each `Include` replaced by the lines of its files.

    Relative paths of an `Include` start at `folder`. `heading` is the `Host` or `Match` line that applies to the first
    lines of the file. After an `Include`, the current heading is repeated. Raise ValueError if a file cannot be read,
    or includes itself.

    Known difference from ssh: a `Host` line of an included file applies even if the `Include` itself stands below a
    `Host` that does not match.
    """
    if depth > DEEPEST:
        raise ValueError(f"{path}: includes itself, or too many files in each other")
    try:
        text = path.read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    for line in text.splitlines():
        match = LINE.match(line)
        keyword = match[1].lower() if match else ""
        if keyword in ("host", "match"):
            heading = line
        if match and keyword == "include":
            for pattern in shlex.split(match[2], comments=True):
                for found in sorted(glob.glob(str(folder / os.path.expanduser(pattern)))):  # noqa: PTH111, PTH207
                    yield from lines_of(Path(found), folder, heading, depth + 1)
            yield heading
        else:
            yield line if keyword in COMMANDS else COMMENT.sub("", line)


def complete(settings: Config) -> None:
    """Replace the ssh config of `settings` by an indexed one with all included files.

    Raise ValueError if a file cannot be read. A config that does not come from these files keeps its entries.
    """
    user, system = Path("~/.ssh").expanduser(), Path("/etc/ssh")
    files = [(settings._user_ssh_path, user), (settings._system_ssh_path, system)]
    if settings._runtime_ssh_path:
        files = [(settings._runtime_ssh_path, user)]
    paths = [(Path(file).expanduser(), folder) for file, folder in files]
    expanded = {path: list(lines_of(path, folder)) for path, folder in paths if path.is_file()}
    lines = {path: path.read_text("utf-8", "surrogateescape").splitlines() for path in expanded}
    config = settings.base_ssh_config
    # Parsing takes long for many hosts. Most configs need no expansion, so Fabric has parsed them correctly.
    if lines != expanded and _parsed(lines)._config == config._config:  # type: ignore[attr-defined]
        config = _parsed(expanded)
    settings._set(base_ssh_config=IndexedSSHConfig(config))


def _parsed(files: Mapping[Path, Iterable[str]]) -> SSHConfig:
    config = SSHConfig()
    for path, lines in files.items():
        try:
            config.parse(lines)
        except ConfigParseError as error:
            raise ValueError(f"{path}, or what it includes: {str(error).lower()}") from error
    return config
