"""Check the keys of hosts against the known_hosts files that OpenSSH would read.

The check follows UserKnownHostsFile, GlobalKnownHostsFile, HostKeyAlias, HashKnownHosts and StrictHostKeyChecking of
the ssh config; see ssh_config(5). It adds an unknown key to the first user file (`accept-new`) or refuses it
(`strict`). `known_hosts` parses the files.
"""

import fcntl
import logging
import os
import shlex
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import paramiko
from fabric import Connection

from rr_config.errors import os_reason

from .config.tokens import ResolvedSettings, expand
from .known_hosts import REVOKED, Entry, KeyRefused, KnownHosts, is_known, spelled

log = logging.getLogger(__name__)

STRICT = "strict"
USER_FILES = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
GLOBAL_FILES = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
# Signature algorithms of a key type, if their names differ from the type (RFC 8332).
ALGORITHMS = {"ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"]}
# StrictHostKeyChecking: True refuses an unknown key. Nothing prompts the user, so `ask` accepts it.
WAYS = {"yes": True, "true": True, "accept-new": False, "ask": False, "no": False, "off": False, "false": False}


class HostKeyError(paramiko.SSHException):
    """The key of a host was refused; the message says why."""


@attrs.frozen
class HostKeyRule:
    """How to check the key of one host: the name to look up, the files, and the policy for an unknown key.

    `host` is the name in the config, and `name` is the one in known_hosts files. If no key is known for `name`, a key
    that is known for `without_port` is accepted.
    """

    host: str
    name: str
    without_port: str
    user_files: tuple[str, ...]
    global_files: tuple[str, ...]
    is_strict: bool
    is_hashed: bool


def rule_of(connection: Connection, mode: str | None) -> HostKeyRule:
    """Return the rule that the ssh config sets for a connection; `mode` overrides StrictHostKeyChecking.

    Raise ValueError if the ssh config is invalid, or sets a keyword that is not supported.
    """
    where = connection.original_host
    for unknown in ("RevokedHostKeys", "KnownHostsCommand"):
        if _word(connection, unknown) not in ("", "none"):
            raise ValueError(f"{where}: {unknown} in the ssh config is not supported; remove it, or use @revoked lines")
    alias = _word(connection, "HostKeyAlias").lower()
    strictness = _word(connection, "StrictHostKeyChecking").lower() or "ask"
    if strictness not in WAYS:
        ways = ", ".join(WAYS)
        raise ValueError(f"{where}: StrictHostKeyChecking {strictness} in the ssh config: must be one of {ways}")
    name = alias or spelled(connection.host, connection.port)
    return HostKeyRule(
        host=where,
        name=name,
        # ssh does the same if a name with a port is unknown; its message: "checking without port identifier".
        without_port=name if alias else connection.host.lower(),
        user_files=_files(connection, "UserKnownHostsFile", USER_FILES),
        global_files=_files(connection, "GlobalKnownHostsFile", GLOBAL_FILES),
        is_strict=WAYS[strictness] if mode is None else mode == STRICT,
        is_hashed=_word(connection, "HashKnownHosts").lower() in ("yes", "true"),
    )


def _words(connection: Connection, name: str, text: str) -> list[str]:
    """Split `text`, the value of keyword `name` in the ssh config, into words without a comment.

    Raise ValueError if it is invalid.
    """
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
    # An ssh config that a caller gives comes from paramiko, which removes quotes at both ends of a value. Several
    # quoted words, or one path with spaces, need them again.
    is_parsed = not isinstance(settings, ResolvedSettings)
    is_quoted = is_parsed and ('" "' in text or os.path.isfile(os.path.expanduser(text)))  # noqa: PTH111, PTH113
    words = _words(connection, name, f'"{text}"' if is_quoted else text)
    try:
        return tuple(expand(word, name, connection) for word in words if word.lower() != "none")
    except ValueError as error:
        raise ValueError(f"{connection.original_host}: {error}") from error


class HostKeys:
    """The known_hosts files for all connections of a group, each set of files read once. Thread-safe.

    `mode` STRICT refuses unknown keys, and any other text accepts them. None follows the ssh config.
    """

    def __init__(self, mode: str | None) -> None:
        self._mode = mode
        self._known: dict[tuple[str, ...], KnownHosts] = {}
        self._lock = threading.Lock()

    def guard(self, connection: Connection) -> None:
        """Check the key of the host whenever `connection` opens; do the same for each of its gateways.

        Raise ValueError if the ssh config is invalid.
        """
        while isinstance(connection, Connection):
            rule = rule_of(connection, self._mode)
            connection.client.set_missing_host_key_policy(_Policy(self, rule))
            factory = connection.connect_kwargs.get("transport_factory", paramiko.Transport)
            transport = partial(self._transport, factory, rule)
            # A new dict, because gateways share the old one.
            connection.connect_kwargs = {**connection.connect_kwargs, "transport_factory": transport}
            connection = connection.gateway

    def _transport(
        self, factory: Callable[..., paramiko.Transport], rule: HostKeyRule, *args: Any, **kwargs: Any
    ) -> paramiko.Transport:
        """Return a transport that prefers a key type with a known key, if the host has keys of several types."""
        transport = factory(*args, **kwargs)
        with self._lock:
            entries = self._entries(rule, rule.name) or self._entries(rule, rule.without_port)
        known: list[str] = []
        for entry in entries:
            known += [] if entry.marker else ALGORITHMS.get(entry.type, [entry.type])
        options = transport.get_security_options()
        plain = [each for each in options.key_types if "-cert-" not in each]
        options.key_types = sorted(plain, key=lambda each: each not in known)
        return transport

    def verify(self, rule: HostKeyRule, key: paramiko.PKey) -> None:
        """Return if `key` is known, or new and added to a file. Raise HostKeyError otherwise."""
        try:
            with self._lock:
                if not self._is_known(rule, key.asbytes()):
                    self._add(rule, key)
        except KeyRefused as error:
            raise HostKeyError(f"host key {key.get_name()} {key.fingerprint} {error}") from error

    def _is_known(self, rule: HostKeyRule, key: bytes) -> bool:
        """Return whether `key` is known for this host. A key that is revoked without a port is refused on all ports."""
        without_port = self._entries(rule, rule.without_port)
        revoked = [entry for entry in without_port if entry.marker == REVOKED]
        if is_known([*self._entries(rule, rule.name), *revoked], key):
            return True
        return any(entry.key == key for entry in without_port if not entry.marker)

    def _entries(self, rule: HostKeyRule, name: str) -> list[Entry]:
        files = rule.user_files + rule.global_files
        if files not in self._known:
            self._known[files] = KnownHosts((file, _text(file)) for file in files)
        return self._known[files].of(name)

    def _add(self, rule: HostKeyRule, key: paramiko.PKey) -> None:
        """Add a new key to the first user file. Raise KeyRefused if that is forbidden or fails."""
        if rule.is_strict:
            raise KeyRefused(f"is not in {' or '.join(rule.user_files + rule.global_files)}; add it if you trust it")
        if not rule.user_files:
            hint = "set one, or add the key yourself"
            raise KeyRefused(f"is unknown, and UserKnownHostsFile sets no file to add it to; {hint}")
        name, file = rule.name, rule.user_files[0]
        shown = paramiko.HostKeys.hash_host(name) if rule.is_hashed else name
        line = f"{shown} {key.get_name()} {key.get_base64()}\n"
        try:
            _append(Path(file), line)
        except OSError as error:
            raise KeyRefused(f"is unknown, and cannot be added to {file}: {os_reason(error).lower()}") from error
        log.warning("%s: added new host key %s %s to %s", rule.host, key.get_name(), key.fingerprint, file)
        self._known.clear()  # the next check reads the files again


class _Policy(paramiko.MissingHostKeyPolicy):
    """The hook for unknown keys. paramiko calls it for every key, because it has no known keys of its own here."""

    def __init__(self, keys: HostKeys, rule: HostKeyRule) -> None:
        self._keys, self._rule = keys, rule

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        self._keys.verify(self._rule, key)


def _text(file: str) -> str:
    """Return the text of a file; a missing file is empty, as in ssh. Raise HostKeyError if it cannot be read."""
    try:
        return Path(file).read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise HostKeyError(f"cannot read {file}: {os_reason(error).lower()}") from error


def _append(path: Path, line: str) -> None:
    """Append a line to a file. Create a missing file or folder so that only its owner has access."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # other processes of this program may append at the same time
        if path.is_file() and file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(line.encode("utf-8", "surrogateescape"))
