"""The ssh config: with the files that it includes, and looked up without going through the entries of all other hosts.

paramiko compares a name with every `Host` line, twice: for 500 hosts that have an entry each, that takes 6 s. It knows
neither `Include` nor what is behind `#` in a line, see ssh_config(5).
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


LINE = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*)")
COMMENT = re.compile(r"""\s#[^"']*$""")
# Of these, `#` may be a part.
COMMANDS = ("proxycommand", "localcommand", "remotecommand", "knownhostscommand", "match")
DEEPEST = 16


def lines_of(path: Path, folder: Path, heading: str = "Host *", depth: int = 0) -> Iterator[str]:
    """The lines of an ssh config, with those of files that it includes in their place; relative ones are in `folder`.

    Those before the first `Host` or `Match` are below `heading`, which has to be there already if it is another one.
    ValueError where one cannot be read, or includes itself. (What is included below a `Host` that does not match counts
    all the same, where it has a `Host` of its own.)
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
    """Let connections by `settings` look up their hosts in an indexed ssh config, with all that it includes.

    ValueError where that cannot be read. One that comes from no file is left as it is.
    """
    user, system = Path("~/.ssh").expanduser(), Path("/etc/ssh")
    files = [(settings._user_ssh_path, user), (settings._system_ssh_path, system)]
    if settings._runtime_ssh_path:
        files = [(settings._runtime_ssh_path, user)]
    paths = [(Path(file).expanduser(), folder) for file, folder in files]
    complete_lines = {path: list(lines_of(path, folder)) for path, folder in paths if path.is_file()}
    lines = {path: path.read_text("utf-8", "surrogateescape").splitlines() for path in complete_lines}
    config = settings.base_ssh_config
    # Parsing takes long for many hosts, and most say nothing that paramiko does not know.
    if lines != complete_lines and _parsed(lines)._config == config._config:  # type: ignore[attr-defined]
        config = _parsed(complete_lines)
    settings._set(base_ssh_config=IndexedSSHConfig(config))


def _parsed(files: Mapping[Path, Iterable[str]]) -> SSHConfig:
    config = SSHConfig()
    for path, lines in files.items():
        try:
            config.parse(lines)
        except ConfigParseError as error:
            raise ValueError(f"{path}, or what it includes: {str(error).lower()}") from error
    return config
