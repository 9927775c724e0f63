"""Environment variables for sessions: SendEnv and SetEnv of the ssh config. AcceptEnv of the host limits them."""

from collections.abc import Mapping
from typing import Any

from rr_config.values.secrets import open_environment

from .patterns import matches


def session_variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables for each session on a host. Those of SetEnv win, as in ssh."""
    pairs = (each.partition("=") for each in _values(settings, "setenv"))
    return sent_variables(settings) | {name: value for name, _, value in pairs}


def sent_variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of this process that SendEnv names, except for secrets."""
    patterns = send_env(settings)
    if not patterns:  # the usual case; a look at all variables takes 50 µs
        return {}
    own = open_environment().items()
    return {name: value for name, value in own if any(matches(name, pattern) for pattern in patterns)}


def send_env(settings: Mapping[str, Any]) -> list[str]:
    """Return the patterns of SendEnv."""
    return " ".join(_values(settings, "sendenv")).split()


def _values(settings: Mapping[str, Any], keyword: str) -> list[str]:
    value = settings.get(keyword) or []
    return [value] if isinstance(value, str) else list(value)
