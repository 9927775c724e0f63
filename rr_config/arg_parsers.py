"""Run arg parsers: files of the user that turn `--extra-args` into `extra_options`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .command_line.options import Options
from .errors import ConfigError, named
from .files.paths import local_path
from .muddlers.arguments import words_of
from .user_code import function, reported, run_file, takes, working_in


class ExtraArgs(str):
    """The text of `--extra-args`, as an arg parser gets it. Iteration yields its words, not its characters.

    `argparse` makes a list of its argument first. So `parser.parse_args(extra_args)` parses the words, like
    `parser.parse_args(shlex.split(extra_args))`. In all else, it is the text: `split`, `len`, `in`, slices, `==`.

        >>> text = ExtraArgs("--name 'a b'")
        >>> list(text), len(text), "a b" in text
        (['--name', 'a b'], 12, True)
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[str]:
        """Yield the words, as a shell splits them. Raise ConfigError if a quote is not closed."""
        return iter(words_of(str(self)))


def parse_extra_args(options: Options) -> Any:
    """Return the result of the arg parser for `--extra-args`, or None if there is no arg parser.

    Without `--extra-args`, pass an empty text, so that the arg parser returns its defaults. Raise ConfigError if the
    arg parser fails, and SystemExit(0) if it prints its help.
    """
    if options.arg_parser is None:
        return None
    with named(f"--arg-parser {options.arg_parser}"):
        path = local_path(options.arg_parser).resolve()
        if not path.is_file():
            raise ConfigError(f"--arg-parser {options.arg_parser}: no such file")
    form = "parse_args(extra_args, ssh_user)"
    with working_in(Path.cwd(), path.parent):
        names = run_file(path, {})
        parse_args = function(names, "parse_args", form, path)
        if not takes(parse_args, 2):
            raise ConfigError(f"{path}: wrong parameters of parse_args; must be {form}")
        with reported(path, help_allowed=True):
            return parse_args(ExtraArgs(options.extra_args or ""), options.ssh_user)
