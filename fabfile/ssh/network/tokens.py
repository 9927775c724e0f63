"""Expand tokens such as `%h` in values of the ssh config; see TOKENS in ssh_config(5)."""

import getpass
import hashlib
import os
import re
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from fabric import Connection

TOKEN = re.compile(r"%(.?)|\$\{(\w+)\}", re.DOTALL)
OF_PROXY = "%hnpr"  # all that a ProxyCommand knows; its shell expands variables


def expand(text: str, keyword: str, connection: Connection, more: Mapping[str, str] | None = None) -> str:
    """Return `text`, the value of `keyword`, with its tokens and environment variables replaced.

    `more` holds tokens of this keyword alone. Raise ValueError for an unknown token or variable.
    """
    is_proxy = keyword == "ProxyCommand"

    def value(match: re.Match[str]) -> str:
        token, variable = match.groups()
        if variable and is_proxy:
            return match[0]
        if variable and variable in os.environ:
            return os.environ[variable]
        if token and more and token in more:
            return more[token]
        if token and token in TOKENS and (not is_proxy or token in OF_PROXY):
            return TOKENS[token](connection)
        where = f"{connection.original_host}: {keyword} {text!r} in the ssh config"
        raise ValueError(f"{where}: unknown token {match[0]}")

    return TOKEN.sub(value, text)


def _key_alias(connection: Connection) -> str:
    return str(connection.ssh_config.get("hostkeyalias", connection.host))


def _hash(connection: Connection) -> str:
    parts = (socket.gethostname(), connection.host, str(connection.port), connection.user, _jump(connection))
    return hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()


def _jump(connection: Connection) -> str:
    return str(connection.ssh_config.get("proxyjump", ""))


TOKENS: Mapping[str, Callable[[Connection], str]] = {
    "%": lambda connection: "%",
    "C": _hash,
    "d": lambda connection: str(Path.home()),
    "h": lambda connection: str(connection.host),
    "i": lambda connection: str(os.getuid()),
    "j": _jump,
    "k": _key_alias,
    "L": lambda connection: socket.gethostname().partition(".")[0],
    "l": lambda connection: socket.gethostname(),
    "n": lambda connection: str(connection.original_host),
    "p": lambda connection: str(connection.port),
    "r": lambda connection: str(connection.user),
    "u": lambda connection: getpass.getuser(),
}
