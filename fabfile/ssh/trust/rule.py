"""The rule of the ssh config for the key of one host: names, files, and the policy for unknown and changed keys."""

import enum
import os
import re
import shlex
from collections.abc import Callable

import attrs
from fabric import Connection

from .. import algorithms
from ..config.read_values import flag, number
from ..config.tokens import ResolvedSettings, expand
from ..known_hosts import spelled

STRICT = "strict"
USER_FILES = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
GLOBAL_FILES = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"


class Policy(enum.Enum):
    """StrictHostKeyChecking: `STRICT` refuses an unknown key, and the others accept it.

    Nothing prompts the user, so `ASK` accepts, except if certificates are expected for the host. `OFF` also accepts a
    changed key, or one that a known_hosts file revokes, but then no password is sent.
    """

    STRICT = enum.auto()
    ASK = enum.auto()
    ACCEPT_NEW = enum.auto()
    OFF = enum.auto()


POLICIES = {
    "yes": Policy.STRICT,
    "true": Policy.STRICT,
    "ask": Policy.ASK,
    "accept-new": Policy.ACCEPT_NEW,
    "no": Policy.OFF,
    "off": Policy.OFF,
    "false": Policy.OFF,
}


@attrs.frozen
class HostKeyRule:
    """How to check the key of one host: the name to look up, the files, and the policy for an unknown key.

    `host` is the name in the config, and `name` is the one in known_hosts files. If no key is known for `name`, a key
    that is known for `without_port` is accepted. `certified` is the name that a certificate must contain.
    """

    host: str
    name: str
    without_port: str
    certified: str
    user_files: tuple[str, ...]
    global_files: tuple[str, ...]
    revoked_files: tuple[str, ...]
    policy: Policy
    is_hashed: bool
    trusts_loopback: bool
    least_rsa_bits: int
    allowed: algorithms.Algorithms
    ca_algorithms: tuple[str, ...]
    known_hosts_command: str
    expand_argument: Callable[[str], str] = attrs.field(eq=False)


def rule_of(connection: Connection, mode: str | None) -> HostKeyRule:
    """Return the rule that the ssh config sets for a connection; `mode` overrides StrictHostKeyChecking.

    Raise ValueError if the ssh config is invalid, or allows only algorithms that are not supported.
    """
    where = connection.original_host
    try:
        allowed = algorithms.chosen(connection.ssh_config)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    alias = _word(connection, "HostKeyAlias")
    name = alias.lower() or spelled(connection.host, connection.port)
    ca_algorithms = connection.ssh_config.get("casignaturealgorithms") or ",".join(algorithms.PLAIN_HOST_KEYS)
    return HostKeyRule(
        host=where,
        name=name,
        # ssh does the same if a name with a port is unknown; its message: "checking without port identifier".
        without_port=name if alias else connection.host.lower(),
        certified=alias or connection.host.lower(),
        user_files=_files(connection, "UserKnownHostsFile", USER_FILES),
        global_files=_files(connection, "GlobalKnownHostsFile", GLOBAL_FILES),
        revoked_files=_files(connection, "RevokedHostKeys", ""),
        policy=_policy(connection, mode),
        is_hashed=flag(connection.ssh_config, "HashKnownHosts", usual=False),
        trusts_loopback=not alias and flag(connection.ssh_config, "NoHostAuthenticationForLocalhost", usual=False),
        least_rsa_bits=number(connection.ssh_config, "RequiredRSASize", 0),
        allowed=allowed,
        ca_algorithms=tuple(ca_algorithms.split(",")),
        known_hosts_command=_unless_none(connection.ssh_config.get("knownhostscommand", "")),
        expand_argument=lambda text: expand(text, "KnownHostsCommand", connection),
    )


def _policy(connection: Connection, mode: str | None) -> Policy:
    strictness = _word(connection, "StrictHostKeyChecking").lower() or "ask"
    if strictness not in POLICIES:
        ways = ", ".join(POLICIES)
        where = f"{connection.original_host}: StrictHostKeyChecking {strictness} in the ssh config"
        raise ValueError(f"{where}: must be one of {ways}")
    if mode is None:
        return POLICIES[strictness]
    return Policy.STRICT if mode == STRICT else Policy.ACCEPT_NEW


def _unless_none(value: str) -> str:
    return "" if value.lower() == "none" else value


def _words(connection: Connection, name: str, text: str) -> list[str]:
    """Split `text`, the value of keyword `name` in the ssh config, into words without a comment.

    Raise ValueError if it is invalid.
    """
    if re.fullmatch(r"[\w./~ -]*", text):  # shlex takes long, also for plain words
        return text.split()
    try:
        return shlex.split(text, comments=True)
    except ValueError as error:
        where = f"{connection.original_host}: {name} {text!r} in the ssh config"
        raise ValueError(f"{where}: invalid value: {str(error).lower()}") from error


def _word(connection: Connection, name: str) -> str:
    text = connection.ssh_config.get(name.lower(), "")
    words = _words(connection, name, text)
    if len(words) > 1:
        raise ValueError(f"{connection.original_host}: {name} {text!r} in the ssh config: must be one word")
    return words[0] if words else ""


def _files(connection: Connection, name: str, usual: str) -> tuple[str, ...]:
    settings = connection.ssh_config
    text = settings.get(name.lower(), usual)
    if not text:
        return ()
    # An ssh config that a caller gives comes from paramiko, which removes quotes at both ends of a value. Several
    # quoted words, or one path with spaces, need them again.
    is_parsed = not isinstance(settings, ResolvedSettings)
    is_quoted = is_parsed and ('" "' in text or os.path.isfile(os.path.expanduser(text)))  # noqa: PTH111, PTH113
    words = _words(connection, name, f'"{text}"' if is_quoted else text)
    try:
        return tuple(expand(word, name, connection) for word in words if word.lower() != "none")
    except ValueError as error:
        raise ValueError(f"{connection.original_host}: {error}") from error
