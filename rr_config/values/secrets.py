"""`util.secret`: a variable of this machine whose value reaches the program on the host, and nothing else."""

import os
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import attrs

HIDDEN = "***"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_named: set[str] = set()  # variables of this machine that hold secrets


@attrs.frozen(repr=False)
class Secret:
    """The name of an environment variable of this machine, as a value in `env`.

    It holds no value, so no copy of a config can show one. It is no text, so that it cannot become a part of one.
    """

    name: str

    def __repr__(self) -> str:
        return HIDDEN

    def _refuse(self, *_: object) -> NoReturn:
        alone = "use it alone as a value in env, and let the program put texts together"
        raise TypeError(f"util.secret({self.name!r}): cannot be a part of a text; {alone}")

    __str__ = __format__ = _refuse
    __add__ = __radd__ = __mod__ = __rmod__ = __mul__ = __rmul__ = _refuse


def secret(name: str) -> Any:
    """Return a value for `env`: the environment variable `name` of this machine.

    A command that starts the component reads it. The text is literal. It shows as `***`, and must not occur in `args`.
    Raise ValueError for an invalid name.

        >>> {"TOKEN": secret("API_TOKEN")}
        {'TOKEN': ***}
        >>> "Bearer " + secret("API_TOKEN")
        Traceback (most recent call last):
        TypeError: util.secret('API_TOKEN'): cannot be a part of a text; use it alone as a value in env, ...
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"util.secret({name!r}): must be the name of an environment variable")
    _named.add(name)
    return Secret(name)


def secrets_of(env: Mapping[str, object]) -> dict[str, Secret]:
    """Return the secrets in a value of `env`."""
    return {name: value for name, value in env.items() if isinstance(value, Secret)}


def plain(env: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value of `env` without its secrets."""
    return {name: value for name, value in env.items() if not isinstance(value, Secret)}


def secret_value(given: Secret) -> str:
    """Return the value. Bytes that are not UTF-8 become surrogates, in any locale. Raise KeyError if it is not set."""
    return os.environb[given.name.encode()].decode("utf-8", "surrogateescape")


def open_environment() -> dict[str, str]:
    """Return the environment of this process without secrets: only the programs for which they are may get them."""
    return {name: value for name, value in os.environ.items() if name not in _named}
