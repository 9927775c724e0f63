"""How a connection to a host is opened, quickly, and why one cannot be."""

import logging
import random
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import paramiko
from fabric import Config, Connection
from paramiko.ssh_exception import AuthenticationException, NoValidConnectionsError, SSHException

from .conversation import HostError
from .sshconfig import index

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10
KEEPALIVE_SECONDS = 15
# A peer that leaves what we sent unacknowledged for that long is gone (tcp(7), TCP_USER_TIMEOUT).
UNACKNOWLEDGED_MS = 60_000
CONNECT_ATTEMPTS = 4


def connection_settings(settings: Config, password: str | None = None) -> Config:
    """A copy of Fabric's `settings` with the timeouts of this program, and `password` for logins and keys."""
    own = settings.clone()
    index(own)
    kwargs: dict[str, Any] = dict(own.connect_kwargs)
    seconds = kwargs.get("timeout") or own.timeouts.connect or CONNECT_SECONDS
    kwargs.setdefault("timeout", seconds)
    own.timeouts.connect = None  # Fabric refuses to be told twice
    for name in ("banner_timeout", "auth_timeout", "channel_timeout"):
        kwargs.setdefault(name, seconds)
    kwargs.setdefault("transport_factory", FastTransport)
    if password is not None:
        kwargs |= {"password": password, "passphrase": password}
    own.connect_kwargs = kwargs
    return own


class PromptSocket(socket.socket):
    """A TCP socket on which neither side waits for the other's acknowledgements: see `FastTransport`."""

    def __init__(self, taken: socket.socket) -> None:
        super().__init__(taken.family, taken.type, taken.proto, taken.detach())
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)

    def recv(self, *arguments: int) -> bytes:
        """As `socket.recv`; what was received is acknowledged at once."""
        data = super().recv(*arguments)
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # the kernel forgets it, tcp(7)
        return data


class FastTransport(paramiko.Transport):
    """paramiko's, but that it does not wait, and prefers the ciphers that cost least: those with their own MAC.

    Of a small packet behind another, the kernel lets only the first go until it has been acknowledged, which
    the other side puts off for 40 ms. That happens four times before a first command runs: in our packets,
    unless TCP_NODELAY is set, and in those of sshd, which sets it later, unless we acknowledge at once.
    """

    _preferred_ciphers = sorted(paramiko.Transport._preferred_ciphers, key=lambda name: "gcm" not in name)  # type: ignore[attr-defined]

    def __init__(self, sock: Any, **kwargs: Any) -> None:
        # Another kind of sock is the channel of a gateway, or a ProxyCommand.
        super().__init__(PromptSocket(sock) if isinstance(sock, socket.socket) else sock, **kwargs)


def open_connection(connection: Connection) -> None:
    """Open a connection, after those to the gateways before it. HostError says why one cannot be opened.

    Tries again, after a while, where sshd dropped it for being too busy.
    """
    if isinstance(connection.gateway, Connection):
        try:
            open_connection(connection.gateway)
        except HostError as error:
            raise HostError(f"its gateway {connection.gateway.original_host}: {error}") from error
    _leave_out_missing_keys(connection)
    for attempt in range(1, CONNECT_ATTEMPTS + 1):
        try:
            connection.open()
            break
        except (OSError, EOFError, SSHException, UnicodeError) as error:
            if attempt == CONNECT_ATTEMPTS or not _was_dropped(error):
                raise HostError(connect_problem(error, connection)) from error
            log.debug("%s: dropped (%s), trying again", connection.host, error)
            time.sleep(random.uniform(0, 2**attempt / 4))  # sshd(8) drops at random, MaxStartups
    connection.transport.set_keepalive(KEEPALIVE_SECONDS)


def _leave_out_missing_keys(connection: Connection) -> None:
    """Use those keys only that are there: an IdentityFile may be missing, says ssh_config(5)."""
    keys = key_files(connection.connect_kwargs)
    if keys:
        connection.connect_kwargs["key_filename"] = [str(key) for key in keys if key.exists()]


def key_files(connect_kwargs: Mapping[str, Any]) -> list[Path]:
    """The files of the keys that are to be tried."""
    given = connect_kwargs.get("key_filename") or []
    return [Path(key).expanduser() for key in ([given] if isinstance(given, str) else given)]


def _was_dropped(error: Exception) -> bool:
    """Whether the other end let go before it had asked who we are, as a busy sshd does."""
    if isinstance(error, AuthenticationException | NoValidConnectionsError | TimeoutError | socket.gaierror):
        return False
    dropped = ConnectionResetError | EOFError  # as such, or in the middle of reading the other's banner
    return isinstance(error, dropped) or isinstance(error.__context__, dropped)


def _was_silent(error: Exception, connection: Connection) -> bool:
    """Whether time ran out: for the connection, for the banner, or before the keys were agreed upon."""
    transport = connection.client.get_transport()
    is_agreeing = transport is not None and transport.is_active() and not transport.initial_kex_done
    return is_agreeing or isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


def _is_no_ssh(error: Exception, connection: Connection) -> bool:
    """Whether something else than an SSH server took the connection."""
    transport = connection.client.get_transport()
    return isinstance(error, SSHException) and transport is not None and not transport.remote_version


def connect_problem(error: Exception, connection: Connection) -> str:
    """Why `connection` could not be opened, and what can be done, in one line."""
    where = f"{connection.host} port {connection.port}"
    if isinstance(error, socket.gaierror | UnicodeError):  # a name that cannot even be asked for
        return f"the host name {connection.host} is not known; is it spelled right, or missing in ~/.ssh/config?"
    if isinstance(error, paramiko.PasswordRequiredException):
        return "the SSH key has a passphrase; give it with --prompt-for-passphrase"
    if isinstance(error, AuthenticationException) or "No authentication methods" in str(error):
        return f"login as {connection.user} was refused; is there a key or a password for it?"
    if _was_silent(error, connection):
        return f"{where} does not answer"
    if "No existing session" in str(error):  # paramiko's words where sshd has hung up in the middle of the login
        return f"login as {connection.user} was refused, perhaps since too many keys were tried"
    if isinstance(error, paramiko.ChannelException) and connection.gateway:
        return f"{where} cannot be reached from its gateway: {error.text.lower()}"
    if _is_no_ssh(error, connection):
        return f"{where}: no SSH server answers there; is it the right port?"
    causes = error.errors.values() if isinstance(error, NoValidConnectionsError) else [error]
    if all(isinstance(cause, OSError) for cause in causes):
        return f"{where}: {'; '.join(sorted({_words(cause) for cause in causes}))}"
    return f"{where}: {str(error) or 'the connection was lost'}"


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
