"""Tokens such as `%h` and `${HOME}` in the values of an ssh config: see TOKENS in ssh_config(5)."""

import hashlib
import os
import pwd
import re
import socket
from collections.abc import Callable
from typing import NamedTuple

from fabric import Connection
from paramiko.config import SSHConfigDict

USUAL = frozenset("CdhijkLlnpru")
# The tokens of each keyword besides `%%`.
TOKENS = {
    "certificatefile": USUAL,
    "controlpath": USUAL,
    "forwardagent": USUAL,
    "hostname": frozenset("h"),
    "identityagent": USUAL,
    "identityfile": USUAL,
    "knownhostscommand": USUAL,
    "localcommand": USUAL,
    "localforward": USUAL,
    "proxycommand": frozenset("hnpr"),
    "proxyjump": frozenset("hnpr"),
    "remotecommand": USUAL,
    "remoteforward": USUAL,
    "revokedhostkeys": USUAL,
    "userknownhostsfile": USUAL,
}
WITH_VARIABLES = {"certificatefile", "controlpath", "forwardagent", "identityagent", "identityfile"}
WITH_VARIABLES |= {"knownhostscommand", "revokedhostkeys", "userknownhostsfile"}
# Paths, in which `~` stands for a home folder.
PATHS = WITH_VARIABLES - {"knownhostscommand"} | {"globalknownhostsfile"}
# `ssh -G` prints these with their tokens expanded.
EXPANDED_BY_SSH = {"controlpath", "forwardagent", "hostname", "identityagent", "remotecommand", "userknownhostsfile"}
TOKEN = re.compile(r"%(?P<token>.?)", re.DOTALL)
TOKEN_OR_VARIABLE = re.compile(rf"{TOKEN.pattern}|\$\{{(?P<variable>[^}}]*)\}}?", re.DOTALL)


class ResolvedSettings(SSHConfigDict):
    """The settings of a host from files. The values of EXPANDED_BY_SSH have no tokens any more.

    `has_user` and `has_port` say whether the user or the port was given in front of the files.
    """

    has_user = has_port = False


class Target(NamedTuple):
    """What tokens stand for: the host, its name as given, and the other settings of the login."""

    host: str
    original_host: str
    port: int
    user: str
    alias: str
    jump: str


def expand(text: str, keyword: str, connection: Connection) -> str:
    """Return the value of a keyword for a connection, with `~`, tokens and environment variables replaced.

    A `%` stays in the value of a keyword without tokens, or whose tokens `ssh -G` has replaced. Raise ValueError for an
    unknown token and an unset variable.
    """
    settings = connection.ssh_config
    if isinstance(settings, ResolvedSettings) and keyword.lower() in EXPANDED_BY_SSH:
        return _with_home(text, keyword) if keyword.lower() in PATHS else text  # a default has `~`
    target = Target(
        host=connection.host,
        original_host=connection.original_host,
        port=connection.port,
        user=connection.user,
        alias=settings.get("hostkeyalias") or connection.original_host,
        jump=settings.get("proxyjump", ""),
    )
    return expanded(text, keyword, target)


def expanded(text: str, name: str, target: Target) -> str:
    """Return `text` with `~`, tokens and environment variables replaced, as far as the keyword `name` allows them."""
    keyword = name.lower()
    if keyword in PATHS:
        text = _with_home(text, name)
    if keyword not in TOKENS or not ("%" in text or "$" in text):
        return text

    def value(match: re.Match[str]) -> str:
        token, variable = match["token"], match.groupdict().get("variable")
        if token is None:
            return _variable(match[0], variable or "", name)
        if token == "%":
            return "%"
        if not token or token not in TOKENS[keyword]:
            raise ValueError(f"{name} {text!r} in the ssh config: unknown token {match[0]}")
        return VALUES[token](target)

    return (TOKEN_OR_VARIABLE if keyword in WITH_VARIABLES else TOKEN).sub(value, text)


def _variable(shown: str, name: str, keyword: str) -> str:
    if not shown.endswith("}") or name not in os.environ:
        raise ValueError(f"{keyword} in the ssh config: unset environment variable {shown}")
    return os.environ[name]


def _with_home(text: str, name: str) -> str:
    """Replace `~` or `~NAME` at the beginning. Raise ValueError for an unknown user."""
    path = os.path.expanduser(text)  # noqa: PTH111 - pathlib would change the rest of the text
    if text.startswith("~") and path == text:
        raise ValueError(f"{name} {text!r} in the ssh config: unknown user")
    return path


def _hash(target: Target) -> str:
    parts = (socket.gethostname(), target.host, str(target.port), target.user)
    return hashlib.sha1("".join(parts).encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


VALUES: dict[str, Callable[[Target], str]] = {
    "C": _hash,
    "d": lambda target: os.path.expanduser("~"),  # noqa: PTH111 - as in _with_home
    "h": lambda target: target.host,
    "i": lambda target: str(os.getuid()),
    "j": lambda target: target.jump,
    "k": lambda target: target.alias,
    "L": lambda target: socket.gethostname().partition(".")[0],
    "l": lambda target: socket.gethostname(),
    "n": lambda target: target.original_host,
    "p": lambda target: str(target.port),
    "r": lambda target: target.user,
    "u": lambda target: pwd.getpwuid(os.getuid()).pw_name,
}
