"""The options that all commands share: declared once, with defaults from `fabric.yaml`.

Invoke takes the options of a task from the signature of its function; here they come from one table,
so that every command has the same ones under the same short names.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fabric.executor
from invoke.config import Config as Settings
from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.parser.parser import ParseMachine
from invoke.tasks import Task

from rr_config import ConfigError, Options
from rr_config.options import LOG_LEVELS

SECTION = "remote_runner"


class Option(Argument):
    """An option whose value is None unless it was given, so that `fabric.yaml` can say it instead.

    Given again, the last value holds; where the option is `repeatable`, all of them do, as a list.
    """

    _value: Any

    def __init__(self, names: tuple[str, ...], repeatable: bool = False, **kwargs: Any) -> None:
        super().__init__(names=names, **kwargs)
        self.repeatable = repeatable

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
    """The options of every command, in the order of the README. A new list at each call: parsing fills it."""
    return [
        Option(names=("config", "c"), help="The config file: a Python program that says what runs where."),
        Option(
            names=("muddler", "m"),
            repeatable=True,
            help="A muddler that changes the loaded config, by name (see `fab muddlers`) or path. Repeatable.",
        ),
        Option(
            names=("user", "u"), help="The user to log in as. Default: that of ~/.ssh/config, then Fabric's, then you."
        ),
        Option(
            names=("pass", "p"),
            help="The password for logins and keys. Others can see it; --prompt-for-login-password hides it.",
        ),
        Option(names=("log-level", "l"), attr_name="log_level", help=f"{', '.join(LOG_LEVELS)}. Default: INFO."),
        Option(names=("screen",), help="The name of the screen session on every host. Default: runner."),
        Option(names=("kill",), kind=bool, default=True, help="End the old sessions before a run. Default: yes."),
        Option(
            names=("zombie",),
            kind=bool,
            default=True,
            help="Keep the window of a program that has ended, until q is pressed in it. Default: yes.",
        ),
        Option(names=("always-copy",), attr_name="always_copy", kind=bool, help="Send every file, changed or not."),
        Option(names=("extra-args",), attr_name="extra_args", help="A text for the arg parser."),
        Option(
            names=("arg-parser", "a"),
            attr_name="arg_parser",
            help="A Python file whose parse_args(extra_args, ssh_user) makes `extra_options` of --extra-args.",
        ),
        Option(
            names=("terminate",),
            kind=bool,
            help="When all components with `wait` have ended, end the others too.",
        ),
    ]


def read_options(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Options:
    """The options as `given` on the command line, else from `defaults` (`remote_runner:` in fabric.yaml).

    Raises ConfigError for a default of a name or type that no option has.
    """
    own = _checked(defaults)

    def chosen(name: str, otherwise: Any = None) -> Any:
        values = (given.get(name), own.get(name))
        return next((value for value in values if value is not None), otherwise)

    muddlers = chosen("muddler", [])
    log_level = str(chosen("log_level", "INFO")).upper()
    if log_level not in LOG_LEVELS:
        raise ConfigError(f"--log-level {log_level}: there is no such level; choose one of {', '.join(LOG_LEVELS)}")
    return Options(
        config_file=chosen("config"),
        ssh_user=chosen("user"),
        ssh_pass=chosen("pass"),
        screen=chosen("screen", "runner"),
        kill_first=chosen("kill", True),
        always_copy=chosen("always_copy", False),
        no_zombie=not chosen("zombie", True),
        terminate=chosen("terminate", False),
        muddler=[muddlers] if isinstance(muddlers, str) else list(muddlers),
        extra_args=chosen("extra_args"),
        arg_parser=chosen("arg_parser"),
        log_level=log_level,
    )


WORDS = {str: "a text", bool: "true or false"}


def _checked(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of fabric.yaml by name, `_` for `-`. No message shows a value that may be a password."""
    if not hasattr(defaults, "items"):
        kind = type(defaults).__name__
        raise ConfigError(f"fabric.yaml/{SECTION}: is of type {kind}; it must be a mapping of option names to values")
    own = {str(name).replace("-", "_"): value for name, value in defaults.items()}
    known = {str(option.name): option for option in declare()}
    for name, value in own.items():
        if name not in known:
            raise ConfigError(f"fabric.yaml/{SECTION}.{name}: there is no such option; there is {', '.join(known)}")
        if not _fits(known[name], value):
            shown = f"of type {type(value).__name__}" if name == "pass" else repr(value)
            expected = WORDS[known[name].kind] + " or a list of texts" * known[name].repeatable
            raise ConfigError(f"fabric.yaml/{SECTION}.{name}: is {shown}; it must be {expected}")
    return own


def _fits(option: Option, value: Any) -> bool:
    values = value if option.repeatable and isinstance(value, list) else [value]
    return value is None or all(isinstance(each, option.kind) for each in values)


class Command(Task):  # type: ignore[type-arg]
    """A task with the options of `declare`, which its function gets as one dict."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Option]:  # type: ignore[override]
        """The shared options, in place of those of the function's signature."""
        return declare()


def command(function: Callable[..., None]) -> Command:
    """Make `function(context, **given)` a command."""
    return Command(function)


def mend_invoke() -> None:
    """Mend what Invoke and Fabric do with a command line and with settings, where they have no setting for it.

    What follows `--extra-args` is its value, even if it is spelled like an option of ours; an option may be
    given again; a wrong command line exits with 2, as a wrong config does, and so do settings that cannot be
    read. `fab` is Fabric's program, which makes its parser of the words behind a command's name once this
    fabfile has been loaded, and reads fabric.yaml after that. (The states of the parser are bound to the class
    itself: a subclass would have none.)
    """
    handle, load_file = ParseMachine.handle, Settings._load_file

    def handle_values(self: ParseMachine, token: str) -> None:
        if self.flag and self.flag.name == "extra_args" and self.waiting_for_flag_value:
            self.see_value(token)
            return
        handle(self, token)
        if isinstance(self.flag, Option) and token in self.context.flags:
            self.flag.raw_value = None  # by which the parser knows that a value is still to come

    def refuse(self: ParseMachine, msg: str) -> None:
        raise Exit(msg, 2)

    def refuse_remainder(msg: str) -> Exit:
        return Exit("--: leave it and what follows out; what is to run on the hosts, the config file says", 2)

    def load_readable_file(self: Settings, prefix: str, absolute: bool = False, merge: bool = True) -> None:
        named = getattr(self, f"_{prefix}_path")  # what -f says; the others are looked for
        if absolute and named and not Path(named).expanduser().is_file():
            raise Exit(f"-f/--config: {named}: there is no such file; name one with settings for Fabric", 2)
        try:
            load_file(self, prefix, absolute, merge)
        except Exception as error:  # whatever a parser, or a Python file of settings, can raise
            where = named or f"fabric.yaml in {getattr(self, f'_{prefix}_prefix')}"
            raise Exit(f"{where}: cannot be read as settings for Fabric: {error}", 2) from error

    ParseMachine.handle = handle_values  # type: ignore[method-assign]
    ParseMachine.error = refuse  # type: ignore[method-assign]
    Settings._load_file = load_readable_file  # type: ignore[method-assign]
    fabric.executor.NothingToDo = refuse_remainder
