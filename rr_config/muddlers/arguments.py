"""Parse the options of muddlers with `argparse`: from `--extra-args`, or from the words after a muddler's name."""

import argparse
import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from ..errors import ConfigError
from ..program import program

AddArguments = Callable[[argparse.ArgumentParser], Any]


class _Parser(argparse.ArgumentParser):
    """A parser that raises ConfigError instead of ending the program. It always has `--only`."""

    def __init__(self, where: str, add_help: bool) -> None:
        super().__init__(where, allow_abbrev=False, add_help=add_help)
        self.add_argument("--only", metavar="PATTERNS", help="patterns of the components to change, as for --limit")

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{self.prog}: {message}; see: {program()} muddlers")


def parser_of(where: str, every: Iterable[tuple[str, AddArguments]], add_help: bool = True) -> argparse.ArgumentParser:
    """Return a parser with the options of several muddlers.

    `every` yields the name of each muddler and its function that adds options. Raise ConfigError if two muddlers have
    an option of the same name.
    """
    parser = _Parser(where, add_help)
    for name, add_arguments in every:
        try:
            add_arguments(parser)
        except argparse.ArgumentError as error:
            hint = f"give each muddler its options after its name: --muddler '{name} --only PATTERNS'"
            raise ConfigError(f"--muddler {name}: {error} of another muddler; {hint}") from error
    return parser


def options_help(name: str, add_arguments: AddArguments) -> str:
    """Return the help of the options that a muddler adds, and of `--only`."""
    parser = parser_of(name, [(name, add_arguments)], add_help=False)
    parser.usage = argparse.SUPPRESS
    return parser.format_help().partition("\n")[2]  # without the heading


def words_of(extra_args: str) -> list[str]:
    """Split `--extra-args` into words, as a shell does. Raise ConfigError if a quote is not closed."""
    try:
        return shlex.split(extra_args)
    except ValueError as error:
        raise ConfigError(f"--extra-args {extra_args!r}: {error}; close the quote") from error


def parsed(parser: argparse.ArgumentParser, words: Sequence[str], made: Any = None) -> Any:
    """Return the options in `words` that the parser knows, as a namespace.

    It starts with what an arg parser has `made`: the attributes of an object, or the keys of a dict.
    """
    told = made if isinstance(made, dict) else getattr(made, "__dict__", {})
    return parser.parse_known_args(words, argparse.Namespace(**told))[0]
