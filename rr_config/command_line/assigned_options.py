"""`AssignableOptions`, the options as config files and muddlers see them: an assignment there changes the run."""

from collections.abc import Mapping
from typing import Any

import attrs

from ..checks.rules import SESSION_NAME_HINT, is_session_name, is_text
from ..likeness import nearest
from .declarations import Declaration
from .options import OPTIONS, Options

BY_ATTRIBUTE = {option.attribute: option for option in OPTIONS}
# Read-only: these have been used before any file of the user could assign them.
FIXED = ("config_file", "arg_parser", "muddler", "params", "extra_args", "command")
WORDS = {str: "a non-empty string", bool: "True or False", int: "a whole number"}
ASSIGNED = "_assigned"  # the attribute of an instance that holds its assignments


class AssignableOptions(Options):
    """Options that record and validate assignments, and that accept new attributes.

    A new attribute must not resemble a known one, because it would probably be a misspelled option.

        >>> options = AssignableOptions.of(Options())
        >>> options.parallel = 8
        >>> options.note = "later muddlers can read this"
        >>> assigned_in(options)
        {'parallel': 8}
        >>> options.screen_name = "mine"
        Traceback (most recent call last):
        AttributeError: unknown option options.screen_name; did you mean options.screen?
    """

    @classmethod
    def of(cls, options: Options, **changes: Any) -> "AssignableOptions":
        """Return a copy of `options` with `changes`, in which nothing is assigned yet."""
        made = cls(**(attrs.asdict(options, recurse=False) | changes))
        object.__setattr__(made, ASSIGNED, {})
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        assigned = self.__dict__.get(ASSIGNED)
        if assigned is None:  # `__init__` sets the attribute
            object.__setattr__(self, name, value)
            return
        option = BY_ATTRIBUTE.get(name)
        if option is None or name in FIXED:
            _check_new_name(name)
            object.__setattr__(self, name, value)
            return
        _check(option, value)
        super().__setattr__(name, value)  # converts the value
        assigned[name] = getattr(self, name)


def assigned_in(options: AssignableOptions) -> Mapping[str, Any]:
    """Return the known options that have been assigned, with their values."""
    return dict(options.__dict__[ASSIGNED])


def _check_new_name(name: str) -> None:
    """Raise AttributeError for the name of something that cannot be assigned, or that resembles an option."""
    if name in FIXED:
        hint = f"; give {BY_ATTRIBUTE[name].flag} on the command line" if name in BY_ATTRIBUTE else ""
        raise AttributeError(f"options.{name}: cannot be assigned{hint}")
    if hasattr(Options, name):
        raise AttributeError(f"options.{name}: cannot be assigned; choose another name")
    meant = nearest(name, BY_ATTRIBUTE)
    if meant:
        raise AttributeError(f"unknown option options.{name}; did you mean options.{meant}?")


def _check(option: Declaration, value: Any) -> None:
    """Raise ValueError if an option cannot have this value."""
    where = f"options.{option.attribute}"
    shown = f"of type {type(value).__name__}" if option.is_secret else repr(value)
    if value is None and option.default is None:
        return
    if option.attribute == "screen" and not is_session_name(value):
        raise ValueError(f"{where}: invalid value {shown}; {SESSION_NAME_HINT}")
    is_number_like = isinstance(value, bool) and option.kind is int
    if not isinstance(value, option.kind) or is_number_like or (option.kind is str and not is_text(value)):
        raise ValueError(f"{where}: invalid value {shown}; must be {WORDS[option.kind]}")
    given = str(value).upper() if option.attribute == "log_level" else value
    for problem in option.problems(given):
        raise ValueError(f"{where}: invalid value {shown}; {problem.rpartition(': ')[2]}")
