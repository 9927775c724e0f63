"""`Options`, the options of the command line that config files, muddlers and arg parsers can read."""

import math
from pathlib import Path

import attrs

from .component import Config
from .errors import ConfigError
from .paths import local_path

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
HOST_KEYS = ("accept-new", "strict")


def _unless_leave(way: str | None) -> str | None:
    return None if way == "leave" else way


class Fallback(str):
    """The value of an option that nobody gave on the command line. `config.screen` takes its place."""

    __slots__ = ()


@attrs.define(kw_only=True)
class Options:
    """The options of a run, under the names that config files use.

    A config file or muddler sees `config_file` as an absolute path. `muddler` lists the muddlers as the user gave them,
    in the order in which they run. `ssh_user` and `ssh_pass` are None unless the user gave them.

    A config file gets a copy. If it assigns an option, muddlers see the new value, but the run does not.
    """

    config_file: str | None = None
    ssh_user: str | None = None
    ssh_pass: str | None = attrs.field(default=None, repr=False)
    screen: str = Fallback("runner")
    replace: bool = False
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

    def session_of(self, config: Config) -> str:
        """Return the name of the session: --screen, or else `config.screen`, settings, `runner`."""
        if isinstance(self.screen, Fallback) and config.screen is not None:
            return config.screen
        return self.screen

    @property
    def most_failed(self) -> float:
        """Return how many hosts may fail. If more fail, no later stage begins."""
        return math.inf if self.keep_going else self.max_failures

    @property
    def config_dir(self) -> Path | None:
        """Return the folder of the config file, or None if there is no config file."""
        return local_path(self.config_file).absolute().parent if self.config_file else None


# The minimum of each of these options.
LEAST = {"parallel": 1, "max_failures": 0, "retries": 0, "io_timeout": 1}
MOST = 1_000_000


def check(options: Options) -> None:
    """Raise ConfigError if an option is invalid for every config."""
    if options.log_level not in LOG_LEVELS:
        levels = ", ".join(LOG_LEVELS)
        raise ConfigError(f"--log-level {options.log_level}: there is no such level; choose one of {levels}")
    for name, least in LEAST.items():
        number = getattr(options, name)
        if not least <= number <= MOST:
            raise ConfigError(f"--{name.replace('_', '-')} {number}: must be a number from {least} to {MOST:,}")
    if options.on_exit not in (None, "stop"):
        raise ConfigError(f"--on-exit {options.on_exit}: there is no such way; there are: leave, stop")
    if options.host_keys not in (None, *HOST_KEYS):
        raise ConfigError(f"--host-keys {options.host_keys}: there is no such way; there are: {', '.join(HOST_KEYS)}")
    if options.on_exit and options.most_failed:
        raise ConfigError("--on-exit stop: leave it out with --keep-going or --max-failures: it stops all for one")


def check_seconds(option: str, seconds: float) -> None:
    """Raise ConfigError if the value of an option is not a number of seconds from 0 to MOST."""
    if not isinstance(seconds, int | float) or not 0 <= seconds <= MOST:
        raise ConfigError(f"--{option} {seconds}: must be a number of seconds, from 0 to {MOST}")
