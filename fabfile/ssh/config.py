"""The ssh config with all included files.

paramiko knows neither `Include` nor a comment at the end of a line; see ssh_config(5). `connection` applies this module
to the settings of every connection.
"""

import glob
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fabric import Config
from paramiko.config import SSHConfig
from paramiko.ssh_exception import ConfigParseError

from rr_config.errors import os_reason

from .fabric_patches import ssh_config_files
from .paramiko_patches import IndexedSSHConfig, entries

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
        raise ValueError(f"{path}: Include is nested too deeply; the file may include itself")
    try:
        text = path.read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise ValueError(f"{path}: {os_reason(error)}") from error
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
    expanded = {path: list(lines_of(path, folder)) for path, folder in ssh_config_files(settings) if path.is_file()}
    lines = {path: path.read_text("utf-8", "surrogateescape").splitlines() for path in expanded}
    config = settings.base_ssh_config
    # Parsing takes long for many hosts. Most configs need no expansion, so Fabric has parsed them correctly.
    if lines != expanded and entries(_parsed(lines)) == entries(config):
        config = _parsed(expanded)
    settings.base_ssh_config = IndexedSSHConfig(config)


def _parsed(files: Mapping[Path, Iterable[str]]) -> SSHConfig:
    config = SSHConfig()
    for path, lines in files.items():
        try:
            config.parse(lines)
        except ConfigParseError as error:
            raise ValueError(f"{path} or a file that it includes: {str(error).lower()}") from error
    return config
