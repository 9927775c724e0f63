"""Patches of Invoke's parser, for behaviour that it cannot be configured to have.

- An invalid command line exits with 2 and a message, like an invalid config.
- An option may be given more than once.
- The word after `--extra-args` is its value, even if it looks like an option.
- `-t` behind a command is an error, unless a number follows or the command has such an option.
- After some commands, any number of words may follow; see `Option.takes_word`.

`invoke_patches` says why these are patches. `tests/unit/test_patches.py` fails if a patched function changes.
"""

import functools
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from invoke.exceptions import Exit
from invoke.parser.context import ParserContext
from invoke.parser.parser import ParseMachine

from rr_config.command_line.options import OPTIONS, WITHOUT_CONFIG
from rr_config.likeness import hint
from rr_config.program import program

from ..exit_codes import WRONG
from ..options import Option


def patch_parser() -> None:
    """Replace the handling of single words in Invoke's parser.

    Report for Invoke 2.2.1:

    - What happens: `inv t --number=x` ends with a traceback. `inv t --text --number` and `inv t --number 1 --number 2`
      are refused. `inv p --help` calls the task with the argument `--help`.
    - Expected: an error message for the first one, the text `--number`, the last number, and the help of `p`.
    - To reproduce: declare the tasks `t(c, number=1, text="")` and `p(c, name)`, `p` with a positional argument.
    """
    # Patch the class, because its state machine is bound to the class itself: a subclass would have no states.
    handle = ParseMachine.handle

    @functools.wraps(handle)
    def handle_values(self: ParseMachine, token: str) -> None:
        if _awaits_seconds(self) and not token.isdecimal():
            raise Exit(_two_meanings(self), WRONG)
        if token.startswith("-"):
            setattr(self, SPELLED, token)
        if self.flag and self.flag.name == "extra_args" and self.waiting_for_flag_value:
            self.see_value(token)
            return
        option = _option_of_word(self, token)
        if option and self.context and self.context.name:
            option.add_word(token, self.context.name)
            return
        if self.context and self.context.missing_positional_args and token in self.initial.flags:
            _handle_option_of_fabric(self, token, handle)
            return
        try:
            handle(self, token)
        except ValueError as error:
            name = max(self.flag.names, key=len) if self.flag else ""
            raise Exit(f"--{name} {token!r}: must be a whole number", WRONG) from error
        if isinstance(self.flag, Option) and token in self.context.flags and not self.result.unparsed:
            self.flag.raw_value = None  # makes the parser expect another value

    ParseMachine.handle = handle_values  # type: ignore[method-assign]


def _handle_option_of_fabric(machine: ParseMachine, token: str, handle: Callable[[ParseMachine, str], None]) -> None:
    """Handle one of Fabric's options where a positional argument is missing. Invoke would treat it as that argument."""
    assert machine.context
    awaited, machine.context.positional_args = machine.context.positional_args, []
    handle(machine, token)
    if token not in ("--help", "-h"):  # --help needs no positional argument
        machine.context.positional_args = awaited


SPELLED = "spelled"  # the attribute of a ParseMachine that holds the last option, as the user has typed it


def _awaits_seconds(machine: ParseMachine) -> bool:
    """Return whether the next word is the value of `-t` behind a command: of Fabric's --connect-timeout.

    In the older script, `-t` was --terminate, which has no value. So only a number is a value for sure.
    """
    is_behind = machine.context is not None and machine.context.name is not None
    return is_behind and machine.waiting_for_flag_value and vars(machine).get(SPELLED) == "-t"


def _two_meanings(machine: ParseMachine) -> str:
    return f"{machine.context.name} -t: ambiguous; give --terminate, or --connect-timeout N"


def _option_of_word(machine: ParseMachine, token: str) -> Option | None:
    """Return the option whose value is `token`, a word after a command, or None."""
    context = machine.context
    if context is None or context.name is None or token.startswith("-") or machine.waiting_for_flag_value:
        return None
    for option in context.args.values():
        if isinstance(option, Option) and option.takes_word(context.name):
            return option
    return None


def patch_parser_errors() -> None:
    """Let an invalid command line exit with WRONG, and name the command that explains its options.

    Report for Invoke 2.2.1:

    - What happens: a mistake in the command line exits with 1, like a task that has failed.
    - Expected: another exit code, such as 2 in most programs, or a setting for it.
    - To reproduce: `inv --no-such-option; echo $?`
    """

    @functools.wraps(ParseMachine.error)
    def refuse(self: ParseMachine, msg: str) -> None:
        if _awaits_seconds(self):
            raise Exit(_two_meanings(self), WRONG)
        command = self.context.name if self.context and self.context.name else ""
        see = f"see: {program()} {f'--help {command}' if command else '--list'}"
        word = re.fullmatch(UNKNOWN_WORD, msg, re.DOTALL)
        option = re.fullmatch(UNKNOWN_OPTION, msg, re.DOTALL)
        if option and not command:
            raise Exit(_misplaced(option[1], self.contexts, hint(option[1], _flags(self), see)), WRONG)
        if option:
            flags = _flags(self)
            meant = OPTION_SYNONYMS.get(option[1])
            told = f"did you mean {meant}?" if meant in flags else hint(option[1], flags, see)
            raise Exit(f"unknown option {option[1]}; {told}", WRONG)
        if word and command not in WITHOUT_CONFIG and _is_like_a_config(word[1]):
            config = f"{program()} {command or 'run'} --config {shlex.quote(word[1])}"
            given = f"{command} {word[1]}".lstrip()
            raise Exit(f"{given}: unknown command; to give the config file: {config}", WRONG)
        if word:
            raise Exit(unknown_word(word[1], command, self.contexts, see), WRONG)
        raise Exit(f"{_plain(msg)}; {see}", WRONG)

    ParseMachine.error = refuse  # type: ignore[method-assign]


def _flags(machine: ParseMachine) -> list[str]:
    """Return the options that are valid at this place, and those of Fabric."""
    command = machine.context.name or "" if machine.context else ""
    flags = [option.flag for option in OPTIONS if not command or option.applies_to(command)]
    hidden = {option.flag for option in OPTIONS} - {*flags}
    for context in (machine.context, machine.initial):
        flags += [*context.flag_names()] if context else []
    return [flag for flag in flags if flag.startswith("--") and flag.replace("--no-", "--") not in hidden]


def _misplaced(option: str, contexts: Mapping[str, ParserContext], otherwise: str) -> str:
    """Return the error message for an unknown option in front of the command."""
    for name, context in contexts.items():
        if option in context.flags or option in context.inverse_flags:
            return f"{option}: unknown in front of a command; put it after the command, for example: {name} {option}"
    return f"unknown option {option}; {otherwise}"


def unknown_word(given: str, command: str, known: Iterable[str], see: str) -> str:
    """Return the error message for a word that is no command. `command` is the one in front of it, if any."""
    if command == "exec":
        return f"exec: unexpected word {given}; put the whole command line in quotes, for example: exec 'uptime -p'"
    if not command or command in WITHOUT_CONFIG or given in SYNONYMS:
        return unknown_command(given, known, see)
    return unknown_command(given, known, f"to choose components, give --limit {shlex.quote(given)}")


def unknown_command(given: str, known: Iterable[str], see: str) -> str:
    """Return the error message for an unknown command. `see` is the hint if no command is similar."""
    synonym = SYNONYMS.get(given)
    meant = f"did you mean {synonym}?" if synonym else hint(given, known, see)
    return f"unknown command {given}; {meant}"


def _is_like_a_config(word: str) -> bool:
    return word.endswith(".py") or "/" in word or Path(word).is_file()


# Commands of other tools, and the commands of this program that do the same.
SYNONYMS = {
    "check": "doctor",
    "cp": "sync",
    "deploy": "run",
    "down": "kill",
    "fetch": "collect",
    "help": "--help",
    "ls": "status",
    "ps": "status",
    "rm": "kill",
    "tail": "logs",
    "top": "status",
    "up": "run",
    "upload": "sync",
}
OPTION_SYNONYMS = {"--tail": "--lines", "--inventory": "--config", "--file": "--config", "--dry-run": "--dry"}
UNKNOWN_OPTION = r"""No idea what ['"](-.*)['"] is!"""
UNKNOWN_WORD = r"""No idea what ['"]([^-].*)['"] is!"""
# The errors of Invoke's parser, and the same in the form of this project.
PARSER_ERRORS = (
    (r"Flag (?:--|<Argument: )([\w-]+).* needed value and was not given one!", r"--\1: missing value"),
    (r"Flag (?:--|<Argument: )([\w-]+).* doesn't take any value!", r"--\1: unexpected value"),
    (r"'(.*)' did not receive required positional arguments: '(.*)'", r"\1: missing argument \2"),
)


def _plain(error: str) -> str:
    """Return an error of Invoke's parser in the form of this project, or unchanged if it is unknown."""
    for pattern, form in PARSER_ERRORS:
        match = re.fullmatch(pattern, error, re.DOTALL)
        if match:
            return match.expand(form).replace("', '", ", ")
    return error
