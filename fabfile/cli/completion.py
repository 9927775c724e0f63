"""What TAB offers: the words that can come next in a command line. Never touches a host.

`completion.bash` and `completion.zsh` ask for them by Invoke's `--complete`. This answers in place of Invoke, which
knows no values of options, and not whether a word has ended. The answer is a line for each word, whatever is typed of
it already; nothing, where a path is wanted, which shells complete best; and an exit code other than 0, where nothing
is known.
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
from invoke.parser.parser import Parser

from rr_config import Component, load
from rr_config.limit import names as limit_names
from rr_config.muddlers.discovery import all_muddlers

from .options import SECTION, Option, Values
from .settings import read_options

# What Fabric's own options take, by their first names. For those that are not here, nothing is offered.
CORE: dict[str, Values | Sequence[str]] = {
    "S": Values.PATH,
    "config": Values.PATH,
    "help": Values.COMMAND,
    "hide": ("both", "err", "out"),
    "i": Values.PATH,
    "list-format": ("flat", "json", "nested"),
    "print-completion-script": ("bash", "fish", "zsh"),
    "search-root": Values.PATH,
}
PROBE = "\0"  # no word of a command line can have it


@attrs.frozen
class Cursor:
    """Where in a command line TAB is pressed: in which word, and in whose value if that is one.

    `before` is what of the word is not up for completion: the `--limit=` of `--limit=web`. The last of `contexts` is
    the command that the word belongs to, with the values of its options; the first one is that of Fabric's options.
    """

    word: str
    before: str
    option: Argument | None
    contexts: Sequence[ParserContext]


def answer(program: Fab) -> NoReturn:
    """Print the candidates for the command line that is behind `--`, and exit.

    Nothing else is printed: not what a config prints, nor what is wrong with it.
    """
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogateescape")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    sys.dont_write_bytecode = True  # nothing is to appear beside what a config imports
    place = cursor_at(program.core.remainder, program.parser)
    settings = place.contexts[0].args["config"].value
    if settings and settings != PROBE:
        program.config.set_runtime_path(settings)
        program.config.load_runtime()
    found = _candidates(place, program.collection.task_names, program.config.get(SECTION) or {})
    gc.freeze()  # as at the end of every command: 20 ms
    if found is None:
        raise Exit(code=1)
    with out:
        out.writelines(f"{place.before}{each}\n" for each in found)
    raise Exit


def cursor_at(line: str, parser: Parser) -> Cursor:
    """The place at the end of `line`, which begins with the name of a program. Raises what `parser` does."""
    *words, word = split(line)[1:] or [""]
    words = [os.path.expandvars(each) for each in words]
    option, _, value = word.partition("=") if word.startswith("--") and "=" in word else ("", "", word)
    try:
        contexts = parser.parse_argv([*words, option, PROBE] if option else [*words, PROBE])
    except (Exit, ParseError):  # no value is expected there
        return Cursor(word, "", None, parser.parse_argv(words))
    arguments = [each for context in contexts for each in context.args.values()]
    asked = next((each for each in arguments if each.raw_value == PROBE), None)
    return Cursor(value, f"{option}=" if option else "", asked, contexts)


def split(line: str) -> list[str]:
    """The words of `line` as a shell would split them; the last one may be empty, or have an open quote."""
    for closing in ("", "'", '"'):
        with contextlib.suppress(ValueError):  # a quote is open, and another one closes it
            *words, last = shlex.split(f"{line}_{closing}")  # even where a backslash is last
            return [*words, last[:-1]]
    raise AssertionError("one of two quotes closes any text")


def _candidates(place: Cursor, commands: Iterable[str], defaults: Mapping[str, Any]) -> Iterable[str] | None:
    """The candidates; none of them where a path is wanted; None where nothing is known."""
    values = offered(place)
    if not isinstance(values, Values):
        return values or None
    if values is Values.COMMAND:
        return commands
    if values is Values.PATH:
        return []
    options = attrs.evolve(read_options(place.contexts[-1].as_kwargs, defaults), limit=None)
    if values is Values.LIMIT:
        return limits(place.word, load(options, with_files=False).all_components())
    if values is Values.COMPONENT:
        return single_names(place.word, load(options, with_files=False).all_components())
    names = [muddler.name for muddler in all_muddlers(options.config_dir)]
    return [name for name in names if name.startswith(place.word)]  # with none of them, it is a path


def offered(place: Cursor) -> Values | Sequence[str]:
    """What can come at that place; nothing, where nobody can tell."""
    option = place.option
    if option and option.positional and place.word.startswith("-"):
        option = None  # it is no name, but an option that comes before the name
    if isinstance(option, Option):
        return option.values
    if option:
        return CORE.get(option.names[0], ())
    command = place.contexts[-1]
    has_options = place.word.startswith("-") or (command.name is not None and not place.word)
    return command.flag_names() if has_options else Values.COMMAND


def single_names(word: str, components: Sequence[Component]) -> list[str]:
    """By what each component can be named where one is meant: its name; its label where others have that, too.

    That also where `word` begins like the label and not like the name.
    """
    names = Counter(component.name for component in components)

    def is_by_label(component: Component) -> bool:
        return names[component.name] > 1 or (component.label.startswith(word) and not component.name.startswith(word))

    return [c.label if is_by_label(c) else c.name for c in components]


def limits(word: str, components: Iterable[Component]) -> list[str]:
    """`word`, a value of --limit, up to its last `,` or `!`, followed by each name and each host."""
    start = word[: max(word.rfind(","), word.rfind("!")) + 1]
    return list(dict.fromkeys(start + name for each in components for name in limit_names(each)[:2]))
