"""Patches of Invoke and Fabric, for behaviour that these cannot be configured to have.

- An invalid command line, and settings that cannot be read, exit with 2 and a message, like an invalid config.
- An option may be given more than once.
- The word after `--extra-args` is its value, even if it looks like an option.
- The shell completes the values of options, too; see `completion`.
- No password is logged.

`fab` is Fabric's program. It loads this fabfile first. After that, it parses the words after the name of a command, and
reads fabric.yaml and the ssh config. A patch cannot change anything that `fab` does before it loads this fabfile.
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

from .exit_codes import INTERRUPTED, UNTOUCHED, WRONG
from .options import Option


def apply_patches() -> None:
    """Patch Invoke and Fabric for the rest of this process."""
    _patch_parser()
    _patch_settings()
    _patch_ssh_config()
    _patch_completion()
    fabric.executor.NothingToDo = _refuse_remainder
    for library in ("fabric", "invoke"):
        logging.getLogger(library).setLevel(logging.INFO)  # at level DEBUG, they log passwords, too


def _patch_parser() -> None:
    """Replace the handling of single words and of errors in Invoke's parser."""
    # Patch the class, because its state machine is bound to the class itself: a subclass would have no states.
    handle = ParseMachine.handle

    def handle_values(self: ParseMachine, token: str) -> None:
        if self.flag and self.flag.name == "extra_args" and self.waiting_for_flag_value:
            self.see_value(token)
            return
        if self.context and self.context.missing_positional_args and token in self.initial.flags:
            # Invoke would treat one of Fabric's options after the command as the missing positional argument.
            awaited, self.context.positional_args = self.context.positional_args, []
            handle(self, token)
            if token not in ("--help", "-h"):  # --help needs no positional argument
                self.context.positional_args = awaited
            return
        try:
            handle(self, token)
        except ValueError as error:
            name = max(self.flag.names, key=len) if self.flag else ""
            raise Exit(f"--{name}: {token!r}: is no number", WRONG) from error
        if isinstance(self.flag, Option) and token in self.context.flags:
            self.flag.raw_value = None  # makes the parser expect another value

    def refuse(self: ParseMachine, msg: str) -> None:
        command = self.context.name if self.context and self.context.name else ""
        program = Path(sys.argv[0]).name
        raise Exit(f"{msg} What there is, shows: {program} --help {command}".rstrip(), WRONG)

    ParseMachine.handle = handle_values  # type: ignore[method-assign]
    ParseMachine.error = refuse  # type: ignore[method-assign]


def _patch_settings() -> None:
    """Report unreadable settings in one line."""
    load_file = Settings._load_file

    def load_readable_file(self: Settings, prefix: str, absolute: bool = False, merge: bool = True) -> None:
        named = getattr(self, f"_{prefix}_path")  # set for -f alone; Invoke searches the other files
        if absolute and named:
            _check_file("-f/--config", named)
        try:
            load_file(self, prefix, absolute, merge)
        except Exception as error:  # a parser or a Python settings file can raise anything
            where = named or f"fabric.yaml in {getattr(self, f'_{prefix}_prefix')}"
            hint = "; the config file of a command is named behind it" if absolute else ""
            raise Exit(f"{where}: cannot be read as settings for Fabric: {error}{hint}", WRONG) from error

    Settings._load_file = load_readable_file  # type: ignore[method-assign]


def _patch_ssh_config() -> None:
    """Report an unreadable ssh config in one line, and let -S and the settings file of -f win."""
    update_config = Fab.update_config

    def update_config_in_words(self: Fab) -> None:
        ssh_config = self.args["ssh-config"].value
        if ssh_config:
            _check_file("-S/--ssh-config", ssh_config)
        try:
            update_config(self)
            # Fabric ignores ssh_config_path in the file of -f, and other settings files would win over -S.
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
            raise Exit(UNTOUCHED, INTERRUPTED) from None

    Fab.update_config = update_config_in_words


def _check_file(option: str, named: str) -> None:
    if not Path(named).expanduser().is_file():
        raise Exit(f"{option}: {named}: there is no such file", WRONG)


def _patch_completion() -> None:
    """Let `completion` answer --complete instead of Invoke."""
    parse_cleanup = Fab.parse_cleanup

    def answer_or_clean_up(self: Fab) -> None:
        if self.args.complete.value:
            from .completion import answer

            answer(self)
        parse_cleanup(self)

    Fab.parse_cleanup = answer_or_clean_up


def _refuse_remainder(msg: str) -> Exit:
    return Exit("--: leave it and what follows out; what is to run on the hosts, the config file says", WRONG)
