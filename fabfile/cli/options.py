"""The options of all commands; each one is declared once.

Invoke reads the options of a task from the signature of its function. Here they come from one table, so every command
has the same options with the same short names. `settings` merges the parsed options with the defaults of fabric.yaml.
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any

from invoke.parser.argument import Argument
from invoke.tasks import Task

from rr_config.options import HOST_KEYS, LOG_LEVELS

SECTION = "remote_runner"


class Values(Enum):
    """A kind of value that the shell completes, if a fixed list of words is not enough."""

    COMMAND = auto()
    COMPONENT = auto()
    LIMIT = auto()
    MUDDLER = auto()
    PATH = auto()


class Option(Argument):
    """An option whose value is None unless it was given, so that `fabric.yaml` can set it instead.

    If the option is given more than once, the last value counts. A `repeatable` option collects all values in a list.
    `values` is the source of the shell completion; it is empty if the value can be any text.
    """

    _value: Any

    def __init__(
        self, names: tuple[str, ...], repeatable: bool = False, values: Values | Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(names=names, **kwargs)
        self.repeatable, self.values = repeatable, values

    def __repr__(self) -> str:  # Invoke shows it in error messages
        return f"--{self.names[0]}"

    @property
    def value(self) -> Any:
        """Return the given value, or None."""
        return self._value if self.got_value else None

    @value.setter
    def value(self, given: Any) -> None:
        self.raw_value = given
        self._value = [*(self._value or []), given] if self.repeatable else self.kind(given)


def declare() -> list[Option]:
    """Return the options of every command, in the order of the README. Parsing stores values in them, so they are new.

    Invoke accepts `--no-NAME` for a boolean option whose `default` is True. The default is never used as a value.
    """
    return [
        Option(
            names=("config", "c"),
            values=Values.PATH,
            help="The config file: a Python program that says what runs where.",
        ),
        Option(
            names=("muddler", "m"),
            repeatable=True,
            values=Values.MUDDLER,
            help="A muddler that changes the loaded config, by name (see `fab muddlers`) or path, perhaps with its"
            " options. Repeatable.",
        ),
        Option(
            names=("user", "u"), help="The user to log in as. Default: that of ~/.ssh/config, then Fabric's, then you."
        ),
        Option(
            names=("pass", "p"),
            help="The password for logins and keys. Others can see it: rather give --prompt-for-login-password, or"
            " $REMOTE_RUNNER_PASS.",
        ),
        Option(
            names=("log-level", "l"),
            attr_name="log_level",
            values=LOG_LEVELS,
            help=f"{', '.join(LOG_LEVELS)}. Default: INFO.",
        ),
        Option(
            names=("limit",),
            values=Values.LIMIT,
            help="Only the components that these patterns name, by name or host. `*` and `?` stand for any text, and"
            " any letter; commas separate; `!` excludes.",
        ),
        Option(names=("parallel",), kind=int, help="How many hosts are worked on at a time. Default: 64."),
        Option(
            names=("host-keys",),
            attr_name="host_keys",
            values=HOST_KEYS,
            help="What to do with a host whose key is in no known_hosts file: `accept-new` writes it down, `strict`"
            " refuses it. Default: what the ssh config says, else accept-new. One that has changed is always refused.",
        ),
        Option(
            names=("screen",),
            help="The name of the screen session on every host. Default: `config.screen`, else runner.",
        ),
        Option(names=("kill",), kind=bool, default=True, help="End the old sessions before a run. Default: yes."),
        Option(
            names=("replace",),
            kind=bool,
            default=True,
            help="Also end or change a session that belongs to another config or user, and whose components run."
            " Default: no.",
        ),
        Option(
            names=("zombie",),
            kind=bool,
            default=True,
            help="Keep the window of a program that has ended, until q is pressed in it. Default: yes.",
        ),
        Option(
            names=("always-copy",),
            attr_name="always_copy",
            kind=bool,
            default=True,
            help="Send every file, changed or not. Default: no.",
        ),
        Option(
            names=("extra-args",), attr_name="extra_args", help="A text for the arg parser; or the muddlers' options."
        ),
        Option(
            names=("arg-parser", "a"),
            attr_name="arg_parser",
            values=Values.PATH,
            help="A Python file whose parse_args(extra_args, ssh_user) makes `extra_options` of --extra-args.",
        ),
        Option(
            names=("terminate",),
            kind=bool,
            default=True,
            help="When all components with `wait` have ended, end the others too. Default: no.",
        ),
        Option(
            names=("on-exit",),
            attr_name="on_exit",
            values=("leave", "stop"),
            help="`stop`: end all components when any of them fails. Default: `leave` them.",
        ),
        Option(
            names=("keep-going",),
            attr_name="keep_going",
            kind=bool,
            default=True,
            help="Where hosts fail, go on to the later stages on the others. Default: no.",
        ),
        Option(
            names=("max-failures",),
            attr_name="max_failures",
            kind=int,
            help="As --keep-going, as long as no more hosts than that have failed. Default: 0.",
        ),
        Option(
            names=("retries",),
            kind=int,
            help="How often to try again to connect to a host that cannot be reached. Default: 0; where sshd drops"
            " connections since it is busy, 8.",
        ),
        Option(
            names=("io-timeout",),
            attr_name="io_timeout",
            kind=int,
            help="For how many seconds a host may do nothing in a stage before it is given up. Default: 600.",
        ),
    ]


def json_options() -> list[Option]:
    """Return the option of commands that can print JSON."""
    return [Option(names=("json",), kind=bool, help="Print one JSON document.")]


def config_options() -> list[Option]:
    """Return the options that only `fab config` has."""
    return [
        *json_options(),
        Option(names=("diff",), kind=bool, help="Show what the muddlers have changed in it."),
    ]


def collect_options() -> list[Option]:
    """Return the options that only `fab collect` and `fab run` have."""
    return [
        Option(
            names=("to",),
            values=Values.PATH,
            help="The folder that gets a new one for each collection. Default: results.",
        ),
    ]


def run_options() -> list[Option]:
    """Return the options that only `fab run` has, and those of `fab collect`."""
    return [
        Option(names=("collect",), kind=bool, help="Collect at the end, as `collect` does, however the run went."),
        *collect_options(),
    ]


def status_options() -> list[Option]:
    """Return the options that only `fab status` has."""
    return [
        *json_options(),
        Option(names=("watch", "w"), kind=bool, help="Show it again every two seconds, in place, until Ctrl-C."),
    ]


def wait_options() -> list[Option]:
    """Return the options that only `fab wait` has."""
    return [Option(names=("timeout",), kind=int, help="For how many seconds at most. Default: without end.")]


def stop_options() -> list[Option]:
    """Return the options that only `fab stop` and `fab restart` have."""
    return [
        Option(names=("grace",), kind=int, help="Seconds until what has not ended is killed. Default: 10."),
    ]


def doctor_options() -> list[Option]:
    """Return the options that only `fab doctor` has."""
    return [
        Option(names=("json",), kind=bool, help="Print one JSON document, with all checks."),
        Option(names=("install",), kind=bool, help="Install what is missing, with the package manager of the host."),
        Option(names=("yes", "y"), kind=bool, help="Do not ask before something is installed."),
    ]


def logs_options() -> list[Option]:
    """Return the options that only `fab logs` has."""
    return [
        Option(names=("follow", "f"), kind=bool, help="Go on with what comes, until Ctrl-C."),
        Option(names=("lines", "n"), kind=int, help="Only the last lines of each component, so many. Default: all."),
        Option(
            names=("since",),
            help="Only what was put out since then: so many seconds ago, 10m, 2h, 1d, or a time by ISO 8601.",
        ),
        Option(names=("timestamps", "t"), kind=bool, help="With each line, show when it was put out."),
        Option(names=("raw",), kind=bool, help="With all control characters, as the window got them."),
    ]


def attach_options() -> list[Option]:
    """Return the options that only `fab attach` has."""
    return [
        Option(
            names=("component",),
            positional=True,
            values=Values.COMPONENT,
            help="Whose window to show: a name, or HOST/NAME. Needs no --component.",
        )
    ]


def report_options() -> list[Option]:
    """Return the options that only `fab report` has."""
    return [
        Option(
            names=("from",),
            values=Values.PATH,
            help="A folder that `fab collect` has made. Default: the hosts, as they are now.",
        ),
        Option(names=("output", "o"), values=Values.PATH, help="Where to write the page. Default: report.html."),
        Option(names=("overwrite",), kind=bool, help="Also where a file is that is no report."),
    ]


class Command(Task):  # type: ignore[type-arg]
    """A task with the options of `declare`, and those of `own`. Its function receives all as keyword arguments."""

    own: Callable[[], list[Option]] = list

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Option]:  # type: ignore[override]
        """Return the options of the table, and ignore the signature of the function."""
        return declare() + self.own()


def command(own: Callable[[], list[Option]] = list) -> Callable[[Callable[..., None]], Command]:
    """Return a decorator that makes `function(context, **given)` a command; `own` returns its additional options."""

    def made(function: Callable[..., None]) -> Command:
        task = Command(function)
        task.own = own
        return task

    return made
