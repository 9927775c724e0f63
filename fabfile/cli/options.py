"""The parser's view of the options: every command has those of `Options`, and its own.

Invoke reads the options of a task from the signature of its function. Here they come from declarations instead.
`settings` merges the parsed options with the defaults of fabric.yaml.
"""

from typing import Any, NoReturn

from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext
from invoke.tasks import Task

from rr_config.command_line.declarations import Declaration
from rr_config.command_line.options import OPTIONS
from rr_config.hosts.limit import Words

from .exit_codes import WRONG
from .own_options import own_options

SECTION = "remote_runner"


class Option(Argument):
    """An option of a command, made from its declaration.

    If the user does not give it, the value of an option of all commands is None, because `fabric.yaml` may set it. The
    value of any other option is its default. If the user gives it more than once, the last value counts, or all values
    if it is repeatable.
    """

    _value: Any

    def __init__(self, declaration: Declaration) -> None:
        flag = declaration.flag.removeprefix("--")
        is_shared = bool(declaration.attribute)
        names = (flag, declaration.short) if declaration.short else (flag,)
        default = (is_shared and declaration.kind is bool) or None  # for True, Invoke accepts --no-NAME
        super().__init__(None, names, declaration.kind, default, declaration.help_text, declaration.is_positional)
        self.attr_name = None if flag == declaration.name else declaration.name
        self.declaration = declaration
        self.unset = None if is_shared else declaration.default

    def __repr__(self) -> str:  # Invoke shows it in error messages
        return f"--{self.names[0]}"

    def __deepcopy__(self, memo: dict[int, Any]) -> "Option":
        """Return an option with the same values. Invoke copies all options of all commands at each start.

        No value is changed in place, so the copy may share them. A full copy takes most of the time of the parser.
        """
        new = object.__new__(type(self))
        vars(new).update(vars(self))
        return new

    @property
    def value(self) -> Any:
        """Return the given value, or what stands for none."""
        return self._value if self.got_value else self.unset

    @value.setter
    def value(self, given: Any) -> None:
        if self.has_words:
            self._refuse_both()
        self.raw_value = given
        if self.declaration.is_repeatable:
            self._value = [*(self._value or []), given]
        else:
            self._value = self.kind(given)

    @property
    def has_words(self) -> bool:
        """Return whether the value comes from words after the command."""
        return isinstance(self._value, Words)

    def takes_word(self, command: str) -> bool:
        """Return whether a further word after `command` is a value of this option."""
        if self.declaration.is_positional and self.declaration.default is not None:  # it may be missing
            return not self.got_value
        return command in self.declaration.words_after

    def add_word(self, word: str, command: str) -> None:
        """Add a word that stands after `command`. Raise Exit if the option itself is given, too."""
        if self.declaration.is_positional:
            self.value = word
            return
        if self.got_value and not self.has_words:
            self._refuse_both(command)
        words = Words(f"{self._value},{word}" if self.has_words else word)
        words.command = command
        self.raw_value, self._value = word, words

    def inherit(self, given: "Option") -> None:
        """Take the value that is given in front of the command, unless the command has its own."""
        if self.has_words:
            self._refuse_both()
        if self.declaration.is_repeatable:
            self._value = [*given._value, *(self._value or [])]
        elif not self.got_value:
            self._value = given._value

    def _refuse_both(self, command: str = "") -> NoReturn:
        command = command or self._value.command
        raise Exit(f"{command}: cannot combine patterns with {self.declaration.flag}; give one of them", WRONG)


def shown_flags(context: ParserContext) -> list[str]:
    """Return the flags of the options that have an effect in a command."""
    flags: list[str] = []
    for flag in context.flag_names():
        option = context.flags[context.inverse_flags.get(flag, flag)]
        if not isinstance(option, Option) or option.declaration.applies_to(context.name or ""):
            flags.append(flag)
    return flags


class Command(Task):  # type: ignore[type-arg]
    """A task with the declared options. Its function receives all as keyword arguments."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Option]:  # type: ignore[override]
        """Return new options, because the parser stores values in them. Ignore the signature of the function."""
        return [Option(each) for each in (*OPTIONS, *own_options(self.name))]


command = Command  # the decorator that makes `function(context, **given)` a command
