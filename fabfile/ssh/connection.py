"""How a connection to a host is opened, quickly, and why one cannot be."""

import contextlib
import errno
import itertools
import logging
import math
import random
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import paramiko
from fabric import Config, Connection
from paramiko.common import cMSG_GLOBAL_REQUEST
from paramiko.ssh_exception import AuthenticationException, NoValidConnectionsError, SSHException

from ..util.errors import HostError
from .config import complete
from .host_keys import HostKeyError

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10
STEPS = ("timeout", "banner_timeout", "auth_timeout", "channel_timeout")
# What the ssh config calls ServerAliveInterval and ServerAliveCountMax, where it does not say them.
ALIVE_SECONDS, ALIVE_TIMES = 15, 3
# A peer that leaves what we sent unacknowledged for that long is gone (tcp(7), TCP_USER_TIMEOUT).
UNACKNOWLEDGED_MS = 60_000
RETRIES_OF_DROPPED = 8  # of which half may be dropped again, one host in 500 is not reached
DROPPED = "hung up at once, again and again; is its sshd too busy (MaxStartups), or none at all?"
MOST_BEFORE_LOGIN = 1 << 18
MOST_IN_A_PACKET = 1 << 18  # RFC 4253, 6.1, asks for 35,000 bytes; ours are 32 KB
MOST_SECONDS_APART = 30
MOST_SECONDS_APART_DROPPED = 4


def connection_settings(settings: Config, password: str | None = None) -> Config:
    """A copy of Fabric's `settings` with the timeouts of this program, and `password` for logins and keys.

    ValueError where the ssh config cannot be read.
    """
    own = settings.clone()
    complete(own)
    kwargs: dict[str, Any] = dict(own.connect_kwargs)
    seconds = kwargs.get("timeout") or own.timeouts.connect or CONNECT_SECONDS
    own.timeouts.connect = None  # Fabric refuses to be told twice
    for name in STEPS:
        kwargs.setdefault(name, seconds)
    kwargs.setdefault("transport_factory", FastTransport)
    if password is not None:
        kwargs |= {"password": password, "passphrase": password}
    own.connect_kwargs = kwargs
    return own


def take_timeout(connection: Connection) -> None:
    """Let ConnectTimeout of the ssh config count, for each step, unless another time was given; for gateways, too."""
    while isinstance(connection, Connection):
        seconds, connection.connect_timeout = connection.connect_timeout, None  # Fabric refuses to be told twice
        if seconds and connection.connect_kwargs.get("timeout") == CONNECT_SECONDS:
            connection.connect_kwargs = {**connection.connect_kwargs, **dict.fromkeys(STEPS, seconds)}
        connection = connection.gateway


class WatchedSocket:
    """What a transport talks over: a socket, the channel of a gateway, or a ProxyCommand; not waited for in vain.

    Of a small packet behind another, the kernel lets only the first go until it has been acknowledged, which
    the other side puts off for 40 ms. That happens four times before a first command runs: in our packets,
    unless TCP_NODELAY is set, and in those of sshd, which sets it later, unless we acknowledge at once.
    A peer that has said nothing for `most_silent` seconds is gone, and one that says more than `most_received` bytes
    is none: OSError.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._is_socket = isinstance(sock, socket.socket)
        self._heard = time.monotonic()
        self.most_silent = math.inf
        self.most_received: float = MOST_BEFORE_LOGIN
        if self._is_socket:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)

    def recv(self, size: int) -> bytes:
        """As `socket.recv`; what was received is acknowledged at once."""
        try:
            data: bytes = self._sock.recv(size)
        except TimeoutError:
            self._check_silence()
            raise
        self._heard = time.monotonic()
        self.most_received -= len(data)
        if self.most_received < 0:
            raise OSError(errno.EPROTO, "no SSH server says as much before a login")
        if self._is_socket:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # the kernel forgets it, tcp(7)
        return data

    def send(self, data: bytes) -> int:
        """As `socket.send`."""
        try:
            return int(self._sock.send(data))
        except TimeoutError:
            self._check_silence()
            raise

    def _check_silence(self) -> None:  # ten times a second: paramiko has the socket wait no longer
        silent = time.monotonic() - self._heard
        if silent > self.most_silent:
            raise OSError(errno.ECONNABORTED, f"nothing was heard for {silent:.0f} s")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class FastTransport(paramiko.Transport):
    """paramiko's, but that it does not wait in vain, and prefers the ciphers that cost least: those with a MAC."""

    _preferred_ciphers = sorted(paramiko.Transport._preferred_ciphers, key=lambda name: "gcm" not in name)  # type: ignore[attr-defined]

    def __init__(self, sock: Any, **kwargs: Any) -> None:
        self._line = WatchedSocket(sock)
        super().__init__(self._line, **kwargs)  # type: ignore[arg-type]  # all that a socket has
        read_all = self.packetizer.read_all

        def read_packet(size: int, check_rekey: bool = False) -> bytes:
            if size > MOST_IN_A_PACKET:  # paramiko would take in up to 4 GB
                raise OSError(errno.EPROTO, f"a packet of {size:,} bytes is none of SSH")
            return bytes(read_all(size, check_rekey))

        self.packetizer.read_all = read_packet  # type: ignore[method-assign, assignment]

    def watch(self, interval: float, times: int) -> None:
        """Ask the peer for a sign of life after each `interval` seconds, in which nothing is sent; it may miss so many.

        paramiko's own `set_keepalive` asks for no answer.
        """
        self._line.most_silent = interval * (times + 1)
        self._line.most_received = math.inf
        question = paramiko.Message()
        question.add_byte(cMSG_GLOBAL_REQUEST)
        question.add_string("keepalive@openssh.com")
        question.add_boolean(True)

        def ask() -> None:
            if (
                self.clear_to_send.is_set()
            ):  # else keys are being exchanged, and to wait for that here would be for ever
                self._send_user_message(question)  # type: ignore[attr-defined]

        self.packetizer.set_keepalive(interval, ask)


def open_connection(connection: Connection, retries: int = 0) -> None:
    """Open a connection, after those to the gateways before it. HostError says why one cannot be opened.

    Tries again, after a while, where sshd dropped it for being too busy; where the host cannot be reached for
    another reason, so many times as `retries` says.
    """
    if isinstance(connection.gateway, Connection):
        try:
            open_connection(connection.gateway, retries)
        except HostError as error:
            raise HostError(f"its gateway {connection.gateway.original_host}: {error}") from error
    _leave_out_missing_keys(connection)
    for attempt in itertools.count():
        try:
            connection.open()
            break
        except (OSError, EOFError, SSHException, UnicodeError) as error:
            most = max(retries, RETRIES_OF_DROPPED) if _was_dropped(error) else retries
            if attempt >= most or _is_final(error):
                problem = connect_problem(error, connection)
                connection.client.close()  # where a key is refused, paramiko leaves it open
                raise HostError(problem) from error
            log.debug("%s: %s, trying again", connection.host, error)
            connection.client.close()
            most = MOST_SECONDS_APART_DROPPED if _was_dropped(error) else MOST_SECONDS_APART
            time.sleep(random.uniform(0, min(2**attempt / 2, most)))  # sshd drops at random, MaxStartups
    alive = [connection.ssh_config.get(f"serveralive{name}", "") for name in ("interval", "countmax")]
    interval, times = (int(word) if word.isdigit() else 0 for word in alive)
    connection.transport.watch(interval or ALIVE_SECONDS, times or ALIVE_TIMES)


@contextlib.contextmanager
def answered_within(channel: paramiko.Channel, seconds: float) -> Iterator[None]:
    """Give up requests on `channel` that are not answered in time: HostError. (paramiko waits for ever.)"""
    is_answered = is_late = False
    lock = threading.Lock()

    def give_up() -> None:
        nonlocal is_late
        with lock:
            is_late = not is_answered
        if is_late:
            with contextlib.suppress(OSError, EOFError, SSHException):  # what is lost need not be closed
                channel.close()

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except SSHException as error:
        if is_late:
            raise HostError(f"is connected, but has run no command within {seconds:g} s") from error
        raise
    finally:
        timer.cancel()
        with lock:
            is_answered = True
    if is_late:  # at the very moment
        raise HostError(f"is connected, but has run no command within {seconds:g} s")


def _leave_out_missing_keys(connection: Connection) -> None:
    """Use those keys only that are there: an IdentityFile may be missing, says ssh_config(5)."""
    keys = key_files(connection.connect_kwargs)
    if keys:
        connection.connect_kwargs["key_filename"] = [str(key) for key in keys if key.exists()]


def key_files(connect_kwargs: Mapping[str, Any]) -> list[Path]:
    """The files of the keys that are to be tried."""
    given = connect_kwargs.get("key_filename") or []
    return [Path(key).expanduser() for key in ([given] if isinstance(given, str) else given)]


def _is_final(error: Exception) -> bool:
    """Whether the host, or somebody in its place, has answered, and trying again would not help."""
    no_key = "No authentication methods" in str(error) or "No existing session" in str(error)
    return isinstance(error, AuthenticationException | HostKeyError | UnicodeError) or no_key


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
    if isinstance(error, HostKeyError):
        return str(error)
    if isinstance(error, socket.gaierror | UnicodeError):  # a name that cannot even be asked for
        return f"the host name {connection.host} is not known; is it spelled right, or missing in ~/.ssh/config?"
    if isinstance(error, paramiko.PasswordRequiredException):
        return "the SSH key has a passphrase; give it with --prompt-for-passphrase"
    if isinstance(error, AuthenticationException) or "No authentication methods" in str(error):
        return f"login as {connection.user} was refused; is there a key or a password for it?"
    if _was_silent(error, connection) or "Timeout opening channel" in str(error):
        return f"{where} does not answer"
    if "No existing session" in str(error):  # paramiko's words where sshd has hung up in the middle of the login
        return f"login as {connection.user} was refused, perhaps since too many keys were tried"
    if isinstance(error, paramiko.ChannelException) and connection.gateway:
        return f"{where} cannot be reached from its gateway: {error.text.lower()}"
    if _is_no_ssh(error, connection):
        return f"{where}: {DROPPED if _was_dropped(error) else 'no SSH server answers there; is it the right port?'}"
    causes = error.errors.values() if isinstance(error, NoValidConnectionsError) else [error]
    if all(isinstance(cause, OSError) for cause in causes):
        return f"{where}: {'; '.join(sorted({_words(cause) for cause in causes}))}"
    return f"{where}: {str(error) or 'the connection was lost'}"


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
