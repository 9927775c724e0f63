"""Runs muddlers: first their files, then, when all have got their options, what each does to a config."""

import inspect
from argparse import ArgumentError, ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from . import util
from .arguments import AddArguments, options_help, parsed, parser_of, words_of
from .component import LOCALHOST, Component, Config
from .errors import ConfigError, named
from .muddlers import Asked, Muddler
from .options import Options
from .running import function, reported, run_file, takes, working_in


@attrs.frozen
class RunningMuddler:
    """A muddler whose file has been run, and the names that it has left."""

    asked: Asked
    config_dir: Path
    names: dict[str, Any]

    @classmethod
    def begun(cls, asked: Asked, config_dir: Path, given: dict[str, Any]) -> "RunningMuddler":
        path = asked.muddler.path
        with working_in(config_dir, path.parent, config_dir):
            return cls(asked, config_dir, run_file(path, given, asked.muddler.module))

    @property
    def add_arguments(self) -> AddArguments | None:
        """Its function that adds its options to a parser, if it has one."""
        if "add_arguments" not in self.names:
            return None
        own = function(self.names, "add_arguments", "add_arguments(parser)", self.asked.muddler.path)

        def add_arguments(parser: ArgumentParser) -> None:
            with reported(self.asked.muddler.path, own=ArgumentError):
                own(parser)

        return add_arguments

    def parse(self, parser: ArgumentParser, words: Sequence[str], made: Any = None) -> None:
        """Let it find as `extra_options` what is parsed."""
        with reported(self.asked.muddler.path, help_allowed=True):
            self.names["extra_options"] = parsed(parser, words, made)

    def muddle(self, config: Config, options: Options) -> None:
        """Let it change `config`."""
        path = self.asked.muddler.path
        form = "muddle(config) or muddle(config, options)"
        muddle = function(self.names, "muddle", form, path)
        arguments = next((a for a in ((config, options), (config,)) if takes(muddle, len(a))), None)
        if arguments is None or inspect.isgeneratorfunction(muddle) or inspect.iscoroutinefunction(muddle):
            raise ConfigError(f"{path}: its muddle is no function that can be called as {form}")
        with working_in(self.config_dir, path.parent, self.config_dir), reported(path):
            muddle(*arguments)


def told(muddlers: list[RunningMuddler], options: Options, extra_options: Any) -> list[RunningMuddler]:
    """The muddlers, each of which that has options has got them as its `extra_options`.

    One that is named with words of its own gets these; the others share `--extra-args`, or what an arg parser
    has made of that.
    """
    sharing = {}
    for muddler in muddlers:
        name, add_arguments = muddler.asked.muddler.name, muddler.add_arguments
        if muddler.asked.words:
            if add_arguments is None:
                raise ConfigError(f"--muddler {name}: has no options, but is given {' '.join(muddler.asked.words)!r}")
            muddler.parse(parser_of(f"--muddler {name}", [(name, add_arguments)]), muddler.asked.words)
        elif add_arguments is not None:
            sharing[muddler.asked.muddler.path] = (name, add_arguments)
    if options.extra_args is not None and options.arg_parser is None and not sharing:
        hint = "name an --arg-parser FILE, or a --muddler that has options"
        raise ConfigError(f"--extra-args: there is nothing to parse it; {hint}")
    words = words_of(options.extra_args or "") if options.arg_parser is None else []
    shared = parser_of("--extra-args", sharing.values())
    for muddler in muddlers:
        if muddler.asked.muddler.path in sharing and not muddler.asked.words:
            muddler.parse(shared, words, extra_options)
    return muddlers


def options_of(muddler: Muddler, config_dir: Path | None) -> str:
    """What `--help` says of the options of a muddler, whose file it runs; nothing where it says that it has none.

    ConfigError for what is wrong in the file.
    """
    with named(str(muddler.path)):
        if b"add_arguments" not in muddler.path.read_bytes():
            return ""
    given = {"Component": Component, "util": util, "options": Options(), "extra_options": None, "localhost": LOCALHOST}
    add_arguments = RunningMuddler.begun(Asked(muddler), config_dir or Path.cwd(), given).add_arguments
    return options_help(muddler.name, add_arguments) if add_arguments else ""
