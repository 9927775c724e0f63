"""The effective options: those of the command line, then the defaults `remote_runner:` in fabric.yaml.

An invalid value raises ConfigError. `rr_config.command_line.options` declares the options.
"""

import os
from collections.abc import Mapping
from typing import Any

from rr_config import ConfigError, Options
from rr_config.command_line.declarations import Declaration, Values
from rr_config.command_line.options import OPTIONS, Fallback, check
from rr_config.command_line.parameters import Text
from rr_config.likeness import hint

from .options import SECTION

PASSWORD = "REMOTE_RUNNER_PASS"


def read_options(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Options:
    """Return the options: each from the command line (`given`), or else from `defaults`, which fabric.yaml sets.

    The environment may contain the password, too. Remove it there, so that no child process inherits it.
    Raise ConfigError if a default has an unknown name or an invalid value.
    """
    secret = os.environ.pop(PASSWORD, None)
    own = _checked(defaults)
    values: dict[str, Any] = {}
    for option in OPTIONS:
        value = given.get(option.name)
        if value is None:
            value = own.get(option.name)
        if value is not None:
            values[option.attribute] = option.translated(value)
    values["ssh_pass"] = given.get("pass") or secret or own.get("pass")
    if "screen" in values and not given.get("screen"):
        values["screen"] = Fallback(values["screen"])
    options = Options(**values)
    check(options)
    return options


WORDS = {str: "a string", bool: "true or false", int: "a whole number"}


def _checked(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults of fabric.yaml by name, with `_` for `-`. Raise ConfigError if one is invalid."""
    if not hasattr(defaults, "items"):
        kind = type(defaults).__name__
        raise ConfigError(f"fabric.yaml/{SECTION}: invalid type {kind}; must be a mapping of option names to values")
    own: dict[str, Any] = {}
    for given, value in defaults.items():
        name, meant = _spelled_like_options(str(given).replace("-", "_"), value)
        if name in own:
            once = f"set {name} or no_{name} once, with _"
            raise ConfigError(f"fabric.yaml/{SECTION}.{given}: duplicate of {name}; {once}")
        own[name] = meant
    known = {option.name: option for option in OPTIONS}
    for name, value in own.items():
        if name not in known:
            meant = hint(name, known, f"must be one of {', '.join(known)}")
            raise ConfigError(f"fabric.yaml/{SECTION}.{name}: unknown option; {meant}")
        if known[name].values is Values.PARAMETER and hasattr(value, "items"):
            own[name] = _parameters(value)
        else:
            _check_kind(known[name], value)
    return own


def _parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of parameters from a mapping.

    A string is parsed as on the command line, because YAML reads a number such as 1e3 as a string.
    """
    return {name: Text(value) if isinstance(value, str) else value for name, value in given.items()}


def _spelled_like_options(name: str, value: Any) -> tuple[str, Any]:
    """Return `kill` and False for `no_kill: true`, because the option on the command line is --no-kill."""
    if name.startswith("no_"):
        return name.removeprefix("no_"), not value if isinstance(value, bool) else value
    return name, value


def _check_kind(option: Declaration, value: Any) -> None:
    """Raise ConfigError if a default has the wrong type. The message does not show a value that may be a password."""
    values = value if option.is_repeatable and isinstance(value, list) else [value]
    if value is None or all(type(each) is option.kind for each in values):
        return
    shown = f"of type {type(value).__name__}" if option.is_secret else repr(value)
    expected = WORDS[option.kind]
    if option.is_repeatable:
        expected += " or a list of strings"
    if option.values is Values.PARAMETER:
        expected += ", each NAME=VALUE, or a mapping of names to values"
    raise ConfigError(f"fabric.yaml/{SECTION}.{option.name}: invalid value {shown}; must be {expected}")
