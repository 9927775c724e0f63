"""Parameters: values that a config or a muddler declares with `util.params`, and that `--set NAME=VALUE` sets.

Each load has its own `Parameters`. `util.params` finds them in a context variable, because a helper module that a
config imports calls it, too. The variable is set only while code of the user runs. So loads in several threads, and a
load inside a config file, do not share their parameters.
"""

import contextlib
import difflib
import keyword
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import NoReturn

import attrs

from ..errors import ConfigError

Value = str | int | float | bool
# By the type of the default: what a value must be, as on the command line, and in Python.
EXPECTED: Mapping[type, tuple[str, str]] = {
    str: ("a text", "a str"),
    int: ("a whole number, for example 8 or -8", "an int"),
    float: ("a finite number, for example 0.5, -8 or 1e3", "a finite float or int"),
    bool: ("true or false", "True or False"),
}
BOOLS = {"true": True, "false": False}
WHOLE = re.compile(r"[+-]?[0-9]+")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class Text(str):
    """A value as text, from the command line or a settings file. The type of the parameter decides how to parse it."""

    __slots__ = ()


def as_params(given: str | Sequence[str] | Mapping[str, object]) -> dict[str, object]:
    """Return given values by name: from texts `NAME=VALUE`, of which the last one counts, or from a mapping.

    The value of a text without `=` is None. `Parameters.check` reports it later, with the names that are known then.
    """
    if isinstance(given, Mapping):
        return dict(given)
    values: dict[str, object] = {}
    for text in [given] if isinstance(given, str) else given:
        name, separator, value = text.partition("=")
        values[name] = Text(value) if separator else None
    return values


def as_texts(given: Mapping[str, object]) -> list[str]:
    """Return values of `--set` that give the same values."""
    return [f"{name}={as_text(value)}" for name, value in given.items()]


def as_text(value: object) -> str:
    """Return a value as on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class Params:
    """The values that a call of `util.params` returns: `params.clients` or `params["clients"]`. They are read-only.

    `vars(params)` is a dict of them.
    """

    def __init__(self, values: Mapping[str, Value], /) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> NoReturn:  # called only for a missing attribute
        raise AttributeError(f"unknown parameter {name!r}; this call of util.params declares {_names(vars(self))}")

    def __getitem__(self, name: str) -> Value:
        if name not in vars(self):
            raise KeyError(f"unknown parameter {name!r}; this call of util.params declares {_names(vars(self))}")
        value: Value = vars(self)[name]
        return value

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"params.{name}: read-only; assign to a variable instead, or use --set {name}=VALUE")

    def __repr__(self) -> str:
        return f"params({assignments(vars(self))})"


def _names(values: Mapping[str, Value]) -> str:
    return ", ".join(values) or "none"


def assignments(values: Mapping[str, Value]) -> str:
    """Return for example `clients=8, mode='fast'`."""
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


@attrs.frozen
class Parameter:
    """A declared parameter. `place` is the first declaration, as `FILE:LINE`."""

    name: str
    default: Value
    value: Value
    place: str

    @property
    def kind(self) -> type:
        """Return its type, which is that of the default."""
        return type(self.default)

    def __str__(self) -> str:
        default = repr(self.default) if self.kind is str else as_text(self.default)
        return f"{self.name} ({self.kind.__name__}, default {default})"


class Parameters:
    """The parameters of one load: the given values, and the declarations so far.

    An invalid value does not end the load at once. Its parameter keeps the default, and `check` reports the value after
    all muddlers. Only then are all names known.
    """

    def __init__(self, given: Mapping[str, object]) -> None:
        self.declared: dict[str, Parameter] = {}
        self._given = given
        self._invalid: dict[str, str] = {}

    @property
    def values(self) -> dict[str, Value]:
        """Return the values by name, in the order of declaration."""
        return {name: parameter.value for name, parameter in self.declared.items()}

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Let `util.params` declare parameters here, for the time of the block."""
        token = _active.set(self)
        try:
            yield
        finally:
            _active.reset(token)

    def declare(self, name: str, default: Value, place: str) -> Value:
        """Declare a parameter; return its value. Raise ConfigError if another default was declared elsewhere."""
        known = self.declared.get(name)
        if known is None:
            known = self.declared[name] = Parameter(name, default, self._value(name, default), place)
        elif (known.kind, known.default) != (type(default), default):
            new = Parameter(name, default, default, place)
            raise ConfigError(f"{place}: conflicting parameters {new} and {known} of {known.place}; use one default")
        return known.value

    def _value(self, name: str, default: Value) -> Value:
        """Return the given value, or the default if there is none, or only an invalid one."""
        value = self._given.get(name)
        if value is None:  # `check` reports a given None
            return default
        found = _parsed(value, type(default)) if isinstance(value, Text) else _checked(value, type(default))
        if found is None:
            as_on_line, in_python = EXPECTED[type(default)]
            is_text = isinstance(value, Text)
            shown = f"{name}={value}" if is_text else f"{name}={value!r} ({type(value).__name__})"
            self._invalid[name] = f"--set {shown}: must be {as_on_line if is_text else in_python}"
            return default
        return found

    def check(self) -> None:
        """Raise ConfigError with all mistakes in the given values. The last line lists the declared parameters."""
        problems = [problem for name in self._given if (problem := self._problem(name))]
        if not problems:
            return
        hint = "no parameter is declared; declare one with util.params(NAME=DEFAULT)"
        if self.declared:
            hint = f"declared: {', '.join(map(str, self.declared.values()))}"
        raise ConfigError(*problems[:-1], f"{problems[-1]}; {hint}")

    def _problem(self, name: str) -> str | None:
        """Return a mistake in the value that is given for a name, or None."""
        value = self._given[name]
        if value is None:
            return f"--set {name}: missing value; must be NAME=VALUE"
        if name not in self.declared:
            nearest = difflib.get_close_matches(str(name), self.declared, 1)
            guess = f" (did you mean {nearest[0]}?)" if nearest else ""
            return f"--set {name}={as_text(value)}: unknown parameter{guess}"
        return self._invalid.get(name)


_active: ContextVar[Parameters | None] = ContextVar("rr_config_parameters", default=None)


def _parsed(text: str, kind: type) -> Value | None:
    """Return the value that `text` stands for, or None if it is invalid for the type `kind`."""
    if kind is str:
        return str(text)
    if kind is bool:
        return BOOLS.get(text)
    if not (WHOLE if kind is int else NUMBER).fullmatch(text):
        return None
    try:
        return int(text) if kind is int else _checked(float(text), kind)
    except ValueError:  # Python limits the digits of a whole number
        return None


def _checked(value: object, kind: type) -> Value | None:
    """Return a value from Python with exactly the type `kind`, or None if it is invalid."""
    if kind is float and type(value) in (int, float):
        try:
            number = float(value)  # type: ignore[arg-type]
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    return value if type(value) is kind else None  # type: ignore[return-value]


def params(**defaults: Value) -> Params:
    """Declare parameters with their defaults, and return their values. `--set NAME=VALUE` sets a value.

    The type of the default is the type of the parameter: str, int, float or bool. On the command line, a bool is `true`
    or `false`. Several files may declare the same name with the same default. It is one parameter then.

    Without a load, for example in a test of a helper module, return the defaults. Raise ConfigError for an invalid name
    or default.

        >>> found = params(clients=4, mode="slow")
        >>> found.clients, found["mode"]
        (4, 'slow')
        >>> found
        params(clients=4, mode='slow')
    """
    frame = sys._getframe(1)
    place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    parameters = _active.get() or Parameters({})
    values: dict[str, Value] = {}
    for name, default in defaults.items():
        _check_declaration(name, default, place)
        values[name] = parameters.declare(name, default, place)
    return Params(values)


def _check_declaration(name: str, default: object, place: str) -> None:
    """Raise ConfigError if a parameter cannot have this name or this default."""
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
        raise ConfigError(f"{place}: invalid parameter name {name!r}; must be a Python name, without __ in front")
    if type(default) not in EXPECTED:
        problem = f"invalid default {default!r} ({type(default).__name__}) of the parameter {name}"
        raise ConfigError(f"{place}: {problem}; must be a str, int, float or bool")
    if _checked(default, type(default)) is None:
        raise ConfigError(f"{place}: invalid default {default!r} of the parameter {name}; must be a finite number")
