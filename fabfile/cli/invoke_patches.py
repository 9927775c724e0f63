"""What Invoke and Fabric do with a command line and with settings, mended where they have no setting for it.

A wrong command line, and settings that cannot be read, exit with 2 and a sentence, as a wrong config does; an
option may be given again; what follows `--extra-args` is its value, even if it is spelled like an option; values of
options are completed, too; no password is logged.

`fab` is Fabric's program: it makes its parser of the words behind a command's name, and reads fabric.yaml and
the ssh config, once this fabfile has been loaded. What it does before that cannot be mended.
"""

import logging
import sys
from pathlib import Path

import fabric.executor
from fabric.main import Fab
from invoke.config import Config as Settings
from invoke.exceptions import Exit
from invoke.parser.parser import ParseMachine
from paramiko.config import SSHConfig
from paramiko.ssh_exception import ConfigParseError

from .exit_codes import INTERRUPTED, WRONG
from .options import Option


def apply_patches() -> None:
    """Mend them for the rest of this process."""
    _mend_parser()
    _mend_settings()
    _mend_completion()
    fabric.executor.NothingToDo = _refuse_remainder
    for library in ("fabric", "invoke"):
        logging.getLogger(library).setLevel(logging.INFO)  # to debug, they tell all values, passwords among them


def _mend_parser() -> None:
    # Its states are bound to the class itself: a subclass would have none.
    handle = ParseMachine.handle

    def handle_values(self: ParseMachine, token: str) -> None:
        if self.flag and self.flag.name == "extra_args" and self.waiting_for_flag_value:
            self.see_value(token)
            return
        if self.context and self.context.missing_positional_args and token in self.initial.flags:
            # Invoke would take an option of Fabric's, behind the command, for the word that is still to come.
            awaited, self.context.positional_args = self.context.positional_args, []
            handle(self, token)
            if token not in ("--help", "-h"):  # for which no word need come
                self.context.positional_args = awaited
            return
        try:
            handle(self, token)
        except ValueError as error:
            name = max(self.flag.names, key=len) if self.flag else ""
            raise Exit(f"--{name}: {token!r}: is no number", WRONG) from error
        if isinstance(self.flag, Option) and token in self.context.flags:
            self.flag.raw_value = None  # by which the parser knows that a value is still to come

    def refuse(self: ParseMachine, msg: str) -> None:
        command = self.context.name if self.context and self.context.name else ""
        program = Path(sys.argv[0]).name
        raise Exit(f"{msg} What there is, shows: {program} --help {command}".rstrip(), WRONG)

    ParseMachine.handle = handle_values  # type: ignore[method-assign]
    ParseMachine.error = refuse  # type: ignore[method-assign]


def _mend_settings() -> None:
    load_file, update_config = Settings._load_file, Fab.update_config

    def load_readable_file(self: Settings, prefix: str, absolute: bool = False, merge: bool = True) -> None:
        named = getattr(self, f"_{prefix}_path")  # what -f says; the others are looked for
        if absolute and named:
            _check_file("-f/--config", named)
        try:
            load_file(self, prefix, absolute, merge)
        except Exception as error:  # whatever a parser, or a Python file of settings, can raise
            where = named or f"fabric.yaml in {getattr(self, f'_{prefix}_prefix')}"
            hint = "; the config file of a command is named behind it" if absolute else ""
            raise Exit(f"{where}: cannot be read as settings for Fabric: {error}{hint}", WRONG) from error

    def update_config_in_words(self: Fab) -> None:
        ssh_config = self.args["ssh-config"].value
        if ssh_config:
            _check_file("-S/--ssh-config", ssh_config)
        try:
            update_config(self)
            # Fabric does not look for it in what -f says, and lets that of other settings win over -S.
            ssh_config = ssh_config or self.config.ssh_config_path
            if ssh_config != self.config._runtime_ssh_path:
                self.config.set_runtime_ssh_path(ssh_config)
                self.config._set(base_ssh_config=SSHConfig())
                self.config._load_ssh_files()
        except (OSError, ConfigParseError) as error:
            raise Exit(f"{ssh_config or '~/.ssh/config'}: cannot be read as an ssh config: {error}", WRONG) from error
        except EOFError as error:
            raise Exit("the password cannot be asked for: standard input is at its end", WRONG) from error
        except KeyboardInterrupt:
            raise Exit("interrupted; no host has been touched", INTERRUPTED) from None

    Settings._load_file = load_readable_file  # type: ignore[method-assign]
    Fab.update_config = update_config_in_words


def _check_file(option: str, named: str) -> None:
    if not Path(named).expanduser().is_file():
        raise Exit(f"{option}: {named}: there is no such file", WRONG)


def _mend_completion() -> None:
    parse_cleanup = Fab.parse_cleanup

    def answer_or_clean_up(self: Fab) -> None:
        if self.args.complete.value:
            from .completion import answer

            answer(self)
        parse_cleanup(self)

    Fab.parse_cleanup = answer_or_clean_up


def _refuse_remainder(msg: str) -> Exit:
    return Exit("--: leave it and what follows out; what is to run on the hosts, the config file says", WRONG)
