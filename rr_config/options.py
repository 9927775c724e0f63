"""What the command line said, as config files, muddlers and arg parsers see it."""

import math
from pathlib import Path

import attrs

from .paths import local_path

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
HOST_KEYS = ("accept-new", "strict")


def _unless_leave(way: str | None) -> str | None:
    return None if way == "leave" else way


@attrs.define(kw_only=True)
class Options:
    """The options of a run, under the names that config files use.

    `config_file` is an absolute path where a config file or a muddler reads it. `muddler` lists the
    muddlers as given, in the order in which they are applied. `ssh_user` and `ssh_pass` are None
    unless they were given. What a config file assigns here, the muddlers see, but not the run.
    """

    config_file: str | None = None
    ssh_user: str | None = None
    ssh_pass: str | None = attrs.field(default=None, repr=False)
    screen: str = "runner"
    kill_first: bool = True
    always_copy: bool = False
    no_zombie: bool = False
    terminate: bool = False
    on_exit: str | None = attrs.field(default=None, converter=_unless_leave)
    muddler: list[str] = attrs.field(factory=list)
    extra_args: str | None = None
    arg_parser: str | None = None
    log_level: str = "INFO"
    limit: str | None = None
    parallel: int = 64
    host_keys: str | None = None
    max_failures: int = 0
    keep_going: bool = False
    retries: int = 0
    io_timeout: int = 600

    @property
    def most_failed(self) -> float:
        """How many hosts may fail before no later stage begins."""
        return math.inf if self.keep_going else self.max_failures

    @property
    def config_dir(self) -> Path | None:
        """The folder that holds the config file, or None where no config file is named."""
        return local_path(self.config_file).absolute().parent if self.config_file else None
