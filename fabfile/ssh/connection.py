"""Open SSH connections quickly, retry if that helps, and explain a failure.

`host_group` creates the connections, and `ssh_host` opens them. `config` reads the ssh config, and `host_keys` checks
the keys of hosts.
"""

import contextlib
import itertools
import logging
import random
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import paramiko
from fabric import Config, Connection
from paramiko.ssh_exception import AuthenticationException, IncompatiblePeer, SSHException

from rr_config.errors import os_reason

from ..util import errors, limits
from .config.read_values import number
from .config.resolver import complete
from .host_keys import HostKeyError
from .login.exchange import Expired
from .login.report import LoginRefused
from .login.strategy import Login
from .network.errors import Unreachable
from .paramiko_patches import FastTransport

log = logging.getLogger(__name__)

STEPS = ("timeout", "banner_timeout", "auth_timeout", "channel_timeout")
RETRIES_OF_DROPPED = 8  # even if sshd drops half of all attempts, only one host in 500 is not reached
DROPPED = "connection closed before the login, repeatedly; is sshd too busy (MaxStartups), or no SSH server there?"
MOST_SECONDS_APART = 30
MOST_SECONDS_APART_DROPPED = 4


class NoAgreement(errors.HostError):
    """The host, or a gateway, offers no algorithm that the ssh config allows and paramiko knows. ssh knows more."""


def connection_settings(settings: Config, password: str | None = None) -> Config:
    """Return a copy of Fabric's `settings` with the timeouts of this program, and `password` for logins and keys.

    Raise ValueError if the ssh config cannot be read.
    """
    own = complete(settings)
    kwargs: dict[str, Any] = dict(own.connect_kwargs)
    seconds = connect_seconds(own)
    own.timeouts.connect = None  # Fabric refuses a timeout that connect_kwargs contain, too
    for name in STEPS:
        kwargs.setdefault(name, seconds)
    kwargs.setdefault("transport_factory", FastTransport)
    own.authentication.identities = [str(key) for key in key_files(kwargs)]
    if password is not None:
        kwargs |= {"password": password, "passphrase": password}
    own.connect_kwargs = kwargs
    return own


def connect_seconds(settings: Config) -> float:
    """Return the timeout of each step of connecting. ConnectTimeout of the ssh config may change it for a host."""
    return settings.connect_kwargs.get("timeout") or settings.timeouts.connect or limits.CONNECT_SECONDS


def take_timeout(connection: Connection) -> None:
    """Apply ConnectTimeout of the ssh config to each step of connecting, also for gateways.

    A timeout in `connect_kwargs` other than CONNECT_SECONDS wins.
    """
    while isinstance(connection, Connection):
        seconds, connection.connect_timeout = connection.connect_timeout, None  # as in connection_settings
        if seconds and connection.connect_kwargs.get("timeout") == limits.CONNECT_SECONDS:
            connection.connect_kwargs = {**connection.connect_kwargs, **dict.fromkeys(STEPS, seconds)}
        connection = connection.gateway


def open_connection(connection: Connection, retries: int = 0) -> None:
    """Open `connection`, its gateways first. Raise HostError with the reason if one cannot be opened.

    Retry after a random pause: at least RETRIES_OF_DROPPED times if a busy sshd dropped the connection, and `retries`
    times after another failure. Do not retry an error that is certain to come again, for example a refused login.
    """
    if isinstance(connection.gateway, Connection):
        try:
            open_connection(connection.gateway, retries)
        except errors.HostError as error:
            raise type(error)(f"gateway {connection.gateway.original_host}: {error}") from error
    if "auth_strategy" not in connection.connect_kwargs:  # it keeps what was typed for the host
        connection.connect_kwargs = {**connection.connect_kwargs, "auth_strategy": Login(connection)}
    for attempt in itertools.count():
        try:
            _open(connection)
            break
        except (OSError, EOFError, SSHException, UnicodeError) as error:
            problem = connect_problem(error, connection)
            connection.client.close()  # paramiko leaves it open after a refused key
            was_dropped = _was_dropped(error)
            most = max(retries, RETRIES_OF_DROPPED) if was_dropped else retries
            if attempt >= most or _is_final(error):
                kind = NoAgreement if isinstance(error, IncompatiblePeer) else errors.HostError
                raise kind(problem) from error
            log.debug("%s: %s; retrying", connection.host, error)
            longest = MOST_SECONDS_APART_DROPPED if was_dropped else MOST_SECONDS_APART
            # A random pause spreads the attempts: MaxStartups of sshd limits concurrent logins.
            time.sleep(random.uniform(0, min(2**attempt / 2, longest)))
    interval = number(connection.ssh_config, "ServerAliveInterval", 0) or limits.ALIVE_SECONDS
    times = number(connection.ssh_config, "ServerAliveCountMax", 0) or limits.ALIVE_TIMES
    connection.transport.watch(interval, times)


def _open(connection: Connection) -> None:
    """Open `connection`; again, if the host did not wait until it was its turn to ask the user."""
    while True:
        try:
            connection.open()
            return
        except Expired:
            connection.client.close()


@contextlib.contextmanager
def answered_within(channel: paramiko.Channel, seconds: float) -> Iterator[None]:
    """Close `channel` and raise HostError if the peer does not answer a request on it within `seconds`.

    paramiko itself has no timeout for such a request.
    """
    is_answered = is_late = False
    lock = threading.Lock()
    problem = f"timed out: the login worked, but no command ran within {seconds:g} s; check the load of the host"

    def give_up() -> None:
        nonlocal is_late
        with lock:
            is_late = not is_answered
        if is_late:
            with contextlib.suppress(OSError, EOFError, SSHException):  # a lost connection needs no close
                channel.close()

    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except SSHException as error:
        if is_late:
            raise errors.HostError(problem) from error
        raise
    finally:
        timer.cancel()
        with lock:
            is_answered = True
    if is_late:  # the answer arrived while the timer closed the channel
        raise errors.HostError(problem)


def key_files(connect_kwargs: Mapping[str, Any]) -> list[Path]:
    """Return the paths of the private keys to try."""
    given = connect_kwargs.get("key_filename") or []
    if isinstance(given, str):
        given = [given]
    return [Path(key).expanduser() for key in given]


def _is_final(error: Exception) -> bool:
    """Return whether a retry cannot help, because the host, or an impostor, has answered."""
    no_key = "No authentication methods" in str(error) or "No existing session" in str(error)
    return isinstance(error, AuthenticationException | HostKeyError | IncompatiblePeer | UnicodeError) or no_key


def _was_dropped(error: Exception) -> bool:
    """Return whether the peer closed the connection before the login, as a busy sshd does."""
    if isinstance(error, Unreachable):
        return error.is_dropped
    if isinstance(error, AuthenticationException | TimeoutError | socket.gaierror):
        return False
    dropped = ConnectionResetError | EOFError  # raised directly, or while paramiko read the banner
    return isinstance(error, dropped) or isinstance(error.__context__, dropped)


def _was_silent(error: Exception, connection: Connection) -> bool:
    """Return whether a timeout expired while connecting, reading the banner or exchanging keys."""
    transport = connection.client.get_transport()
    is_agreeing = transport is not None and transport.is_active() and not transport.initial_kex_done
    return is_agreeing or isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


def _is_no_ssh(error: Exception, connection: Connection) -> bool:
    """Return whether something other than an SSH server accepted the connection."""
    transport = connection.client.get_transport()
    return isinstance(error, SSHException) and transport is not None and not transport.remote_version


def connect_problem(error: Exception, connection: Connection) -> str:
    """Return in one line why `connection` could not be opened, and what the user can do."""
    where = f"{connection.host} port {connection.port}"
    if isinstance(error, HostKeyError | LoginRefused):
        return str(error)
    if isinstance(error, Unreachable):
        return f"{where}: {error.described(connection.host)}"
    if isinstance(error, socket.gaierror | UnicodeError):  # UnicodeError: invalid as a name in DNS
        return f"unknown host name {connection.host}; check the spelling, or add it to ~/.ssh/config"
    if isinstance(error, AuthenticationException) or "No authentication methods" in str(error):
        return f"permission denied for user {connection.user}; check its keys, or use --prompt-for-login-password"
    if _was_silent(error, connection) or "Timeout opening channel" in str(error):
        return f"{where}: timed out; check the host and the network, or raise --connect-timeout"
    if "No existing session" in str(error):  # paramiko's message if sshd hangs up during the login
        return f"permission denied for user {connection.user}; ssh may have tried too many keys"
    if isinstance(error, paramiko.ChannelException) and connection.gateway:
        return f"{where}: its gateway cannot connect: {error.text.lower()}"
    if _is_no_ssh(error, connection):
        return f"{where}: {DROPPED if _was_dropped(error) else 'no SSH server answers; check the port'}"
    return f"{where}: {_reason(error)}"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return os_reason(error).lower()
    return str(error) or "the connection was lost"
