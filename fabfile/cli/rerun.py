"""Whole command lines, as hints for the user: they reach the same hosts and sessions from any folder."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from fabric import Config as Settings

from rr_config import Config, Options
from rr_config.declarations import Declaration, Values
from rr_config.options import OPTIONS
from rr_config.parameters import as_texts
from rr_config.paths import local_path
from rr_config.program import FAB, INSTALLED, program

from ..runner.fleet import identity_files
from .invoke_patches import settings_files
from .own_options import own_options


@attrs.frozen
class CommandLine:
    """A command as the user gave it: with options, settings of Fabric, and `own` options of that command alone."""

    config: Config
    options: Options
    settings: Settings
    own: Mapping[str, Any] = attrs.field(factory=dict)

    def text(self, command: Sequence[str], limit: str | None = None) -> str:
        """Return the whole line for `command`, from the name of the program on.

        `limit` takes the place of the given one. The command gets the given options that it has, too. No password is in
        the line; if one is needed, the command asks for it.
        """
        needs_password = self.options.ssh_pass or self.settings.connect_kwargs.get("password")
        words = [*self._program(), *command, *self._shared(command, limit), *self._own(command), *self._of_fabric()]
        if needs_password:
            words.append("--prompt-for-login-password")
        return shlex.join(words)

    def _program(self) -> list[str]:
        """Return the program, and for `fab` the option with which it finds this fabfile in any folder."""
        project = settings_files(self.settings).project_folder
        return [FAB, "-r", str(Path(project).absolute())] if program() == FAB and project else [program()]

    def _shared(self, command: Sequence[str], limit: str | None) -> list[str]:
        """Return the options that all commands have and that are not at their defaults."""
        session = self.options.session_of(self.config)
        given = attrs.evolve(self.options, screen=session, limit=limit or self.options.limit)
        defaults = Options()
        if self.config.screen is not None:
            defaults.screen = self.config.screen
        words: list[str] = []
        for option in OPTIONS:
            value = getattr(given, option.attribute)
            if value != getattr(defaults, option.attribute) and not option.is_secret:
                words += _words(option, option.translated(value), command)
        return words

    def _own(self, command: Sequence[str]) -> list[str]:
        """Return the options that only some commands have and that are not at their defaults."""
        words: list[str] = []
        for option in own_options(command[0]):
            value = self.own.get(option.name, option.default)
            if value != option.default:
                words += _words(option, value, command)
        return words

    def _of_fabric(self) -> list[str]:
        """Return Fabric's options with which another command reaches the hosts in the same way."""
        files = settings_files(self.settings)
        file = files.named
        if not file and program() == INSTALLED:
            file = files.project  # `remote-runner` only looks for it in the current folder
        words = ["-f", _absolute(file)] if file and Path(file).is_file() else []  # Fabric names a missing fabric.py
        if files.ssh_config:
            words += ["-S", _absolute(files.ssh_config)]
        for key in identity_files(self.settings):
            words += ["-i", _absolute(key)]
        return words


def _words(option: Declaration, value: Any, command: Sequence[str]) -> list[str]:
    """Return the words that give an option its value, unless `command` has the flag already."""
    if option.kind is bool:
        flag = option.flag if value else option.off_flag
        return [] if flag in command else [flag]
    if option.values is Values.PARAMETER:
        value = as_texts(value)
    words: list[str] = []
    for each in value if option.is_repeatable else [value]:
        words += [option.flag, _text(option, each)]
    return words


def _text(option: Declaration, value: Any) -> str:
    if option.values is Values.PATH:
        return _absolute(value)
    if option.values is Values.MUDDLER:
        return _muddler(value)
    return str(value)


def _absolute(path: str | Path) -> str:
    return str(local_path(path).absolute())


def _muddler(given: str) -> str:
    """Return a muddler with an absolute path, if it is one, and its options."""
    if ("/" in given or given.endswith(".py")) and local_path(given).is_file():  # the path may have spaces
        return _absolute(given)
    name, *words = shlex.split(given)
    return shlex.join([_absolute(name) if "/" in name or name.endswith(".py") else name, *words])
