"""`Options`, the options of the command line that config files, muddlers and arg parsers can read."""

import math
from collections.abc import Mapping
from pathlib import Path

import attrs

from ..config import Config
from ..errors import ConfigError
from ..files.paths import local_path
from .declarations import MOST, Group, Values, declarations_of, option
from .parameters import as_params

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
WITHOUT_CONFIG = ("compare", "docs", "init", "muddlers")  # commands that load no config
WITHOUT_HOSTS = ("config", *WITHOUT_CONFIG)  # commands that contact no host
STARTING = ("run", "sweep", "start", "restart", "wait")  # commands that start components or wait for them
MAY_FAIL = ("run", "start", "restart", "wait", "clean", "screen", "sync")  # commands that can go on without some hosts
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
    in the order in which they run. `params` maps names of parameters to given values, and `config.parameters` has the
    values of all. `ssh_user` and `ssh_pass` are None unless the user gave them.

    If a config file or muddler assigns an option, the new value counts for the run, even if the user gave another one.
    `Config.assigned` holds such values, and `with_assigned` applies them. The object that was loaded stays unchanged.

    `command` is the name of the command that loads the config. A Python program may set it; by default it is None.

        >>> options = Options(config_file="experiment.py", max_failures=2)
        >>> options.muddler, options.parallel, options.most_failed
        ([], 64, 2)
    """

    config_file: str | None = option(
        "The config file, a Python program that adds the components.",
        name="config",
        short="c",
        values=Values.PATH,
        group=Group.CONFIG,
        not_for=("compare", "docs", "init"),
    )
    arg_parser: str | None = option(
        "A Python file with parse_args(extra_args, ssh_user), which parses --extra-args into `extra_options`.",
        short="a",
        values=Values.PATH,
        group=Group.CONFIG,
        not_for=WITHOUT_CONFIG,
    )
    muddler: list[str] = option(
        "A muddler that changes the loaded config: its name (see `{program} muddlers`) or path, and its options."
        " Repeatable.",
        default=(),
        short="m",
        values=Values.MUDDLER,
        is_repeatable=True,
        converter=_as_list,
        group=Group.CONFIG,
        not_for=WITHOUT_CONFIG,
    )
    params: Mapping[str, object] = option(
        "NAME=VALUE: set a parameter that the config or a muddler declares with `util.params`. Repeatable.",
        default=(),
        name="set",
        values=Values.PARAMETER,
        is_repeatable=True,
        converter=as_params,
        group=Group.CONFIG,
        not_for=WITHOUT_CONFIG,
    )
    screen: str = option(
        "The name of the screen session on every host. Default: `config.screen`, or {default}.",
        default=Fallback("runner"),
        not_for=WITHOUT_HOSTS,
    )
    limit: str | None = option(
        "Select components by patterns of their name, host or HOST/NAME, separated by commas. `*` matches any text, `?`"
        " one character. `!` excludes. Default: all components.",
        values=Values.LIMIT,
        words_after=("collect", "logs", "restart", "status", "stop"),
        group=Group.CONFIG,
        not_for=WITHOUT_CONFIG,
    )
    ssh_user: str | None = option(
        "The user name for logins. Default: from ~/.ssh/config, then from Fabric's settings, then the local user.",
        name="user",
        short="u",
        group=Group.CONNECTION,
        not_for=WITHOUT_CONFIG,
    )
    ssh_pass: str | None = option(
        "The password for logins and keys. Other users can see it in the process list. Prefer"
        " --prompt-for-login-password or $REMOTE_RUNNER_PASS.",
        name="pass",
        short="p",
        is_secret=True,
        group=Group.CONNECTION,
        not_for=WITHOUT_HOSTS,
    )
    extra_args: str | None = option(
        "Arguments for the arg parser, or options of the muddlers.",
        group=Group.CONFIG,
        not_for=WITHOUT_CONFIG,
    )
    host_keys: str | None = option(
        "Accept (`accept-new`) or refuse (`strict`) a host key that is in no known_hosts file. A changed key is always"
        " refused. Default: StrictHostKeyChecking of the ssh config, or accept-new.",
        values=("accept-new", "strict"),
        group=Group.CONNECTION,
        not_for=WITHOUT_HOSTS,
    )
    on_exit: str | None = option(
        "Stop all components when any of them fails (`stop`), or let them run (`leave`). Default: {default}.",
        default="leave",
        values=("leave", "stop"),
        converter=_unless_leave,
        commands=STARTING,
    )
    max_failures: int = option(
        "Continue like --keep-going while at most this number of hosts have failed. Default: {default}.",
        default=0,
        least=0,
        commands=MAY_FAIL,
    )
    parallel: int = option(
        "Maximum number of hosts to work on at the same time. Default: {default}.",
        default=64,
        least=1,
        group=Group.CONNECTION,
        not_for=WITHOUT_HOSTS,
    )
    retries: int = option(
        "Number of retries to connect to an unreachable host. Default: {default}. A busy sshd that drops connections"
        " gets at least 8.",
        default=0,
        least=0,
        group=Group.CONNECTION,
        not_for=WITHOUT_HOSTS,
    )
    io_timeout: int = option(
        "Seconds without progress in a stage after which a host fails. Default: {default}.",
        default=600,
        least=1,
        group=Group.CONNECTION,
        not_for=WITHOUT_HOSTS,
    )
    transport: str = option(
        "How to connect: in this process (`paramiko`), or with the program ssh (`openssh`). `auto` uses ssh only for a"
        " host whose ssh config has a setting that paramiko cannot obey. Default: {default}.",
        default="auto",
        values=("auto", "openssh", "paramiko"),
        group=Group.CONNECTION,
        not_for=WITHOUT_HOSTS,
    )
    log_level: str = option(
        f"Log level: {', '.join(LOG_LEVELS)}. Default: {{default}}.",
        default="INFO",
        short="l",
        values=LOG_LEVELS,
        converter=_upper,
    )
    kill_first: bool = option(
        "Kill the old sessions before a run. Default: {default}.",
        default=True,
        name="kill",
        commands=("plan", "run"),
    )
    no_zombie: bool = option(
        "Keep the window of an ended program open until q is pressed in it. Default: {default}.",
        default=False,
        name="zombie",
        is_inverse=True,
        commands=("run", "screen", "sweep"),
    )
    replace: bool = option(
        "Also kill or change a session with running components of another config or user. Default: {default}.",
        default=False,
        commands=(*STARTING, "kill", "plan", "screen", "stop", "sync"),
    )
    always_copy: bool = option(
        "Copy all files, even unchanged ones. Default: {default}.",
        default=False,
        commands=("doctor", "plan", "run", "sweep", "sync"),
    )
    delete: bool = option(
        "Allow `util.tree` with delete=True to remove more than 100 files and folders on a host. Default: {default}.",
        default=False,
        commands=("plan", "run", "sweep", "sync"),
    )
    relay: bool = option(
        "Let hosts pass files on to each other. Each byte leaves this machine about once. Opens ports on the hosts"
        " during the sync. Default: {default}.",
        default=False,
        commands=("plan", "run", "sweep", "sync"),
    )
    terminate: bool = option(
        "Stop the other components when all components with `wait` have ended. Default: {default}.",
        default=False,
        commands=("run", "sweep", "wait"),
    )
    keep_going: bool = option(
        "When hosts fail, continue with the later stages on the other hosts. `sweep` continues with the next run after"
        " one that failed. Default: {default}.",
        default=False,
        commands=(*MAY_FAIL, "sweep"),
    )

    sample: int = option(
        "Seconds between samples of the CPU time, memory and I/O that hosts and components use; 0 is off. Default:"
        " {default}.",
        default=1,
        least=0,
        commands=("restart", "run", "start", "sweep"),
    )

    command: str | None = None

    def with_assigned(self, config: Config) -> "Options":
        """Return these options with the values that the config and its muddlers have assigned."""
        return attrs.evolve(self, **config.assigned)

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
        problems.append("--on-exit stop: cannot be combined with --keep-going or --max-failures")
    if problems:
        raise ConfigError(*problems)


def check_seconds(option: str, seconds: float, least: int = 0) -> None:
    """Raise ConfigError if the value of an option is not a number of seconds from `least` to MOST."""
    if not isinstance(seconds, int | float) or not least <= seconds <= MOST:
        raise ConfigError(f"--{option} {seconds}: must be a number of seconds, from {least} to {MOST}")
