"""The options that all commands share, and those that only some have: each is declared once.

Invoke takes the options of a task from the signature of its function; here they come from one table,
so that every command has the same ones under the same short names.
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any

from invoke.parser.argument import Argument
from invoke.tasks import Task

from rr_config.options import HOST_KEYS, LOG_LEVELS

SECTION = "remote_runner"


class Values(Enum):
    """What the shell completes the value of an option with, where that is no fixed list of words."""

    COMMAND = auto()
    COMPONENT = auto()
    LIMIT = auto()
    MUDDLER = auto()
    PATH = auto()


class Option(Argument):
    """An option whose value is None unless it was given, so that `fabric.yaml` can say it instead.

    Given again, the last value holds; where the option is `repeatable`, all of them do, as a list. `values` are what
    the shell completes its value with; nothing, if that can be any text.
    """

    _value: Any

    def __init__(
        self, names: tuple[str, ...], repeatable: bool = False, values: Values | Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(names=names, **kwargs)
        self.repeatable, self.values = repeatable, values

    def __repr__(self) -> str:  # for what Invoke says of it to the user
        return f"--{self.names[0]}"

    @property
    def value(self) -> Any:
        """What was given, or None."""
        return self._value if self.got_value else None

    @value.setter
    def value(self, given: Any) -> None:
        self.raw_value = given
        self._value = [*(self._value or []), given] if self.repeatable else self.kind(given)


def declare() -> list[Option]:
    """The options of every command, in the order of the README. A new list at each call: parsing fills it.

    Invoke takes `--no-NAME` for those options, true or false, whose `default` is True; that default is never used.
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
        Option(names=("screen",), help="The name of the screen session on every host. Default: runner."),
        Option(names=("kill",), kind=bool, default=True, help="End the old sessions before a run. Default: yes."),
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
    """What commands have that can answer to programs, too."""
    return [Option(names=("json",), kind=bool, help="Print one JSON document.")]


def config_options() -> list[Option]:
    """What only `fab config` has."""
    return [
        *json_options(),
        Option(names=("diff",), kind=bool, help="Show what the muddlers have changed in it."),
    ]


def collect_options() -> list[Option]:
    """What only `fab collect` has."""
    return [
        Option(
            names=("to",),
            values=Values.PATH,
            help="The folder that gets a new one for each collection. Default: results.",
        ),
    ]


def run_options() -> list[Option]:
    """What only `fab run` has."""
    return [
        Option(names=("collect",), kind=bool, help="Collect at the end, as `collect` does, however the run went."),
        *collect_options(),
    ]


def status_options() -> list[Option]:
    """What only `fab status` has."""
    return [
        *json_options(),
        Option(names=("watch", "w"), kind=bool, help="Show it again every two seconds, in place, until Ctrl-C."),
    ]


def wait_options() -> list[Option]:
    """What only `fab wait` has."""
    return [Option(names=("timeout",), kind=int, help="For how many seconds at most. Default: without end.")]


def stop_options() -> list[Option]:
    """What `fab stop` and `fab restart` have."""
    return [
        Option(names=("grace",), kind=int, help="Seconds until what has not ended is killed. Default: 10."),
    ]


def doctor_options() -> list[Option]:
    """What only `fab doctor` has."""
    return [
        Option(names=("json",), kind=bool, help="Print one JSON document, with all checks."),
        Option(names=("install",), kind=bool, help="Install what is missing, with the package manager of the host."),
        Option(names=("yes", "y"), kind=bool, help="Do not ask before something is installed."),
    ]


def logs_options() -> list[Option]:
    """What only `fab logs` has."""
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
    """What only `fab attach` has."""
    return [
        Option(
            names=("component",),
            positional=True,
            values=Values.COMPONENT,
            help="Whose window to show: a name, or HOST/NAME. Needs no --component.",
        )
    ]


def report_options() -> list[Option]:
    """What only `fab report` has."""
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
    """A task with the options of `declare`, and perhaps some of its own, which its function gets as one dict."""

    own: Callable[[], list[Option]] = list

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Option]:  # type: ignore[override]
        """These options, in place of those of the function's signature."""
        return declare() + self.own()


def command(own: Callable[[], list[Option]] = list) -> Callable[[Callable[..., None]], Command]:
    """Make `function(context, **given)` a command; `own` declares the options that only it has."""

    def made(function: Callable[..., None]) -> Command:
        task = Command(function)
        task.own = own
        return task

    return made
