"""`Options`, the options of the command line that config files, muddlers and arg parsers can read."""

import math
from pathlib import Path

import attrs

from .component import Config
from .declarations import MOST, Values, declarations_of, option
from .errors import ConfigError
from .paths import local_path

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
GRACE_SECONDS = 10  # the default of --grace


class Fallback(str):
    """The value of an option that nobody gave on the command line. `config.screen` takes its place."""

    __slots__ = ()


def _unless_leave(way: str | None) -> str | None:
    return None if way == "leave" else way


def _upper(level: str) -> str:
    return str(level).upper()


def _as_list(muddlers: str | list[str]) -> list[str]:
    return [muddlers] if isinstance(muddlers, str) else list(muddlers)


@attrs.define(kw_only=True)
class Options:
    """The options of all commands, under the names that config files use. Each one is declared here alone.

    A config file or muddler sees `config_file` as an absolute path. `muddler` lists the muddlers as the user gave them,
    in the order in which they run. `ssh_user` and `ssh_pass` are None unless the user gave them.

    A config file gets a copy. If it assigns an option, muddlers see the new value, but the run does not.
    """

    config_file: str | None = option(
        "The config file: a Python program that says what runs where.",
        name="config",
        short="c",
        values=Values.PATH,
    )
    arg_parser: str | None = option(
        "A Python file whose parse_args(extra_args, ssh_user) makes `extra_options` of --extra-args.",
        short="a",
        values=Values.PATH,
    )
    muddler: list[str] = option(
        "A muddler that changes the loaded config, by name (see `fab muddlers`) or path, perhaps with its options."
        " Repeatable.",
        default=(),
        short="m",
        values=Values.MUDDLER,
        is_repeatable=True,
        converter=_as_list,
    )
    screen: str = option(
        "The name of the screen session on every host. Default: `config.screen`, else {default}.",
        default=Fallback("runner"),
    )
    limit: str | None = option(
        "Only the components that these patterns name, by name or host. `*` and `?` stand for any text, and any"
        " letter; commas separate; `!` excludes.",
        values=Values.LIMIT,
    )
    ssh_user: str | None = option(
        "The user to log in as. Default: that of ~/.ssh/config, then Fabric's, then you.", name="user", short="u"
    )
    ssh_pass: str | None = option(
        "The password for logins and keys. Others can see it: rather give --prompt-for-login-password, or"
        " $REMOTE_RUNNER_PASS.",
        name="pass",
        short="p",
        is_secret=True,
    )
    extra_args: str | None = option("A text for the arg parser; or the muddlers' options.")
    host_keys: str | None = option(
        "What to do with a host whose key is in no known_hosts file: `accept-new` writes it down, `strict` refuses it."
        " Default: what the ssh config says, else accept-new. One that has changed is always refused.",
        values=("accept-new", "strict"),
    )
    on_exit: str | None = option(
        "`stop`: end all components when any of them fails. Default: `{default}` them.",
        default="leave",
        values=("leave", "stop"),
        converter=_unless_leave,
    )
    max_failures: int = option(
        "As --keep-going, as long as no more hosts than that have failed. Default: {default}.", default=0, least=0
    )
    parallel: int = option("How many hosts are worked on at a time. Default: {default}.", default=64, least=1)
    retries: int = option(
        "How often to try again to connect to a host that cannot be reached. Default: {default}; where sshd drops"
        " connections since it is busy, 8.",
        default=0,
        least=0,
    )
    io_timeout: int = option(
        "For how many seconds a host may do nothing in a stage before it is given up. Default: {default}.",
        default=600,
        least=1,
    )
    log_level: str = option(
        f"{', '.join(LOG_LEVELS)}. Default: {{default}}.",
        default="INFO",
        short="l",
        values=LOG_LEVELS,
        converter=_upper,
    )
    kill_first: bool = option("End the old sessions before a run. Default: {default}.", default=True, name="kill")
    no_zombie: bool = option(
        "Keep the window of a program that has ended, until q is pressed in it. Default: {default}.",
        default=False,
        name="zombie",
        is_inverse=True,
    )
    replace: bool = option(
        "Also end or change a session that belongs to another config or user, and whose components run."
        " Default: {default}.",
        default=False,
    )
    always_copy: bool = option("Send every file, changed or not. Default: {default}.", default=False)
    terminate: bool = option(
        "When all components with `wait` have ended, end the others too. Default: {default}.", default=False
    )
    keep_going: bool = option(
        "Where hosts fail, go on to the later stages on the others. Default: {default}.", default=False
    )

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


OPTIONS = declarations_of(Options)


def check(options: Options) -> None:
    """Raise ConfigError with all mistakes if options are invalid for every config."""
    problems: list[str] = []
    for each in OPTIONS:
        problems += each.problems(getattr(options, each.attribute))
    if options.on_exit and options.most_failed and not problems:
        problems.append("--on-exit stop: leave it out with --keep-going or --max-failures: it stops all for one")
    if problems:
        raise ConfigError(*problems)


def check_seconds(option: str, seconds: float) -> None:
    """Raise ConfigError if the value of an option is not a number of seconds from 0 to MOST."""
    if not isinstance(seconds, int | float) or not 0 <= seconds <= MOST:
        raise ConfigError(f"--{option} {seconds}: must be a number of seconds, from 0 to {MOST}")
