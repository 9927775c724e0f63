"""The texts of `--help` and `--list`: commands by their use, and the options that have an effect in a command."""

import inspect
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from invoke.collection import Collection
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext

from rr_config.command_line.declarations import Group, Values
from rr_config.program import program

from .options import Option

# Commands that are missing here are in a group of their own, at the end.
COMMANDS = {
    "Run, or one stage of a run": ("init", "run", "sweep", "screen", "sync", "start", "wait", "restart"),
    "Look": ("status", "logs", "attach", "plan", "config", "doctor", "exec", "muddlers", "docs"),
    "End": ("stop", "kill", "clean"),
    "Results": ("collect", "report", "compare"),
}
OTHER = "Other commands"
# The options of Fabric that are useful here, by their first names.
OF_FABRIC = (
    *("S", "i", "t", "prompt-for-login-password", "prompt-for-passphrase", "f", "config", "search-root"),
    *("help", "list", "version", "print-completion-script"),
)
PLACEHOLDERS = {
    "LIMIT": "PATTERNS",
    "OVER": "NAME=VALUES|FILE",
    "PARAMETER": "NAME=VALUE",
    "STATE": "STATES",
}  # for kinds of values whose own names do not say enough
INDENT = 2
WIDEST_NAME = 26  # the help of an option with a longer name begins on the next line


def overview(commands: Collection, of_fabric: ParserContext) -> str:
    """Return the help of the program: all commands, and the useful options of Fabric."""
    lines = [f"Usage: {program()} COMMAND [OPTION...]", "", command_list(commands)]
    lines += [f"Options of a command: {program()} COMMAND --help", "", "Options of Fabric, in front of a command:"]
    arguments = [of_fabric.args[name] for name in OF_FABRIC if name in of_fabric.args]
    rows = [(spelled_of_fabric(each), each.help or "") for each in dict.fromkeys(arguments)]
    return "\n".join([*lines, columns(rows)])


def command_list(commands: Collection) -> str:
    """Return all commands, grouped by their use, each with the first line of its help."""
    known = set(chain.from_iterable(COMMANDS.values()))
    groups = {**COMMANDS, OTHER: tuple(name for name in sorted(commands.task_names) if name not in known)}
    paragraphs: list[str] = []
    for title, names in groups.items():
        rows = [(name, described(commands, name).splitlines()[0]) for name in names if name in commands.task_names]
        if rows:
            paragraphs.append(f"{title}:\n{columns(rows, 10)}")
    return "\n".join(paragraphs)


def described(commands: Collection, name: str) -> str:
    """Return the docstring of a command."""
    return inspect.getdoc(commands[name]) or "-"


def command_help(commands: Collection, command: ParserContext) -> str:
    """Return the help of a command: its own options first, then those that it shares with others."""
    name = command.name or ""
    options = [each for each in command.args.values() if isinstance(each, Option) and each.declaration.applies_to(name)]
    words = " ".join(each for each in (program(), name, _words(name, options), "[OPTION...]") if each)
    paragraphs = [f"Usage: {words}\n", textwrap.fill(described(commands, name), _width()) + "\n"]
    for title, found in grouped(name, options).items():
        if found:
            paragraphs.append(f"{title}:\n{columns([(spelled(each), each.help or '') for each in found])}")
    paragraphs.append(f"Options of Fabric, for example -S and -i: {program()} --help\n")
    return "\n".join(paragraphs)


def _words(command: str, options: Iterable[Option]) -> str:
    """Return the words that may follow a command, for the line of its usage."""
    words = []
    for option in options:
        if command in option.declaration.words_after:
            return "[PATTERN...]"
        if option.declaration.is_positional:
            name = option.names[0].upper()
            words.append(name if option.declaration.default is None else f"[{name}]")
    return " ".join(words)


def grouped(command: str, options: Iterable[Option]) -> Mapping[str, Sequence[Option]]:
    """Return options by heading: those of the command alone, then each group of shared options."""
    found: dict[str, list[Option]] = {f"Options of {command}": []}
    found |= {group.value: [] for group in Group}
    for option in options:
        is_shared = bool(option.declaration.attribute)
        found[option.declaration.group.value if is_shared else f"Options of {command}"].append(option)
    return found


def spelled(option: Option) -> str:
    """Return for example `-c, --config PATH`; for a boolean that can be turned off, `--[no-]kill`."""
    return ", ".join(names(option)).replace(f"--{option.names[0]}, --no-{option.names[0]}", f"--[no-]{option.names[0]}")


def names(option: Option) -> list[str]:
    """Return for example `-c` and `--config PATH`; for a boolean with a default, `--kill` and `--no-kill`."""
    long, *short = option.names
    if option.positional:
        return [long.upper()]
    value = value_name(option)
    found = [*(f"-{name}" for name in short), f"--{long} {value}".rstrip()]
    if option.kind is bool and option.default:
        found.append(f"--no-{long}")
    return found


def value_name(option: Option) -> str:
    """Return the placeholder for the value of an option, or nothing if it has no value."""
    if option.kind is bool:
        return ""
    if option.kind is int:
        return "N"
    values = option.declaration.values
    if isinstance(values, Values):
        return PLACEHOLDERS.get(values.name, values.name)
    return "|".join(values) or "TEXT"


def spelled_of_fabric(argument: Argument) -> str:
    """Return an option of Fabric in the same form."""
    found = [f"-{name}" if len(name) == 1 else f"--{name}" for name in sorted(argument.names, key=len)]
    value = {int: " N", bool: ""}.get(argument.kind, " VALUE")
    return ", ".join(found) + (f" [{value.strip()}]" if argument.optional else value)


def columns(rows: Sequence[tuple[str, str]], width: int = WIDEST_NAME) -> str:
    """Return two columns of text, the second one wrapped to the width of the terminal."""
    start = INDENT + width + 2
    lines: list[str] = []
    for name, text in rows:
        wrapped = textwrap.wrap(text, max(_width() - start, 30)) or [""]
        first = f"{'':{INDENT}}{name:{width}}  "
        if len(name) > width:
            lines.append(first.rstrip())
            first = " ".ljust(start)
        lines.append(first + wrapped[0])
        lines += [" ".ljust(start) + line for line in wrapped[1:]]
    return "\n".join(lines) + "\n"


def _width() -> int:
    return shutil.get_terminal_size().columns
