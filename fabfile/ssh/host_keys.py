"""Check the keys of hosts against the known_hosts files that OpenSSH would read, and in the same way.

`trust` holds the rule of a host, which the ssh config sets, certificates, and revoked keys. `known_hosts` parses the
files. A new key is added to the first user file, unless the rule is strict.
"""

import fcntl
import ipaddress
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import paramiko
from fabric import Connection

from rr_config.errors import os_reason

from .algorithms import CERTIFIED, key_type
from .known_hosts import CERTIFIER, Entry, KeyDoubtful, KeyRefused, KnownHosts, check_revoked, is_known
from .paramiko_patches import FastTransport
from .trust.rule import HostKeyRule, Policy, rule_of

log = logging.getLogger(__name__)

RSA = "ssh-rsa"


class HostKeyError(paramiko.SSHException):
    """The key of a host was refused; the message says why."""


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
            factory = connection.connect_kwargs.get("transport_factory", FastTransport)
            transport = partial(self._transport, factory, rule)
            # A new dict, because gateways share the old one.
            connection.connect_kwargs = {**connection.connect_kwargs, "transport_factory": transport}
            connection = connection.gateway

    def _transport(
        self, factory: Callable[..., FastTransport], rule: HostKeyRule, *args: Any, **kwargs: Any
    ) -> FastTransport:
        """Return a transport with the algorithms of the rule; it prefers key types with a known key, as ssh does."""
        transport = factory(*args, **kwargs)
        try:
            with self._lock:
                entries = self._entries(rule, rule.name)
            entries = [*entries, *_printed(rule, "ORDER")]
        except KeyRefused as error:
            transport.sock.close()
            raise HostKeyError(f"host key {error}") from error
        types = {entry.type for entry in entries if not entry.marker}
        is_certified = any(entry.marker == CERTIFIER for entry in entries)

        def is_preferred(algorithm: str) -> bool:
            return key_type(algorithm) in types or (is_certified and algorithm.endswith(CERTIFIED))

        rule.allowed.apply(transport, is_preferred)
        return transport

    def verify(self, rule: HostKeyRule, key: paramiko.PKey, transport: FastTransport) -> None:
        """Return if `key` is known, or new and added to a file. Raise HostKeyError otherwise."""
        try:
            _check_size(rule, key)
            if rule.trusts_loopback and _is_loopback(transport):
                return
            printed = _printed(rule, "HOSTNAME", key)
            with self._lock:
                self._verify(rule, key, printed)
        except KeyDoubtful as error:
            if rule.policy is not Policy.OFF:
                raise HostKeyError(_described(key, error)) from error
            transport.are_passwords_refused = True
            log.warning(
                "%s: %s; no password is sent, as StrictHostKeyChecking no says", rule.host, _described(key, error)
            )
        except KeyRefused as error:
            raise HostKeyError(_described(key, error)) from error

    def _verify(self, rule: HostKeyRule, key: paramiko.PKey, printed: list[Entry]) -> None:
        entries = [*self._entries(rule, rule.name), *printed]
        without_port = self._entries(rule, rule.without_port)
        certificate = key.public_blob.key_blob if key.public_blob else None
        _check_revoked(rule, key, certificate, [*entries, *without_port])  # without a port, it counts for all ports
        certifiers = [entry for entry in [*entries, *without_port] if entry.marker == CERTIFIER]
        problem = _certificate_problem(rule, certificate, certifiers)
        if problem is None:
            return
        # A certificate that does not count leaves the key in it, as in ssh.
        if not rule.allowed.allows_key(key.get_name()):
            raise KeyRefused(problem or "has a type that HostKeyAlgorithms of the ssh config does not allow")
        if is_known(entries, key.asbytes()) or any(entry.key == key.asbytes() for entry in without_port):
            return
        if problem and rule.policy in (Policy.ASK, Policy.STRICT):
            raise KeyRefused(f"{problem}; add the key itself to {certifiers[0].file} if you trust it")
        self._known.clear()  # another program may have added it meanwhile, for example ssh as a ProxyCommand
        if not is_known(self._entries(rule, rule.name), key.asbytes()):
            self._add(rule, key)

    def _entries(self, rule: HostKeyRule, name: str) -> list[Entry]:
        files = rule.user_files + rule.global_files
        if files not in self._known:
            self._known[files] = KnownHosts((file, _text(file)) for file in files)
        return self._known[files].of(name)

    def _add(self, rule: HostKeyRule, key: paramiko.PKey) -> None:
        """Add a new key to the first user file. Raise KeyRefused if that is forbidden.

        If it fails, the key is accepted with a warning, as in ssh.
        """
        if rule.policy is Policy.STRICT:
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
            why = os_reason(error).lower()
            log.warning("%s: cannot add %s %s to %s: %s", rule.host, key.get_name(), key.fingerprint, file, why)
            return
        log.warning("%s: added new host key %s %s to %s", rule.host, key.get_name(), key.fingerprint, file)
        self._known.clear()  # the next check reads the files again


class _Policy(paramiko.MissingHostKeyPolicy):
    """The hook for unknown keys. paramiko calls it for every key, because it has no known keys of its own here."""

    def __init__(self, keys: HostKeys, rule: HostKeyRule) -> None:
        self._keys, self._rule = keys, rule

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        transport = client.get_transport()
        assert isinstance(transport, FastTransport)
        self._keys.verify(self._rule, key, transport)


def _described(key: paramiko.PKey, error: KeyRefused) -> str:
    return f"host key {key.get_name()} {key.fingerprint} {error}"


def _printed(rule: HostKeyRule, invocation: str, key: paramiko.PKey | None = None) -> list[Entry]:
    """Return the entries that KnownHostsCommand prints for the host."""
    if not rule.known_hosts_command:
        return []
    from .trust.commands import known_hosts  # most hosts need no command

    text = known_hosts(rule, invocation, key)
    return KnownHosts([(f"KnownHostsCommand {rule.known_hosts_command!r}", text)]).of(rule.name)


def _check_size(rule: HostKeyRule, key: paramiko.PKey) -> None:
    """Raise KeyRefused if an RSA key is shorter than RequiredRSASize."""
    bits, least = key.get_bits(), rule.least_rsa_bits
    if key.get_name() == RSA and bits < least:
        raise KeyRefused(f"has {bits} bits; RequiredRSASize {least} of the ssh config forbids it")


def _check_revoked(rule: HostKeyRule, key: paramiko.PKey, certificate: bytes | None, entries: Sequence[Entry]) -> None:
    """Raise KeyRefused if the key, its certificate, or the key that has signed this one is revoked."""
    keys = [key.asbytes()]
    if certificate is not None:
        from .trust.certificates import authority_of  # most hosts have no certificate

        keys += [certificate, authority_of(certificate)]
    if rule.revoked_files:
        from .trust import revocation

        revocation.check(rule.revoked_files, certificate or key.asbytes(), keys)
    check_revoked(entries, keys)


def _certificate_problem(rule: HostKeyRule, blob: bytes | None, certifiers: list[Entry]) -> str | None:
    """Return None if a certificate of the host counts, or why not. Empty if none is expected."""
    if blob is None:
        return f"needs a certificate by {certifiers[0]}, and the host has none" if certifiers else ""
    from .trust import certificates

    authority = certificates.authority_of(blob)
    if not any(entry.key == authority for entry in certifiers):
        return f"has a certificate by another authority than {certifiers[0]}" if certifiers else ""
    try:
        certificates.check(blob, rule.certified, time.time(), rule.ca_algorithms)
    except certificates.InvalidCertificate as error:
        return f"has a certificate that {error}"
    return None


def _is_loopback(transport: FastTransport) -> bool:
    """Return whether the connection leads to this machine, as far as the socket shows."""
    sock: Any = transport.sock  # a WatchedSocket
    if not sock.is_socket:  # a gateway or a ProxyCommand
        return False
    return sock.family != socket.AF_UNIX and ipaddress.ip_address(sock.getpeername()[0].partition("%")[0]).is_loopback


def _text(file: str) -> str:
    """Return the text of a file. A file that cannot be read is empty, as in ssh."""
    try:
        return Path(file).read_text("utf-8", "surrogateescape")
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            log.warning("cannot read %s: %s", file, os_reason(error).lower())
        return ""


def _append(path: Path, line: str) -> None:
    """Append a line to a file. Create a missing file or folder so that only its owner has access."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # other processes of this program may append at the same time
        if path.is_file() and file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(line.encode("utf-8", "surrogateescape"))
