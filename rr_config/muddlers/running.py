"""Run muddlers: first their files, then, when all have their options, the function `muddle` of each."""

import functools
import inspect
from argparse import ArgumentError, ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from .. import util
from ..component import LOCALHOST, Component, Config
from ..errors import ConfigError, named
from ..options import Options
from ..user_code import function, reported, run_file, takes, working_in
from .arguments import AddArguments, options_help, parsed, parser_of, words_of
from .discovery import Asked, Muddler


@attrs.frozen(slots=False, eq=False)
class RunningMuddler:
    """A muddler whose file has been run, and the globals of that file."""

    asked: Asked
    config_dir: Path
    names: dict[str, Any]

    @classmethod
    def begun(cls, asked: Asked, config_dir: Path, given: dict[str, Any]) -> "RunningMuddler":
        """Run the file of a muddler with the names `given` as globals; return the running muddler.

        The file can import modules that lie beside it or in `config_dir`. Raise ConfigError if it fails.
        """
        path = asked.muddler.path
        with working_in(config_dir, path.parent, config_dir):
            return cls(asked, config_dir, run_file(path, given, asked.muddler.module))

    @property
    def name(self) -> str:
        """Return the name of the muddler."""
        return self.asked.muddler.name

    @functools.cached_property
    def add_arguments(self) -> AddArguments | None:
        """Return its function that adds options to a parser, or None.

        The function raises ConfigError for an error in the user's code, and argparse.ArgumentError for a conflict.
        """
        if "add_arguments" not in self.names:
            return None
        own = function(self.names, "add_arguments", "add_arguments(parser)", self.asked.muddler.path)

        def add_arguments(parser: ArgumentParser) -> None:
            with reported(self.asked.muddler.path, own=ArgumentError):
                own(parser)

        return add_arguments

    def parse(self, words: Sequence[str], made: Any = None) -> None:
        """Set its global `extra_options` to the options in `words` that it knows; see `arguments.parsed`."""
        assert self.add_arguments
        parser = parser_of(f"--muddler {self.name}", [(self.name, self.add_arguments)])
        with reported(self.asked.muddler.path):
            self.names["extra_options"] = parsed(parser, words, made)

    def muddle(self, config: Config, options: Options) -> None:
        """Call its `muddle`, which changes `config`. Raise ConfigError if that is missing or fails."""
        path = self.asked.muddler.path
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
    sharing = [muddler for muddler in muddlers if muddler.add_arguments and not muddler.asked.words]
    words: list[str] = []
    if options.arg_parser is None:
        words = words_of(options.extra_args or "")
        if options.extra_args is not None and not sharing:
            hint = "give --arg-parser FILE, or a --muddler with options"
            raise ConfigError(f"--extra-args: no parser; {hint}")
        _check_words("--extra-args", sharing, words)
    for muddler in muddlers:
        if muddler in sharing:
            muddler.parse(words, extra_options)
        elif muddler.asked.words and not muddler.add_arguments:
            given = " ".join(muddler.asked.words)
            raise ConfigError(f"--muddler {muddler.name}: unexpected options {given!r}")
        elif muddler.asked.words:
            _check_words(f"--muddler {muddler.name}", [muddler], muddler.asked.words)
            muddler.parse(muddler.asked.words)
    return muddlers


def _check_words(where: str, muddlers: Sequence[RunningMuddler], words: Sequence[str]) -> None:
    """Raise ConfigError for words that no muddler knows, and SystemExit(0) if they ask for help."""
    every = {m.asked.muddler.path: (m.name, m.add_arguments) for m in muddlers if m.add_arguments}
    parser = parser_of(where, every.values())
    if muddlers:
        with reported(muddlers[0].asked.muddler.path, help_allowed=True):
            parser.parse_args(words)


def options_of(muddler: Muddler, config_dir: Path | None) -> str:
    """Return the help of a muddler's options, or an empty text if it has none.

    Run the file of the muddler for that, unless it does not contain `add_arguments`. Raise ConfigError if that fails.
    """
    with named(str(muddler.path)):
        if b"add_arguments" not in muddler.path.read_bytes():
            return ""
    given = {"Component": Component, "util": util, "options": Options(), "extra_options": None, "localhost": LOCALHOST}
    add_arguments = RunningMuddler.begun(Asked(muddler), config_dir or Path.cwd(), given).add_arguments
    return options_help(muddler.name, add_arguments) if add_arguments else ""
