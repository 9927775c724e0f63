"""Whole command lines, as hints for the user: they reach the same hosts and sessions from any folder."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from fabric import Config as Settings

from rr_config import Config, Options
from rr_config.paths import local_path

from ..runner.preflight import identity_files
from .invoke_patches import settings_files
from .options import declare

# Options that are flags, by their attribute: the value that is not the default, and the flag.
FLAGS = {
    "kill_first": (False, "--no-kill"),
    "no_zombie": (True, "--no-zombie"),
    "replace": (True, "--replace"),
    "always_copy": (True, "--always-copy"),
    "terminate": (True, "--terminate"),
    "keep_going": (True, "--keep-going"),
}
# Options with a value, by their attribute.
VALUES = {
    "ssh_user": "--user",
    "extra_args": "--extra-args",
    "host_keys": "--host-keys",
    "on_exit": "--on-exit",
    "max_failures": "--max-failures",
    "parallel": "--parallel",
    "retries": "--retries",
    "io_timeout": "--io-timeout",
    "log_level": "--log-level",
}
PATHS = {"to", "output", "from"}  # own options of commands whose values are paths


@attrs.frozen
class CommandLine:
    """A command as the user gave it: with options, settings of Fabric, and `own` options of that command alone."""

    config: Config
    options: Options
    settings: Settings
    own: Mapping[str, Any] = attrs.field(factory=dict)

    def text(self, command: Sequence[str], limit: str | None = None, *, is_same: bool = False) -> str:
        """Return the whole line for `command`, from the name of the program on.

        `limit` takes the place of the given one. If it `is_same` command again, it gets its own options. No password is
        in the line; if one is needed, the command asks for it.
        """
        needs_password = self.options.ssh_pass or self.settings.connect_kwargs.get("password")
        words = [*self._program(), *command, *self._shared(command, limit), *(self._of_command() if is_same else [])]
        words += self._of_fabric()
        if needs_password:
            words.append("--prompt-for-login-password")
        return shlex.join(words)

    def _program(self) -> list[str]:
        """Return the program, and for `fab` the option with which it finds this fabfile in any folder."""
        name = Path(sys.argv[0]).name
        if name == "__main__.py":  # python -m fabfile
            name = "remote-runner"
        project = settings_files(self.settings).project_folder
        return [name, "-r", str(Path(project).absolute())] if name != "remote-runner" and project else [name]

    def _shared(self, command: Sequence[str], limit: str | None) -> list[str]:
        """Return the options that all commands have and that are not at their defaults."""
        options, defaults = self.options, Options()
        words: list[str] = []
        for attribute, path in (("config_file", "--config"), ("arg_parser", "--arg-parser")):
            if getattr(options, attribute) is not None:
                words += [path, _absolute(getattr(options, attribute))]
        for muddler in options.muddler:
            words += ["--muddler", _muddler(muddler)]
        session = options.session_of(self.config)
        if session != (self.config.screen or defaults.screen):
            words += ["--screen", session]
        if limit or options.limit:
            words += ["--limit", limit or str(options.limit)]
        for attribute, flag in VALUES.items():
            value = getattr(options, attribute)
            if value != getattr(defaults, attribute):
                words += [flag, str(value)]
        for attribute, (value, flag) in FLAGS.items():
            if getattr(options, attribute) == value and flag not in command:
                words.append(flag)
        return words

    def _of_command(self) -> list[str]:
        """Return the options that only this command has."""
        shared = {option.attr_name or option.names[0] for option in declare()}
        words: list[str] = []
        for name, value in self.own.items():
            flag = f"--{name.replace('_', '-')}"
            if name in shared or value is None or value is False:
                continue
            if value is True:
                words.append(flag)
            else:
                words += [flag, _absolute(value) if name in PATHS else str(value)]
        return words

    def _of_fabric(self) -> list[str]:
        """Return Fabric's options with which another command reaches the hosts in the same way."""
        files = settings_files(self.settings)
        file = files.named
        if not file and Path(sys.argv[0]).name == "remote-runner":
            file = files.project  # `remote-runner` only looks for it in the current folder
        words = ["-f", _absolute(file)] if file else []
        if files.ssh_config:
            words += ["-S", _absolute(files.ssh_config)]
        for key in identity_files(self.settings):
            words += ["-i", _absolute(key)]
        return words


def _absolute(path: str | Path) -> str:
    return str(local_path(path).absolute())


def _muddler(given: str) -> str:
    """Return a muddler with an absolute path, if it is one, and its options."""
    if ("/" in given or given.endswith(".py")) and local_path(given).is_file():  # the path may have spaces
        return _absolute(given)
    name, *words = shlex.split(given)
    return shlex.join([_absolute(name) if "/" in name or name.endswith(".py") else name, *words])
