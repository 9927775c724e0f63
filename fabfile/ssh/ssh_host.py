"""A host that is reached over SSH: it runs scripts, and can hand the user's terminal to a program.

`SshHost` implements the protocol `Host` of `remote.host`. `connection` opens its connection, and `tty` connects the
terminal. `local_host` is the counterpart for the local machine.
"""

import contextlib
import logging
import math
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator

import attrs
import paramiko
from fabric import Connection

from ..remote import shell
from ..remote.host import KILLED, Channel, Host
from ..util import errors, limits
from ..util.clock import SYSTEM_CLOCK, Clock
from .config.environment import session_variables
from .connection import NoAgreement, answered_within, connect_problem, open_connection
from .paramiko_patches import limit_backlog

log = logging.getLogger(__name__)

BLOCK = 1 << 16
# Bytes per second that one connection can carry, and a number of unread bytes that is harmless; see `backlog`.
RATE = 128 << 20
LEAST_BACKLOG = 1 << 20
# Seconds to wait after each failed attempt to open a session.
PAUSES = (0.05, 0.1, 0.2, 0.5, 1)


@attrs.define(eq=False)
class SshHost:
    """A host that is reached over SSH, through one connection that opens at its first use.

    If the host offers only algorithms that paramiko lacks, the host that `_by_ssh` returns takes over.
    """

    name: str
    _connection: Connection
    _retries: int
    most_silent: float
    group: int
    clock: Clock = SYSTEM_CLOCK
    _by_ssh: Callable[[], Host] | None = None
    _other: Host | None = None
    identity: bytes | None = None
    channels_opened: int = 0
    _opening: threading.Lock = attrs.field(factory=threading.Lock)
    _round_trip: float = math.inf  # seconds; the shortest one that was measured

    @property
    def login(self) -> tuple[str, str, int, str]:
        """Return the user, host, port and gateway, which identify the login."""
        return (self._connection.user, self._connection.host, self._connection.port, repr(self._connection.gateway))

    def connect(self) -> None:
        """Open the connection; see `Host`."""
        with self._opening:  # an abandoned thread may still be connecting
            if self._other is None:
                self._open()
        if self._other is not None:
            self._other.connect()

    def _open(self) -> None:
        """Open the connection, or find the host that takes over."""
        try:
            open_connection(self._connection, self._retries)
        except NoAgreement as error:
            if self._by_ssh is None or shutil.which("ssh") is None:
                raise
            log.debug("%s: ssh connects because of %s", self.name, error)
            self._other = self._by_ssh()

    def run(self, command: str) -> Channel:
        """Open the connection if necessary, and a channel on it; see `Host`."""
        self.connect()
        if self._other is not None:
            return self._other.run(command)
        with self._session() as channel:
            with self._timed(), self._answered(channel):
                channel.exec_command(command)  # only a fixed text and a number  # nosec B601
            # OpenSSH slows down with a full buffer; see `limit_backlog`. Other servers may extend the window only after
            # the program has read half of it, so they get no limit.
            version = channel.get_transport().remote_version
            if "OpenSSH" in version and "hpn" not in version:
                limit_backlog(channel, backlog(self._round_trip))
            return _RemoteChannel(channel)

    def hand_over_terminal(self, command: str) -> int:
        """Run `command` in a terminal on the host, and connect the local terminal to it; see `Host`."""
        self.connect()
        if self._other is not None:
            return self._other.hand_over_terminal(command)
        from .tty import begin, hand_over

        with self._session() as channel:
            with self._answered(channel):
                begin(channel, f"exec sh -c {shell.quote(command)}")
            status = hand_over(channel)
            if status < 0 and not self._connection.is_connected:
                raise errors.ConnectionLost("the connection was lost")
            return status

    @contextlib.contextmanager
    def _session(self) -> Iterator[paramiko.Channel]:
        """Yield a new channel; turn its errors into HostError, or ConnectionLost if the connection is gone."""
        try:
            channel = self._open_channel()
            self.channels_opened += 1
            log.debug("%s: channel %d", self.name, self.channels_opened)
            for name, value in session_variables(self._connection.ssh_config).items():  # these want no reply
                channel.set_environment_variable(name, os.fsencode(value))
            yield channel
        except (OSError, EOFError, paramiko.SSHException) as error:
            if not self._connection.is_connected:
                raise errors.ConnectionLost("the connection was lost") from error
            raise errors.HostError(connect_problem(error, self._connection)) from error

    def _open_channel(self) -> paramiko.Channel:
        """Return a new channel. Raise HostError if sshd refuses it again and again.

        An sshd with a low MaxSessions may not yet have noticed the end of the previous session.
        """
        for pause in PAUSES:
            with contextlib.suppress(paramiko.ChannelException), self._timed():
                channel: paramiko.Channel = self._connection.create_session()
                return channel
            time.sleep(pause)
        raise errors.HostError("refused a session on the open connection; check MaxSessions in sshd_config of the host")

    def _answered(self, channel: paramiko.Channel) -> contextlib.AbstractContextManager[None]:
        return answered_within(channel, self._connection.connect_kwargs.get("channel_timeout", limits.CONNECT_SECONDS))

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        """Measure one round trip. Keep the minimum, because a measurement may include a local delay."""
        began = time.monotonic()
        yield
        self._round_trip = min(self._round_trip, time.monotonic() - began)

    def close(self) -> None:
        """Close the connection and those of its gateways; see `Host`."""
        if self._other is not None:
            self._other.close()
        connection = self._connection
        while isinstance(connection, Connection):
            connection.close()
            connection = connection.gateway


def backlog(round_trip: float) -> int:
    """Return how many bytes may be in flight, or unread by the remote program, to reach RATE.

    `round_trip` is in seconds.
    """
    return max(LEAST_BACKLOG, int(RATE * round_trip))


class _RemoteChannel:
    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel

    def set_patience(self, seconds: float) -> None:
        self._channel.settimeout(None if seconds == math.inf else seconds)

    def send(self, data: bytes) -> None:
        # One packet at a time: given more, sendall() copies the whole rest for each packet.
        packet = self._channel.out_max_packet_size - 64
        with _losses_as_os_errors():
            for start in range(0, len(data), packet):
                self._channel.sendall(data[start : start + packet])

    def receive(self) -> bytes:
        with _losses_as_os_errors():
            while True:
                with contextlib.suppress(TimeoutError):  # the timeout of the channel is meant for send()
                    return self._channel.recv(BLOCK)

    def end(self) -> tuple[str, int | None]:
        self._channel.status_event.wait(limits.STATUS_SECONDS)
        status = KILLED if self._channel.exit_status < 0 else self._channel.exit_status
        if status == KILLED and not self._channel.get_transport().is_active():
            return "", None  # earlier stderr does not explain a lost connection
        said, count = b"", 0
        while self._channel.recv_stderr_ready() and count < limits.MOST_STDERR:
            block = self._channel.recv_stderr(BLOCK)
            count += len(block)
            said = (said + block)[-limits.MOST_SAID :]
        return said.decode(errors="replace"), status

    def close(self, is_over: bool) -> None:
        with contextlib.suppress(OSError), _losses_as_os_errors():  # a lost connection needs no close
            self._channel.close()


@contextlib.contextmanager
def _losses_as_os_errors() -> Iterator[None]:
    """Turn paramiko's errors about a lost connection into ConnectionError, a subclass of OSError."""
    try:
        yield
    except (EOFError, paramiko.SSHException) as error:
        raise ConnectionError(str(error)) from error
