"""Run muddlers: first their files, then, when all have their options, the function `muddle` of each."""

import functools
import inspect
from argparse import ArgumentError, ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from ..command_line.assigned_options import AssignableOptions
from ..command_line.options import Options
from ..component import LOCALHOST, Component
from ..config import Config
from ..errors import ConfigError, named
from ..user_code import function, reported, run_file, takes, working_in
from .arguments import AddArguments, options_help, parsed, parser_of, words_of
from .discovery import Asked, Muddler


def given_names(options: Options, extra_options: Any) -> dict[str, Any]:
    """Return the names that config files and muddlers find ready."""
    from .. import util  # only files of the user need it

    own = {"Component": Component, "util": util, "localhost": LOCALHOST}
    return own | {"options": options, "extra_options": extra_options}


@attrs.frozen(slots=False, eq=False)
class RunningMuddler:
    """A muddler whose file has been run, and the globals of that file."""

    muddler: Muddler
    words: tuple[str, ...]
    config_dir: Path
    names: dict[str, Any]

    @classmethod
    def begun(cls, asked: Asked, config_dir: Path, given: dict[str, Any]) -> "RunningMuddler":
        """Run the file of a muddler with the names `given` as globals; return the running muddler.

        The file can import modules that lie beside it or in `config_dir`. Raise ConfigError if it fails.
        """
        path = asked.muddler.path
        with working_in(config_dir, path.parent, config_dir):
            return cls(asked.muddler, asked.words, config_dir, run_file(path, given, asked.muddler.module))

    @functools.cached_property
    def add_arguments(self) -> AddArguments | None:
        """Return its function that adds options to a parser, or None.

        The function raises ConfigError for an error in the user's code, and argparse.ArgumentError for a conflict.
        """
        if "add_arguments" not in self.names:
            return None
        own = function(self.names, "add_arguments", "add_arguments(parser)", self.muddler.path)

        def add_arguments(parser: ArgumentParser) -> None:
            with reported(self.muddler.path, own=ArgumentError):
                own(parser)

        return add_arguments

    def parse(self, words: Sequence[str], made: Any = None) -> None:
        """Set its global `extra_options` to the options in `words` that it knows; see `arguments.parsed`."""
        assert self.add_arguments
        parser = parser_of(f"--muddler {self.muddler.name}", [(self.muddler.name, self.add_arguments)])
        with reported(self.muddler.path):
            self.names["extra_options"] = parsed(parser, words, made)

    def muddle(self, config: Config, options: Options) -> None:
        """Call its `muddle`, which changes `config`. Raise ConfigError if that is missing or fails."""
        path = self.muddler.path
        form = "muddle(config) or muddle(config, options)"
        muddle = function(self.names, "muddle", form, path)
        arguments = next((a for a in ((config, options), (config,)) if takes(muddle, len(a))), None)
        if arguments is None or inspect.isgeneratorfunction(muddle) or inspect.iscoroutinefunction(muddle):
            raise ConfigError(f"{path}: wrong parameters of muddle; must be {form}")
        with working_in(self.config_dir, path.parent, self.config_dir), reported(path):
            muddle(*arguments)


def told(muddlers: list[RunningMuddler], options: Options, extra_options: Any) -> list[RunningMuddler]:
    """Give each muddler its options as `extra_options`; return the muddlers.

    A muddler with words after its name gets these. The others share `--extra-args`, or the result of an arg parser.

    Raise ConfigError for words that no muddler knows, and SystemExit(0) if the words ask for help.
    """
    sharing = [each for each in muddlers if each.add_arguments and not each.words]
    words: list[str] = []
    if options.arg_parser is None:
        words = words_of(options.extra_args or "")
        if options.extra_args is not None and not sharing:
            raise ConfigError("--extra-args: no parser; give --arg-parser FILE, or a --muddler with options")
        _check_words("--extra-args", sharing, words)
    for each in muddlers:
        where = f"--muddler {each.muddler.name}"
        if each in sharing:
            each.parse(words, extra_options)
        elif each.words and not each.add_arguments:
            raise ConfigError(f"{where}: unexpected options {' '.join(each.words)!r}")
        elif each.words:
            _check_words(where, [each], each.words)
            each.parse(each.words)
    return muddlers


def _check_words(where: str, muddlers: Sequence[RunningMuddler], words: Sequence[str]) -> None:
    """Raise ConfigError for words that no muddler knows, and SystemExit(0) if they ask for help."""
    every = {m.muddler.path: (m.muddler.name, m.add_arguments) for m in muddlers if m.add_arguments}
    parser = parser_of(where, every.values())
    if muddlers:
        with reported(muddlers[0].muddler.path, help_allowed=True):
            parser.parse_args(words)


def options_of(muddler: Muddler, config_dir: Path | None) -> str:
    """Return the help of a muddler's options, or an empty text if it has none.

    Run the file of the muddler for that, unless it does not contain `add_arguments`. Raise ConfigError if that fails.
    """
    with named(str(muddler.path)):
        if b"add_arguments" not in muddler.path.read_bytes():
            return ""
    given = given_names(AssignableOptions.of(Options()), None)
    add_arguments = RunningMuddler.begun(Asked(muddler), config_dir or Path.cwd(), given).add_arguments
    return options_help(muddler.name, add_arguments) if add_arguments else ""
