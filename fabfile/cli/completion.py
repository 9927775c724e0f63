"""Shell completion: print the words that can come next in a command line. Contacts no host.

`completion.bash` and `completion.zsh` call the program with Invoke's `--complete`. `invoke_patches` calls this module
instead of Invoke, which completes no values of options, and does not know whether a word has ended.

The output has one line for each candidate; the shell compares them with the typed text. The output is empty if a path
is expected, because shells complete paths best. The exit code is not 0 if nothing is known.
"""

import contextlib
import gc
import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import attrs
from fabric.main import Fab
from invoke.exceptions import Exit, ParseError
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext

from rr_config import Component, load
from rr_config.command_line.declarations import Values
from rr_config.command_line.parameters import BOOLS, Parameter
from rr_config.hosts.limit import names as limit_names
from rr_config.loading import declared_parameters
from rr_config.muddlers.discovery import all_muddlers

from .leading import CommandParser
from .options import SECTION, Option, shown_flags
from .settings import read_options

# Values of Fabric's own options, by their first names. An option that is missing here gets no candidates.
CORE: dict[str, Values | Sequence[str]] = {
    **dict.fromkeys(("S", "config", "f", "i", "search-root"), Values.PATH),
    "help": Values.COMMAND,
    "hide": ("both", "err", "out"),
    "list-format": ("flat", "json", "nested"),
    "print-completion-script": ("bash", "fish", "zsh"),
}
PROBE = "\0"  # a word of a command line cannot contain it


@attrs.frozen
class Cursor:
    """The place in a command line where the user presses TAB.

    `word` is the text to complete, and `before` is the part of the typed word in front of it: `--limit=` in
    `--limit=web`. `option` is the option or positional argument that takes the word as its value, if any. The first of
    `contexts` holds Fabric's options. The last one is the command that the word belongs to, with its options. In
    front of the first command, it has no name.
    """

    word: str
    before: str
    option: Argument | None
    contexts: Sequence[ParserContext]


def answer(program: Fab) -> NoReturn:
    """Print the candidates for the command line after `--`, and exit.

    Discard all other output, for example the prints of a config file and error messages.
    """
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogateescape")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    sys.dont_write_bytecode = True  # no __pycache__ beside modules that a config imports
    place = cursor_at(program.core.remainder, program.parser)
    settings = place.contexts[0].args["config"].value
    if settings and settings != PROBE:
        program.config.set_runtime_path(settings)
        program.config.load_runtime()
    found = _candidates(place, program.collection.task_names, program.config.get(SECTION) or {})
    gc.freeze()  # saves 20 ms at exit, see invocation.execute()
    if found is None:
        raise Exit(code=1)
    with out:
        out.writelines(f"{place.before}{each}\n" for each in found)
    raise Exit


def cursor_at(line: str, parser: CommandParser) -> Cursor:
    """Return the cursor at the end of `line`, which begins with the name of a program. Raise errors of `parser`."""

    def parsed(words: Sequence[str]) -> Sequence[ParserContext]:
        of_fabric, *commands = parser.parse_argv(words)
        return [of_fabric, *(commands or [parser.leading])]

    *words, word = split(line)[1:] or [""]
    words = [os.path.expandvars(each) for each in words]
    option, _, value = word.partition("=") if word.startswith("--") and "=" in word else ("", "", word)
    try:
        contexts = parsed([*words, option, PROBE] if option else [*words, PROBE])
    except (Exit, ParseError):  # the parser accepts no value there
        return Cursor(word, "", None, parsed(words))
    return Cursor(value, f"{option}=" if option else "", _asked(contexts), contexts)


def _asked(contexts: Iterable[ParserContext]) -> Argument | None:
    """Return the argument that the parser gave the probe as value."""
    for context in contexts:
        argument: Argument
        for argument in context.args.values():
            if argument.raw_value == PROBE:
                return argument
    return None


def split(line: str) -> list[str]:
    """Split `line` into words like a shell. The last word may be empty, or have an open quote."""
    for closing in ("", "'", '"'):
        with contextlib.suppress(ValueError):  # an open quote: try to close it
            *words, last = shlex.split(f"{line}_{closing}")  # a final backslash or space applies to `_`
            return [*words, last[:-1]]
    raise AssertionError("one of two quotes closes any text")


def _candidates(place: Cursor, commands: Iterable[str], defaults: Mapping[str, Any]) -> Iterable[str] | None:
    """Return the candidates: empty if a path is expected, None if nothing is known."""
    values = offered(place)
    if not isinstance(values, Values):
        return values or None
    if values is Values.COMMAND:
        return commands
    if values is Values.PATH:
        return []
    if values is Values.STATE:
        return states(place.word)
    if values is Values.TOPIC:
        from ..ui.pages import topics  # for this command alone

        return topics()
    options = attrs.evolve(read_options(place.contexts[-1].as_kwargs, defaults), limit=None)
    if values is Values.LIMIT:
        return limits(place.word, load(options, with_files=False).all_components())
    if values is Values.COMPONENT:
        return single_names(place.word, load(options, with_files=False).all_components())
    if values is Values.OVER:
        return parameter_values(place.word, declared_parameters(options))  # empty: a path is expected
    if values is Values.PARAMETER:
        return parameter_values(place.word, declared_parameters(options)) or None
    names = [muddler.name for muddler in all_muddlers(options.config_dir)]
    return [name for name in names if name.startswith(place.word)]  # no match: a path is expected


def offered(place: Cursor) -> Values | Sequence[str]:
    """Return the kind of value, or the words, that can come at the cursor. Empty if that is unknown."""
    option = place.option
    if option and _is_word(option) and place.word.startswith("-"):
        option = None  # the word is an option in front of the positional argument
    if isinstance(option, Option):
        return option.declaration.values
    if option:
        return CORE.get(option.names[0], ())
    command = place.contexts[-1]
    if place.word.startswith("-") or (command.name is not None and not place.word):
        return shown_flags(command) if command.name else command.flag_names()
    return () if _words_end(command) else Values.COMMAND


def _is_word(option: Argument) -> bool:
    return option.positional or (isinstance(option, Option) and option.has_words)


def _words_end(command: ParserContext) -> bool:
    """Return whether no other command can follow, because words after this one are values of an option."""
    options = [each for each in command.args.values() if isinstance(each, Option)]
    return any(command.name in each.declaration.words_after for each in options)


def single_names(word: str, components: Sequence[Component]) -> list[str]:
    """Return a word for each component that identifies it: its name, or its label if several share the name.

    Return the label, too, if `word` is the beginning of the label but not of the name.
    """
    names = Counter(component.name for component in components)

    def is_by_label(component: Component) -> bool:
        return names[component.name] > 1 or (component.label.startswith(word) and not component.name.startswith(word))

    return [c.label if is_by_label(c) else c.name for c in components]


def parameter_values(word: str, parameters: Iterable[Parameter]) -> list[str]:
    """Return candidates for `word`, a value of --set.

    Each is `NAME=` for a parameter, or `NAME=VALUE` for both values of a bool if the word names one.
    """
    name, separator, _ = word.partition("=")
    if not separator:
        return [f"{parameter.name}=" for parameter in parameters]
    found = [parameter for parameter in parameters if parameter.name == name and parameter.kind is bool]
    return [f"{name}={value}" for value in BOOLS if found]


def states(word: str) -> list[str]:
    """Return candidates for `word`, a value of --state: the part up to its last comma, followed by a state."""
    from ..runner import State

    start = word[: word.rfind(",") + 1]
    return [start + state for state in State]


def limits(word: str, components: Iterable[Component]) -> list[str]:
    """Return candidates for `word`, a value of --limit.

    Each is the part of `word` up to its last `,` or `!`, followed by the name or the host of a component.
    """
    start = word[: max(word.rfind(","), word.rfind("!")) + 1]
    candidates: dict[str, None] = {}
    for component in components:
        name, host = limit_names(component)[:2]
        candidates |= {start + name: None, start + host: None}
    return list(candidates)
