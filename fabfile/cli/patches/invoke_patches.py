"""Patches of Invoke and Fabric, for behaviour that these cannot be configured to have.

- Settings that cannot be read exit with 2 and a message, like an invalid config.
- `--help` and `--list` group commands and options; see `help`.
- The options of a command may stand in front of it; see `leading`.
- The shell completes the values of options, too; see `completion`.
- No password is logged.

`parser_patches` has the patches of the parser.

`fab` is Fabric's program. It loads this fabfile first. After that, it parses the words after the name of a command, and
reads fabric.yaml and the ssh config. A patch cannot change anything that `fab` does before it loads this fabfile.

Subclasses would be enough for `remote-runner`, but `fab` has no option for the classes that it uses, except for the
executor. Each patch has a report for the authors. `tests/unit/test_patches.py` fails if a patched function changes.
"""

import functools
import logging
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from fabric import Config as FabricSettings
from fabric import Executor
from fabric.main import Fab
from invoke.config import Config as Settings
from invoke.exceptions import Exit
from paramiko.config import SSHConfig

from rr_config.command_line.options import LOG_LEVELS
from rr_config.program import FAB, program

from ...ssh.fabric_patches import leave_unread  # not from `runner`, which takes 80 ms to load
from ..exit_codes import INTERRUPTED, UNTOUCHED, WRONG
from ..leading import CommandParser
from .parser_patches import patch_parser, patch_parser_errors, unknown_command


def apply_patches() -> None:
    """Patch Invoke and Fabric for the rest of this process."""
    patch_parser()
    patch_parser_errors()
    _patch_settings_files()
    _patch_settings()
    _patch_leading_options()
    _patch_help()
    _patch_completion()
    for library in ("fabric", "invoke"):
        logging.getLogger(library).setLevel(logging.INFO)  # at level DEBUG, they log passwords, too


class SettingsError(Exit):
    """A settings file cannot be read."""


def _patch_settings_files() -> None:
    """Report an unreadable settings file in one line.

    Report for Invoke 2.2.1:

    - What happens: a settings file with a mistake ends with the traceback of its parser. A missing file of `-f` is
      ignored.
    - Expected: an error message with the name of the file.
    - To reproduce: `echo '{' > invoke.yaml; inv --list`, and `inv -f no-such-file --list`.
    """
    load_file = Settings._load_file

    @functools.wraps(load_file)
    def load_readable_file(self: Settings, prefix: str, absolute: bool = False, merge: bool = True) -> None:
        named = getattr(self, f"_{prefix}_path")  # set for -f alone; Invoke searches the other files
        if absolute and named:
            _check_file("-f/--config" if program() == FAB else "-f", named)
        try:
            load_file(self, prefix, absolute, merge)
        except Exception as error:  # a parser or a Python settings file can raise anything
            where = named or f"fabric.yaml in {getattr(self, f'_{prefix}_prefix')}"
            raise SettingsError(f"{where}: invalid Fabric settings: {error}", WRONG) from error

    Settings._load_file = load_readable_file  # type: ignore[method-assign]


def _patch_settings() -> None:
    """Report an unreadable ssh config in one line, let -S and the settings file of -f win, and set the executor.

    Report for Fabric 3.2.3:

    - What happens: `ssh_config_path` in the settings file of `-f` is ignored, because the project settings were merged
      first. In other settings files, it wins over `-S`. An invalid ssh config ends with a traceback.
    - Expected: `-S` wins over `-f`, and `-f` over other files; an error message with the name of the file.
    - To reproduce: `echo 'ssh_config_path: a' > fabric.yaml; fab -S b COMMAND`. Fabric reads `a`.
    """
    update_config = Fab.update_config

    @functools.wraps(update_config)
    def update_config_in_words(self: Fab) -> None:
        ssh_config = self.args["ssh-config"].value
        if ssh_config:
            _check_file("-S/--ssh-config", ssh_config)
        # The ssh config is read later, as ssh reads it; paramiko refuses, for example, `Match final`.
        self.config._set(_load_ssh_files=functools.partial(leave_unread, self.config))
        try:
            _update(self, update_config)
            ssh_config = ssh_config or self.config.ssh_config_path
            if ssh_config != self.config._runtime_ssh_path:
                self.config.set_runtime_ssh_path(ssh_config)
                self.config.base_ssh_config = SSHConfig()
                self.config._load_ssh_files()
        except OSError as error:
            raise Exit(f"{ssh_config or '~/.ssh/config'}: invalid ssh config: {error}", WRONG) from error
        except EOFError as error:
            raise Exit("password prompt: stdin is closed; run the command in a terminal", WRONG) from error
        except KeyboardInterrupt:
            raise Exit(UNTOUCHED, INTERRUPTED) from None
        self.config.tasks.executor_class = f"{__name__}.{CommandExecutor.__name__}"

    Fab.update_config = update_config_in_words


def _update(self: Fab, update_config: Callable[[Fab], None]) -> None:
    """Load the remaining settings. If --config in front of the command has a wrong file, show the right place."""
    named = self.args.config.value
    try:
        update_config(self)
    except SettingsError as error:
        if not named:
            raise
        line = shlex.join([program(), self.tasks[0].name, "--config", named])
        raise Exit(f"{error.message}; for the config of a command, type: {line}", WRONG) from error


def _patch_leading_options() -> None:
    """Let the options of all commands stand in front of a command, too.

    Report for Invoke 2.2.1:

    - What happens: `inv --name x task` is refused.
    - Expected: a way for a program to declare options that all its tasks have.
    - To reproduce: declare the task `task(c, name)`.
    """
    make_parser = Fab._make_parser

    @functools.wraps(make_parser)
    def make_command_parser(self: Fab) -> CommandParser:
        plain = make_parser(self)
        return CommandParser(plain.contexts.values(), plain.initial)

    Fab._make_parser = make_command_parser


def _check_file(option: str, named: str) -> None:
    if not Path(named).expanduser().is_file():
        raise Exit(f"{option}: {named}: no such file", WRONG)


class CommandExecutor(Executor):  # type: ignore[misc]  # Fabric has no types
    """Fabric's executor, without commands behind `--`: the config file says what to run. No patch: it is a setting."""

    def expand_calls(self, calls: Any, apply_hosts: bool = True) -> Any:
        """Return the tasks to run. Raise Exit if a command follows them."""
        if self.core.remainder and not self.core[0].args.hosts.value:
            raise Exit("--: not supported; the config file sets the programs to run", WRONG)
        return super().expand_calls(calls, apply_hosts)


def _patch_help() -> None:
    """Group commands and options in `--help` and `--list`.

    Report for Invoke 2.2.1:

    - What happens: `--help` lists all options of a task by the alphabet, and `--list` all tasks.
    - Expected: groups with headings, declared with the tasks and arguments.
    - To reproduce: `inv --help TASK` for a task with 30 arguments.
    """

    @functools.wraps(Fab.print_help)
    def print_help(self: Fab) -> None:
        from ..help import overview

        sys.stdout.write(overview(self.collection, self.initial_context))

    @functools.wraps(Fab.print_task_help)
    def print_task_help(self: Fab, name: str) -> None:
        from ..help import command_help

        sys.stdout.write(command_help(self.collection, self.parser.contexts[name]))

    @functools.wraps(Fab.list_flat)
    def list_flat(self: Fab) -> None:
        from ..help import command_list

        sys.stdout.write(command_list(self.collection))

    Fab.print_help, Fab.print_task_help, Fab.list_flat = print_help, print_task_help, list_flat


def _patch_completion() -> None:
    """Let `completion` answer --complete instead of Invoke.

    Report for Invoke 2.2.1:

    - What happens: `--complete` offers the names of tasks and options, but no values. A task cannot add any.
    - Expected: a function of an argument that returns its possible values.
    - To reproduce: press Tab behind an option that has a value.
    """
    parse_cleanup = Fab.parse_cleanup

    @functools.wraps(parse_cleanup)
    def answer_or_clean_up(self: Fab) -> None:
        _check_list(self)
        asked = self.args.help.value
        if isinstance(asked, str) and asked not in self.parser.contexts:
            see = f"see: {program()} --list"
            raise Exit(unknown_command(asked, self.parser.contexts, see), WRONG)
        if self.args.complete.value:
            from ..completion import answer

            answer(self)
        parse_cleanup(self)

    Fab.parse_cleanup = answer_or_clean_up


def _check_list(self: Fab) -> None:
    """Raise Exit if a log level follows -l in front of the command."""
    level = str(self.args.list.value).upper()
    if level in LOG_LEVELS:
        line = f"{program()} {self.tasks[0].name if self.tasks else 'COMMAND'} -l {level}"
        raise Exit(f"-l {level}: lists the commands here; for the log level, type: {line}", WRONG)


class SettingsFiles(NamedTuple):
    """The files that settings were read from: those of `-f` and `-S`, and `fabric.yaml` in the project folder.

    A missing file is None. Fabric has setters for these paths, but no public way to read them.
    """

    named: str | None
    ssh_config: str | None
    project: str | None
    project_folder: str | None


def settings_files(settings: FabricSettings) -> SettingsFiles:
    """Return the files that `settings` were read from."""
    project = settings._project_path
    if project and not Path(project).is_file():  # Invoke stores the path of a missing fabric.py, too
        project = None
    return SettingsFiles(settings._runtime_path, settings._runtime_ssh_path, project, settings._project_prefix)
