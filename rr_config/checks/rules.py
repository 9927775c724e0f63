"""Rules: what a value in a config must be. Each function returns whether it is that."""

import os
import re
import signal
from collections.abc import Callable, Iterable
from typing import Any

from ..hosts.names import parsed
from ..texts import is_sendable
from ..values.secrets import Secret

Rule = Callable[[Any], bool]


def is_text(value: object) -> bool:
    """Return whether it is a non-empty string, and that Linux accepts as a file name or an argument."""
    return isinstance(value, str) and value != "" and is_sendable(value)


def is_whole(value: object) -> bool:
    """Return whether it is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def of_type(*kinds: type) -> Rule:
    """Return a rule for instances of these classes."""
    return lambda value: isinstance(value, kinds)


def list_of(rule: Rule) -> Rule:
    """Return a rule for lists in which each value obeys `rule`."""
    return lambda value: isinstance(value, list | tuple) and all(map(rule, value))


def dict_of(key: Rule, value: Rule) -> Rule:
    """Return a rule for dicts in which each key obeys `key`, and each value obeys `value`."""
    return lambda given: isinstance(given, dict) and all(map(key, given)) and all(map(value, given.values()))


def optional(rule: Rule) -> Rule:
    """Return a rule that also allows None."""
    return lambda value: value is None or rule(value)


def is_path(value: object) -> bool:
    """Return whether it is a path, as text or as `Path`."""
    return isinstance(value, str | os.PathLike) and is_text(os.fspath(value))


def is_program(value: object) -> bool:
    """Return whether it is a program: a name for PATH, or an absolute path."""
    return is_path(value) and (str(value).startswith("/") or not set("/~").intersection(str(value)))


def are_files(value: object) -> bool:
    """Return whether it is a dict of paths to paths."""
    return isinstance(value, dict) and all(map(is_path, (*value, *value.values())))


def is_arg(value: object) -> bool:
    """Return whether `str()` of it is meant as one argument, and has no NUL. A nested list or bytes are mistakes."""
    is_one = isinstance(value, str) or not isinstance(value, Iterable | Secret)
    return is_one and is_sendable(str(value))


def is_env_value(value: object) -> bool:
    """Return whether it is a text, a number or a path, without NUL, or a secret."""
    if isinstance(value, Secret):
        return True
    is_text_like = isinstance(value, str | int | float | os.PathLike) and not isinstance(value, bool)
    return is_text_like and is_sendable(str(value))


# VARIABLE is the syntax of a variable name in sh. NOT_OURS are variables that bash or dash set themselves, and those
# that identify the processes of a component.
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NOT_OURS = re.compile(
    r"_|E?UID|PPID|LINENO|OPTIND|S?RANDOM|(EPOCH)?SECONDS|EPOCHREALTIME|HISTCMD|FUNCNAME|GROUPS|DIRSTACK|SHELLOPTS"
    r"|BASH(OPTS|PID|_VERSINFO|_SUBSHELL|_ARGV0|_ALIASES|_CMDS|_COMMAND)|STY|REMOTE_RUNNER_COMPONENT"
)


def is_env(value: object) -> bool:
    """Return whether it is a dict of variables that a program can get."""
    return isinstance(value, dict) and all(map(_is_variable, value)) and all(map(is_env_value, value.values()))


def _is_variable(name: object) -> bool:
    return isinstance(name, str) and bool(VARIABLE.fullmatch(name)) and not NOT_OURS.fullmatch(name)


def is_host(value: object) -> bool:
    """Return whether it is a host, perhaps with a user and a port."""
    return is_text(value) and str(value).isprintable() and parsed(str(value)) is not None


def is_signal(value: object) -> bool:
    """Return whether it is the name of a signal, with or without SIG."""
    return isinstance(value, str) and f"SIG{value.removeprefix('SIG')}" in signal.Signals.__members__


# Names that `screen -S` accepts unchanged: no slash, no dot or dash in front, and room for `PID.` in a file name.
SESSION_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@=-]{0,79}")
SESSION_NAME_HINT = "must have 1 to 80 letters, digits and . _ - + @ =, and begin with a letter, a digit or _"


MEASURE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def is_measure_name(value: object) -> bool:
    """Return whether it can be the name of a measure, and so of a column in tables."""
    return isinstance(value, str) and MEASURE_NAME.fullmatch(value) is not None


def is_session_name(value: object) -> bool:
    """Return whether screen accepts the name of a session unchanged."""
    return isinstance(value, str) and SESSION_NAME.fullmatch(value) is not None
