"""The options that muddlers take, by an `argparse` parser: from `--extra-args`, or from words of their own."""

import argparse
import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from ..errors import ConfigError

AddArguments = Callable[[argparse.ArgumentParser], Any]


class _Parser(argparse.ArgumentParser):
    """Raises ConfigError in place of ending the program. Every muddler has `--only`."""

    def __init__(self, where: str, add_help: bool) -> None:
        super().__init__(where, allow_abbrev=False, add_help=add_help)
        self.add_argument(
            "--only", metavar="PATTERNS", help="which components, by name, host, or host/name, as for --limit"
        )

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{self.prog}: {message}; `fab muddlers` shows the options of each")


def parser_of(where: str, every: Iterable[tuple[str, AddArguments]], add_help: bool = True) -> argparse.ArgumentParser:
    """A parser of the options of muddlers, each with its name. ConfigError where two have one of the same name."""
    parser = _Parser(where, add_help)
    for name, add_arguments in every:
        try:
            add_arguments(parser)
        except argparse.ArgumentError as error:
            raise ConfigError(
                f"--muddler {name}: {error}, of another muddler; give each its options behind its own name, as in:"
                f" --muddler '{name} --only PATTERNS'"
            ) from error
    return parser


def options_help(name: str, add_arguments: AddArguments) -> str:
    """The options that a muddler adds, and `--only`: some lines for each."""
    parser = parser_of(name, [(name, add_arguments)], add_help=False)
    parser.usage = argparse.SUPPRESS
    return parser.format_help().partition("\n")[2]  # behind a heading


def words_of(extra_args: str) -> list[str]:
    """The words of `--extra-args`, as a shell has them. ConfigError where a quote has no end."""
    try:
        return shlex.split(extra_args)
    except ValueError as error:
        raise ConfigError(f"--extra-args {extra_args!r}: {error}; close the quote") from error


def parsed(parser: argparse.ArgumentParser, words: Sequence[str], made: Any = None) -> Any:
    """What `words` say that the parser knows, beside what an arg parser has `made`: an object, or a dict."""
    told = made if isinstance(made, dict) else getattr(made, "__dict__", {})
    return parser.parse_known_args(words, argparse.Namespace(**told))[0]
