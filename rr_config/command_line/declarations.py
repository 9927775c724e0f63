"""Declarations: an option is declared once, with its type, default, help and allowed values.

The command line, `--help`, settings files, validation, shell completion and repeat commands read the declarations.
"""

from collections.abc import Collection, Sequence
from enum import Enum, auto
from typing import Any

import attrs

from ..program import program

MOST = 1_000_000  # the maximum of every number that has a minimum
METADATA = "declaration"  # its key in the metadata of an attribute


class Values(Enum):
    """A kind of value that the shell completes, if a fixed list of words is not enough."""

    COMMAND = auto()
    COMPONENT = auto()
    LIMIT = auto()
    MUDDLER = auto()
    PARAMETER = auto()
    OVER = auto()
    PATH = auto()
    STATE = auto()
    TOPIC = auto()


class Group(Enum):
    """A heading of `--help` for options that several commands have."""

    CONFIG = "Config and components"
    CONNECTION = "Connection"
    BEHAVIOUR = "Behaviour"


@attrs.frozen(eq=False, repr=False)
class Declaration:
    """An option of the command line.

    `name` is its name in fabric.yaml. Its flag has `-` in place of `_`. `kind` is str, int or bool. `help` is one text,
    with `{default}` for the default, and `{program}` for the name of the program. `values` holds the allowed words, or
    the kind of value. It is empty if any text is allowed. `least` is the minimum of a number.

    `words_after` are the commands after which further words are values of this option.

    If `attribute` is set, every command accepts the option, and the attribute of `Options` holds the value. An
    `is_inverse` attribute is True if the option is off. `--help` shows the option under its `group`.

    `commands` are the commands in which the option has an effect. It is empty if there is an effect in all commands but
    those of `not_for`. `--help` and completion of other commands do not show the option.
    """

    name: str
    help: str
    kind: type = str
    default: Any = None
    short: str | None = None
    values: Values | Sequence[str] = ()
    least: int | None = None
    is_repeatable: bool = False
    is_positional: bool = False
    is_inverse: bool = False
    is_secret: bool = False
    words_after: Collection[str] = ()
    commands: Collection[str] = ()
    not_for: Collection[str] = ()
    group: Group = Group.BEHAVIOUR
    attribute: str = ""

    def applies_to(self, command: str) -> bool:
        """Return whether the option has an effect in a command."""
        return (not self.commands or command in self.commands) and command not in self.not_for

    @property
    def flag(self) -> str:
        """Return the option as on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def off_flag(self) -> str:
        """Return the flag that turns a boolean option off."""
        return f"--no-{self.flag[2:]}"

    @property
    def help_text(self) -> str:
        """Return the help with the default."""
        default = self.translated(self.default)
        if self.kind is bool:
            default = "yes" if default else "no"
        return self.help.replace("{default}", str(default)).replace("{program}", program())

    def translated(self, value: Any) -> Any:
        """Return the value of the attribute for one of the option, and the other way round."""
        return not value if self.is_inverse else value

    def problems(self, value: Any) -> list[str]:
        """Return an error if `value` is not allowed. None always is."""
        if value is None:
            return []
        if self.least is not None and not self.least <= value <= MOST:
            return [f"{self.flag} {value}: must be a number from {self.least} to {MOST:,}"]
        if self.values and not isinstance(self.values, Values) and value not in self.values:
            return [f"{self.flag} {value}: must be one of {', '.join(self.values)}"]
        return []


def option(help: str, default: Any = None, *, name: str = "", converter: Any = None, **declared: Any) -> Any:
    """Return an attribute of `Options` that declares an option; see `Declaration`.

    Its `name` is that of the attribute by default, and its kind follows from the type.
    """
    declaration = Declaration(name, help, default=default, **declared)
    shown = not declaration.is_secret
    return attrs.field(default=default, converter=converter, repr=shown, metadata={METADATA: declaration})


def declarations_of(options: type[attrs.AttrsInstance]) -> tuple[Declaration, ...]:
    """Return the complete declarations of the attributes of a class that are options."""
    found = []
    for field in attrs.fields(options):
        declaration: Declaration | None = field.metadata.get(METADATA)
        if declaration is None:  # an attribute that no option sets
            continue
        kind = field.type if field.type in (bool, int) else str
        found.append(attrs.evolve(declaration, name=declaration.name or field.name, kind=kind, attribute=field.name))
    return tuple(found)
