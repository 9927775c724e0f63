"""The two kinds of hosts: the machine that runs this program, and one that is reached by SSH.

Each runs scripts, for a conversation, and hands the user's terminal to a program.
"""

import contextlib
import logging
import math
import threading
import time
from collections.abc import Iterator

import paramiko
from fabric import Connection
from paramiko.ssh_exception import SSHException

from ..remote import shell
from ..remote.host import Channel
from ..remote.script import command as script_command
from ..util.clock import SYSTEM_CLOCK, Clock
from ..util.errors import ConnectionLost, HostError
from .connection import CONNECT_SECONDS, answered_within, connect_problem, open_connection

log = logging.getLogger(__name__)

BLOCK = 1 << 16
STATUS_SECONDS = 1  # sshd tells an exit status after the end of the output
# See `backlog`: about as much as goes through one connection in a second, and what does no harm.
RATE = 128 << 20
LEAST_BACKLOG = 1 << 20
# How long to wait between attempts to open a session, in seconds.
PAUSES = (0.05, 0.1, 0.2, 0.5, 1)


class SshHost:
    """A host that is reached by SSH, through one connection that is opened when first needed."""

    def __init__(
        self,
        name: str,
        connection: Connection,
        retries: int,
        most_silent: float,
        group: int,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.name = name
        self.group, self.clock = group, clock
        self.identity: bytes | None = None
        self.most_silent = most_silent
        self._retries = retries
        self._opening = threading.Lock()
        self._connection = connection
        self.channels_opened = 0
        self._round_trip = math.inf  # in seconds, as far as is known

    @property
    def login(self) -> tuple[str, str, int, str]:
        """Who logs in where, and by which way."""
        return (self._connection.user, self._connection.host, self._connection.port, repr(self._connection.gateway))

    def connect(self) -> None:
        """Open the connection; see `Host`."""
        with self._opening:  # which nobody may want any more who still tries it
            open_connection(self._connection, self._retries)

    def run(self, script: bytes) -> Channel:
        """Open a channel, and the connection before it; see `Host`."""
        with self._session() as channel:
            with self._timed(), self._answered(channel):
                channel.exec_command(script_command(script))  # a fixed text and a number  # nosec B601
            _hold_back(channel, self._round_trip)
            return _RemoteChannel(channel)

    def hand_over_terminal(self, command: str) -> int:
        """Run it in a terminal there, which this one becomes; see `Host`."""
        from .tty import begin, hand_over

        with self._session() as channel:
            with self._answered(channel):
                begin(channel, f"exec sh -c {shell.quote(command)}")
            status = hand_over(channel)
            if status < 0 and not self._connection.is_connected:
                raise ConnectionLost("the connection was lost")
            return status

    @contextlib.contextmanager
    def _session(self) -> Iterator[paramiko.Channel]:
        """A new channel; what goes wrong with it is a HostError."""
        self.connect()
        try:
            channel = self._opened()
            self.channels_opened += 1
            log.debug("%s: channel %d", self.name, self.channels_opened)
            yield channel
        except (OSError, EOFError, SSHException) as error:
            if not self._connection.is_connected:
                raise ConnectionLost("the connection was lost") from error
            raise HostError(connect_problem(error, self._connection)) from error

    def _opened(self) -> paramiko.Channel:
        """A new channel. An sshd with few sessions (MaxSessions) may not have noticed yet that the last one is over."""
        for pause in PAUSES:
            with contextlib.suppress(paramiko.ChannelException), self._timed():
                channel: paramiko.Channel = self._connection.create_session()
                return channel
            time.sleep(pause)  # until sshd has noticed
        raise HostError("opens no more sessions on one connection; is MaxSessions in its sshd_config 0?")

    def _answered(self, channel: paramiko.Channel) -> contextlib.AbstractContextManager[None]:
        return answered_within(channel, self._connection.connect_kwargs.get("channel_timeout", CONNECT_SECONDS))

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        """Time something that is one round trip, and perhaps a wait of ours: the least is nearest to it."""
        began = time.monotonic()
        yield
        self._round_trip = min(self._round_trip, time.monotonic() - began)

    def close(self) -> None:
        """Close the connection, and those to the gateways before it; see `Host`."""
        connection = self._connection
        while isinstance(connection, Connection):
            connection.close()
            connection = connection.gateway


def backlog(round_trip: float) -> int:
    """How many bytes may be on their way, or not yet read by a program there, where a round trip takes so many seconds.

    Enough for RATE.
    """
    return max(LEAST_BACKLOG, int(RATE * round_trip))


def _hold_back(channel: paramiko.Channel, round_trip: float) -> None:
    """Let no more be on its way to the other side than it takes to keep it busy.

    Of what a program there has not read yet, OpenSSH takes 2 MB, in a buffer that it copies for each packet by which
    it grows: a sync of 2,000 files to 8 hosts takes 1.6 times as long where it does. Other servers may not grant
    anew what has been read until half of all that they had granted has been: they get all that they take.
    """
    version = channel.get_transport().remote_version
    if "OpenSSH" in version and "hpn" not in version:
        with channel.lock:
            channel.out_window_size = min(channel.out_window_size, backlog(round_trip))


class _RemoteChannel:
    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel

    def set_patience(self, seconds: float) -> None:
        self._channel.settimeout(None if seconds == math.inf else seconds)

    def send(self, data: bytes) -> None:
        # As much as goes into one packet: of more, sendall() would copy the rest for each packet.
        packet = self._channel.out_max_packet_size - 64
        with _losses_as_os_errors():
            for start in range(0, len(data), packet):
                self._channel.sendall(data[start : start + packet])

    def receive(self) -> bytes:
        with _losses_as_os_errors():
            while True:
                with contextlib.suppress(TimeoutError):  # that is for what is sent
                    return self._channel.recv(BLOCK)

    def end(self) -> tuple[str, int | None]:
        self._channel.status_event.wait(STATUS_SECONDS)
        status = None if self._channel.exit_status < 0 else self._channel.exit_status
        if status is None and not self._channel.get_transport().is_active():
            return "", None  # it is of no meaning what it said before
        said = b""
        while self._channel.recv_stderr_ready():
            said += self._channel.recv_stderr(BLOCK)
        return said.decode(errors="replace"), status

    def close(self, is_over: bool) -> None:
        with contextlib.suppress(OSError), _losses_as_os_errors():  # what is lost need not be closed
            self._channel.close()


@contextlib.contextmanager
def _losses_as_os_errors() -> Iterator[None]:
    """Let a connection that is lost in the middle of something be an OSError, whatever paramiko says of it."""
    try:
        yield
    except (EOFError, SSHException) as error:
        raise ConnectionError(str(error)) from error
