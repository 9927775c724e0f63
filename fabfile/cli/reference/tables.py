"""Tables of the documentation that are generated from the declarations of the program.

A page says `<!-- generated: states -->`, and the site shows the table there. TABLES lists the names.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from rr_config.command_line.declarations import Group
from rr_config.component import ATTRIBUTES, Component
from rr_config.program import FAB, program

from ...runner import State
from .. import exit_codes
from ..help import names
from ..options import Command, Option

Commands = Mapping[str, Command]
MARKER = re.compile(r"<!-- generated: (.+?) -->")
DECLARATION = re.compile(r"^\s*[A-Z]+ = (.+?)  # (.+)$", re.MULTILINE)
CODE_OR_LINE = re.compile(r"(`[^`]*`)|\|")


def with_tables(markdown: str, commands: Commands) -> str:
    """Replace the markers of a page by their tables."""
    return MARKER.sub(lambda marker: generated(marker[1], commands), markdown)


def generated(name: str, commands: Commands) -> str:
    """Return the table of that name: one of TABLES, or `options of COMMAND`. Raise KeyError for any other."""
    command = name.removeprefix("options of ")
    if command != name:
        return option_table(own_options(command, commands))
    return TABLES[name](commands)


def commands_in(module: Mapping[str, object]) -> Commands:
    """Return the commands in a module by name. `fabfile` imports this module, so this one cannot import it."""
    found = [each for each in module.values() if isinstance(each, Command)]
    return {command.name: command for command in sorted(found, key=lambda command: command.name)}


def shared_options(commands: Commands) -> list[Option]:
    """Return the options that every command accepts."""
    return commands["muddlers"].get_arguments()  # which has no others


def own_options(command: str, commands: Commands) -> list[Option]:
    """Return the options of a command that not every command has."""
    shared = {option.names for option in shared_options(commands)}
    return [option for option in commands[command].get_arguments() if option.names not in shared]


def command_table(commands: Commands) -> str:
    """Return a table of the commands, each with the first sentence of its help."""
    rows = []
    for name, command in commands.items():
        sentence = (command.__doc__ or "").partition(". ")[0].rstrip(".")
        rows.append((f"[`{name}`](#fab-{name})", sentence))
    return table(("Command", "Purpose"), rows)


def option_table(options: Iterable[Option]) -> str:
    """Return a table of options with their short names, values and help."""
    return table(("Option", "Meaning"), [(option_names(option), meaning(option)) for option in options])


def meaning(option: Option) -> str:
    """Return the help of an option. All pages call the program `fab`."""
    return (option.help or "").replace(f"`{program()} ", f"`{FAB} ")


def shared_table(commands: Commands) -> str:
    """Return a table of the shared options for each of their groups, with the commands in which they have an effect."""
    parts = []
    for group in Group:
        options = [option for option in shared_options(commands) if option.declaration.group is group]
        rows = [(option_names(option), meaning(option), effective(option)) for option in options]
        parts.append(f"**{group.value}**\n\n{table(('Option', 'Meaning', 'Commands'), rows)}")
    return "\n\n".join(parts)


def effective(option: Option) -> str:
    """Return the commands in which an option has an effect, in words."""
    declared = option.declaration
    if declared.commands:
        return ", ".join(f"`{name}`" for name in sorted(declared.commands))
    excepted = ", ".join(f"`{name}`" for name in sorted(declared.not_for))
    return f"all but {excepted}" if excepted else "all"


def option_names(option: Option) -> str:
    """Return for example `-c`, `--config PATH`; for a boolean with a default, `--kill`, `--no-kill`."""
    return ", ".join(f"`{name}`" for name in names(option))


def attribute_table(commands: Commands) -> str:
    """Return a table of the attributes of Component, with their types and defaults."""
    rows = []
    for field in attrs.fields(Component):
        declared = ATTRIBUTES[field.name]
        kind = inspect.formatannotation(field.type).replace("rr_config.values.ready.", "").replace("typing.", "")
        link = f"[`{field.name}`](#{field.name})"
        rows.append((link, f"`{kind}`", "required" if declared.is_required else default_of(field), declared.help))
    return table(("Attribute", "Type", "Default", "Meaning"), rows)


def default_of(field: "attrs.Attribute[Any]") -> str:
    """Return the default of an attribute as Python spells it."""
    default = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = default.factory()  # type: ignore[union-attr]
    return f"`{default!r}`"


def state_table(commands: Commands) -> str:
    """Return a table of the states of a component."""
    return table(("State", "Meaning"), commented(State))


def exit_code_table(commands: Commands) -> str:
    """Return a table of the exit codes."""
    return table(("Code", "Meaning"), [("`0`", "success"), *commented(exit_codes)])


def commented(declarations: Any) -> list[tuple[str, str]]:
    """Return the value and the comment of each line `NAME = VALUE  # COMMENT` of a class or module."""
    found = DECLARATION.findall(inspect.getsource(declarations))
    return [(f"`{value.strip(chr(34))}`", comment) for value, comment in found]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    rule = ["---"] * len(head)
    lines = [f"| {' | '.join(map(escaped, row))} |" for row in (head, rule, *rows)]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Return text for a cell. A vertical line in it, except in code, would begin another cell."""
    return CODE_OR_LINE.sub(lambda found: found[1] or r"\|", text)


TABLES: dict[str, Callable[[Commands], str]] = {
    "commands": command_table,
    "options": shared_table,
    "attributes": attribute_table,
    "states": state_table,
    "exit codes": exit_code_table,
}
