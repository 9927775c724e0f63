"""Whether a host is the one that it is taken for: its key, by the known_hosts files that OpenSSH would look into.

Those of the ssh config: UserKnownHostsFile, GlobalKnownHostsFile, HostKeyAlias, HashKnownHosts, StrictHostKeyChecking.
What is unknown is written down in the first of them (`accept-new`), or refused (`strict`); see ssh_config(5).
"""

import fcntl
import logging
import os
import re
import shlex
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import paramiko
from fabric import Connection
from paramiko.ssh_exception import SSHException

from .known_hosts import REVOKED, Entry, KeyRefused, KnownHosts, is_known, spelled, types

log = logging.getLogger(__name__)

STRICT = "strict"
USER_FILES = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
GLOBAL_FILES = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
# By which signatures a host may prove that it has a key of that type, where these are called otherwise (RFC 8332).
ALGORITHMS = {"ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"]}
# What StrictHostKeyChecking may say, and whether a key that is not known is refused. Nobody is asked here.
WAYS = {"yes": True, "true": True, "accept-new": False, "ask": False, "no": False, "off": False, "false": False}
TOKEN = re.compile(r"%(.)|\$\{(\w+)\}", re.DOTALL)


class HostKeyError(SSHException):
    """The key of a host was refused; the message says why."""


@attrs.frozen
class HostKeyRule:
    """How the key of one host is to be checked: by which name, in which files.

    The `host` as a config spells it; the key that is known by `without_port` is right as well, if not known by `name`.
    """

    host: str
    name: str
    without_port: str
    user_files: tuple[str, ...]
    global_files: tuple[str, ...]
    is_strict: bool
    is_hashed: bool


def rule_of(connection: Connection, mode: str | None) -> HostKeyRule:
    """What the ssh config says of a connection; `mode` wins. ValueError where it cannot be understood, or followed."""
    where = connection.original_host
    for unknown in ("RevokedHostKeys", "KnownHostsCommand"):
        if _word(connection, unknown) not in ("", "none"):
            raise ValueError(f"{where}: {unknown} of the ssh config cannot be followed here; use @revoked, known_hosts")
    alias = _word(connection, "HostKeyAlias").lower()
    said = _word(connection, "StrictHostKeyChecking").lower() or "ask"
    if said not in WAYS:
        raise ValueError(f"{where}: StrictHostKeyChecking {said} of the ssh config: there is {', '.join(WAYS)}")
    name = alias or spelled(connection.host, connection.port)
    return HostKeyRule(
        host=where,
        name=name,
        # As ssh does where a port is not known: "checking without port identifier".
        without_port=name if alias else connection.host.lower(),
        user_files=_files(connection, "UserKnownHostsFile", USER_FILES),
        global_files=_files(connection, "GlobalKnownHostsFile", GLOBAL_FILES),
        is_strict=WAYS[said] if mode is None else mode == STRICT,
        is_hashed=_word(connection, "HashKnownHosts").lower() in ("yes", "true"),
    )


def _words(connection: Connection, name: str, text: str) -> list[str]:
    """The words of a setting of the ssh config, without what is behind `#`."""
    try:
        return shlex.split(text, comments=True)
    except ValueError as error:
        where = f"{connection.original_host}: {name} {text!r} of the ssh config"
        raise ValueError(f"{where}: cannot be understood: {str(error).lower()}") from error


def _word(connection: Connection, name: str) -> str:
    text = connection.ssh_config.get(name.lower(), "")
    words = _words(connection, name, text)
    if len(words) > 1:
        raise ValueError(f"{connection.original_host}: {name} {text!r} of the ssh config: must be one word")
    return words[0] if words else ""


def _files(connection: Connection, name: str, usual: str) -> tuple[str, ...]:
    text = connection.ssh_config.get(name.lower(), usual)
    home = str(Path.home())
    tokens = {"%": "%", "d": home, "h": connection.host, "n": connection.original_host, "p": str(connection.port)}
    alias = connection.ssh_config.get("hostkeyalias", connection.host)
    tokens |= {"r": connection.user, "u": os.environ.get("USER", ""), "k": alias}

    def value(match: re.Match[str]) -> str:
        token, variable = match.groups()
        try:
            return tokens[token] if token else os.environ[variable]
        except KeyError as error:
            where = f"{connection.original_host}: {name} {text!r} of the ssh config"
            raise ValueError(f"{where}: cannot be understood: {match[0]}") from error

    # paramiko takes quotes away that are around all of it.
    is_quoted = '" "' in text or os.path.isfile(os.path.expanduser(text))  # noqa: PTH111, PTH113 - as below
    words = _words(connection, name, f'"{text}"' if is_quoted else text)
    paths = [TOKEN.sub(value, word) for word in words if word.lower() != "none"]
    return tuple(os.path.expanduser(path) for path in paths)  # noqa: PTH111 - that of a Path fails for no such user


class HostKeys:
    """The known_hosts files, each set of them read once, for all connections of a group; from any thread.

    With the `mode` STRICT, no unknown key is taken; with another, all are; with none, the ssh config says.
    """

    def __init__(self, mode: str | None) -> None:
        self._mode = mode
        self._known: dict[tuple[str, ...], KnownHosts] = {}
        self._lock = threading.Lock()

    def guard(self, connection: Connection) -> None:
        """Have the key of the host checked whenever `connection` is opened, and of each gateway before it.

        ValueError where the ssh config cannot be understood.
        """
        while isinstance(connection, Connection):
            check = rule_of(connection, self._mode)
            connection.client.set_missing_host_key_policy(_Policy(self, check))
            transport = partial(
                self._transport, connection.connect_kwargs.get("transport_factory", paramiko.Transport), check
            )
            # Not into those that are there, which are of all gateways.
            connection.connect_kwargs = {**connection.connect_kwargs, "transport_factory": transport}
            connection = connection.gateway

    def _transport(
        self, factory: Callable[..., paramiko.Transport], check: HostKeyRule, *args: Any, **kwargs: Any
    ) -> paramiko.Transport:
        """A transport that asks for a key of a type that is known, if the host has several."""
        transport = factory(*args, **kwargs)
        with self._lock:
            entries = self._entries(check, check.name) or self._entries(check, check.without_port)
        known = {name for type_ in types(entries) for name in ALGORITHMS.get(type_, [type_])}
        options = transport.get_security_options()
        plain = [each for each in options.key_types if "-cert-" not in each]
        options.key_types = sorted(plain, key=lambda each: each not in known)
        return transport

    def verify(self, check: HostKeyRule, key: paramiko.PKey) -> None:
        """Return if `key` is the right one, or is new and has been written down. Else HostKeyError."""
        try:
            with self._lock:
                without_port = self._entries(check, check.without_port)
                revoked = [entry for entry in without_port if entry.marker == REVOKED]
                if not is_known([*self._entries(check, check.name), *revoked], key.asbytes()) and not any(
                    entry.key == key.asbytes() for entry in without_port if not entry.marker
                ):
                    self._take(check, key)
        except KeyRefused as error:
            raise HostKeyError(f"its key, {key.get_name()} {key.fingerprint}, {error}") from error

    def _entries(self, check: HostKeyRule, name: str) -> list[Entry]:
        files = check.user_files + check.global_files
        if files not in self._known:
            self._known[files] = KnownHosts((file, _text(file)) for file in files)
        return self._known[files].of(name)

    def _take(self, check: HostKeyRule, key: paramiko.PKey) -> None:
        """Write down a new key."""
        if check.is_strict:
            raise KeyRefused(
                f"is in none of {', '.join(check.user_files + check.global_files)}; add it, if it is right"
            )
        if not check.user_files:
            raise KeyRefused(
                "is new, and UserKnownHostsFile names no file to write it to; name one, or add it yourself"
            )
        name, file = check.name, check.user_files[0]
        shown = paramiko.HostKeys.hash_host(name) if check.is_hashed else name
        line = f"{shown} {key.get_name()} {key.get_base64()}\n"
        try:
            _append(Path(file), line)
        except OSError as error:
            raise KeyRefused(
                f"is new, and cannot be written to {file}: {(error.strerror or str(error)).lower()}"
            ) from error
        log.warning("%s: its key is new: %s %s, now in %s", check.host, key.get_name(), key.fingerprint, file)
        self._known.clear()  # it is read again, when it is needed


class _Policy(paramiko.MissingHostKeyPolicy):
    """Asked by paramiko, which has no keys of its own here, each time."""

    def __init__(self, keys: HostKeys, check: HostKeyRule) -> None:
        self._keys, self._check = keys, check

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        self._keys.verify(self._check, key)


def _text(file: str) -> str:
    """What is in a file; nothing, where there is none, as for ssh."""
    try:
        return Path(file).read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise HostKeyError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}") from error


def _append(path: Path, line: str) -> None:
    """Add a line to a file, which only its owner may write to; it and its folder are made if need be."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # others of this program may run
        if path.is_file() and file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(line.encode("utf-8", "surrogateescape"))
