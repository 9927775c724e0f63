"""Hosts, and work on all of them at once. The only place that has connections opened.

`HostGroup` is a Fabric `ThreadingGroup` whose members may each do something else, of which only so
many work at a time, and where the failure of one is a value (`HostFailure`) beside the results of
the others. `localhost` is a host like any other, reached without SSH.
"""

import contextlib
import logging
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import attrs
import paramiko
from fabric import Config, Connection, ThreadingGroup
from paramiko.ssh_exception import SSHException

from rr_config.component import LOCALHOST

from . import shell
from .connection import connect_problem, open_connection
from .conversation import Channel, ConnectionLost, Conversation, HostError

log = logging.getLogger(__name__)

BLOCK = 1 << 16
RECONNECT_SECONDS = 60
RETRY_SECONDS = 1

T = TypeVar("T")


@attrs.frozen
class HostFailure:
    """What kept a host from doing its part."""

    host: str
    reason: str


class Host(Protocol):
    """A machine on which scripts can be run; `identity` as a conversation with it has it, once there was one."""

    name: str
    identity: bytes | None

    def channel(self, script: bytes) -> Channel:
        """Begin to run `script`, which has not been sent yet. HostError where that is impossible."""

    def close(self) -> None:
        """Let go of the connection; what waits for an answer of it gets a HostError."""


@contextlib.contextmanager
def conversation(
    host: Host, body: str, deadline: float | None = None, most_blocks: int | None = None
) -> Iterator[Conversation]:
    """Run the script `body` (see `shell.script`) on `host`, over one channel; the rest is as in `Conversation`."""
    script = shell.script(body)
    talk = Conversation(host.channel(script), script, deadline, most_blocks)
    try:
        yield talk
    finally:
        host.identity = talk.identity or host.identity
        talk.close()


def ask(host: Host, body: str) -> list[str]:
    """All that the script `body` answers on `host`."""
    with conversation(host, body) as talk:
        return list(talk.answers())


def persistently(attempt: Callable[[], T], lost: Callable[[str], None]) -> T:
    """The result of `attempt`, which is made again where the connection is lost in the middle of it.

    `lost` is told of each loss. HostError where the host cannot be reached again within RECONNECT_SECONDS, or for
    another reason than a loss.
    """
    give_up = 0.0
    while True:
        try:
            return attempt()
        except ConnectionLost as error:
            lost(str(error))
            give_up = time.monotonic() + RECONNECT_SECONDS
        except HostError:
            if time.monotonic() > give_up:
                raise
        time.sleep(RETRY_SECONDS)  # a host that is away is not to be asked all the time


class LocalHost:
    """The machine that runs this program."""

    name = LOCALHOST

    def __init__(self) -> None:
        self.identity: bytes | None = None
        self._running: list[subprocess.Popen[bytes]] = []

    def channel(self, script: bytes) -> Channel:
        """Start a shell here; see `Host`."""
        command = ["sh", "-c", shell.command(script)]
        pipe, home = subprocess.PIPE, Path.home()
        try:
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=home, start_new_session=True)
        except OSError as error:
            raise HostError(f"{error.filename}: {(error.strerror or str(error)).lower()}") from error
        self._running.append(process)
        return _LocalChannel(process)

    def close(self) -> None:
        """Kill the scripts that still run; see `Host`."""
        for process in self._running:
            process.kill()
            process.wait()


class _LocalChannel:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def send(self, data: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def receive(self) -> bytes:
        assert self._process.stdout
        block = os.read(self._process.stdout.fileno(), BLOCK)
        if not block:
            self._process.stdout.close()
        return block

    def close(self, is_over: bool) -> str:
        assert self._process.stdin and self._process.stderr
        if not is_over:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)  # its group holds what it has started, but for sessions
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        said = b"" if self._process.stderr.closed else self._process.stderr.read()
        self._process.stderr.close()
        self._process.wait()
        return said.decode(errors="replace")


class RemoteHost:
    """A host that is reached by SSH, through one connection that is opened when first needed."""

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        self.identity: bytes | None = None
        self._connection = connection
        self.channels_opened = 0

    @property
    def login(self) -> tuple[str, str, int, str]:
        """Who logs in where, and by which way."""
        return (self._connection.user, self._connection.host, self._connection.port, repr(self._connection.gateway))

    def channel(self, script: bytes) -> Channel:
        """Open a channel, and the connection before it; see `Host`."""
        open_connection(self._connection)
        try:
            channel = self._connection.create_session()
            self.channels_opened += 1
            log.debug("%s: channel %d", self.name, self.channels_opened)
            channel.exec_command(shell.command(script))
            return _RemoteChannel(channel)
        except (OSError, EOFError, SSHException) as error:
            if not self._connection.is_connected:
                raise ConnectionLost("the connection was lost") from error
            raise HostError(connect_problem(error, self._connection)) from error

    def close(self) -> None:
        """Close the connection, and those to the gateways before it; see `Host`."""
        connection = self._connection
        while isinstance(connection, Connection):
            connection.close()
            connection = connection.gateway


class _RemoteChannel:
    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel

    def send(self, data: bytes) -> None:
        # As much as goes into one packet: of more, sendall() would copy the rest for each packet.
        packet = self._channel.out_max_packet_size - 64
        with _losses_as_os_errors():
            for start in range(0, len(data), packet):
                self._channel.sendall(data[start : start + packet])

    def receive(self) -> bytes:
        with _losses_as_os_errors():
            return self._channel.recv(BLOCK)

    def close(self, is_over: bool) -> str:
        said = b""
        while self._channel.recv_stderr_ready():
            said += self._channel.recv_stderr(BLOCK)
        is_lost = not self._channel.get_transport().is_active()  # then it is of no meaning what it said before
        with contextlib.suppress(OSError), _losses_as_os_errors():  # what is lost need not be closed
            self._channel.close()
        return "" if is_lost else said.decode(errors="replace")


@contextlib.contextmanager
def _losses_as_os_errors() -> Iterator[None]:
    """Let a connection that is lost in the middle of something be an OSError, whatever paramiko says of it."""
    try:
        yield
    except (EOFError, SSHException) as error:
        raise ConnectionError(str(error)) from error


class HostGroup(ThreadingGroup):  # type: ignore[misc]  # Fabric has no types
    """The hosts of a config: one connection each, many at work at once.

    `user` logs in, but where the name of a host says who. ValueError where a name, or the ssh config for it,
    leads nowhere.
    """

    def __init__(self, names: Iterable[str], settings: Config, user: str | None = None) -> None:
        super().__init__()
        remote = [name for name in names if name != LOCALHOST]
        self.extend(_connection(name, settings, user) for name in remote)
        self.hosts: dict[str, Host] = {name: RemoteHost(name, c) for name, c in zip(remote, self, strict=True)}
        if LOCALHOST in names:
            self.hosts[LOCALHOST] = LocalHost()

    def spelled_twice(self) -> Iterator[tuple[str, str]]:
        """Pairs of names that lead to one login, by whatever ssh config says: to the same user, host and port."""
        logins = {name: host.login for name, host in self.hosts.items() if isinstance(host, RemoteHost)}
        return _pairs(logins)

    def met_twice(self) -> Iterator[tuple[str, str]]:
        """Pairs of names that have turned out to lead to one home on one machine."""
        met = {name: host.identity for name, host in self.hosts.items() if host.identity}
        # Of a machine that does not say when it was booted, nothing is known.
        return _pairs({name: identity for name, identity in met.items() if not identity.startswith(b" ")})

    def each(
        self, names: Iterable[str], work: Callable[[Host], T], at_once: int
    ) -> Iterator[tuple[str, T | HostFailure]]:
        """Do `work` on each of the hosts named, `at_once` at a time, and yield what comes of it as each one ends.

        HostError and OSError become a HostFailure; any other exception is raised here.
        """
        waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        results: queue.SimpleQueue[tuple[str, T | HostFailure | BaseException]] = queue.SimpleQueue()
        count = 0
        for name in names:
            waiting.put(name)
            count += 1

        def worker() -> None:
            while True:
                try:
                    name = waiting.get_nowait()
                except queue.Empty:
                    return
                results.put((name, _outcome(self.hosts[name], work)))

        for _ in range(min(count, at_once)):
            # Daemons, so that Ctrl-C need not wait for a host that does not answer.
            threading.Thread(target=worker, daemon=True).start()
        for _ in range(count):
            name, outcome = results.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield name, outcome

    def close(self) -> None:
        """Close all connections."""
        for host in self.hosts.values():
            host.close()


def _pairs(values: Mapping[str, Hashable]) -> Iterator[tuple[str, str]]:
    """Each name whose value another one before it has, behind the first of those."""
    first: dict[Hashable, str] = {}
    for name, value in values.items():
        other = first.setdefault(value, name)
        if other != name:
            yield other, name


def _connection(name: str, settings: Config, user: str | None) -> Connection:
    try:
        # Of its own for each: Fabric adds to it the keys that the ssh config names for a host.
        own = {key: value for key, value in settings.connect_kwargs.items() if key != "key_filename"}
        return Connection(name, user=None if "@" in name else user, config=settings, connect_kwargs=own)
    except RecursionError as error:
        raise ValueError(f"{name}: its ProxyJump, in the ssh config, leads back to itself") from error
    except ValueError as error:
        raise ValueError(f"{name}: is no host: {error}") from error


def _outcome(host: Host, work: Callable[[Host], T]) -> T | HostFailure | BaseException:
    try:
        return work(host)
    except HostError as error:
        return HostFailure(host.name, str(error))
    except OSError as error:
        return HostFailure(host.name, str(error))
    except BaseException as error:  # raised again where the results are read
        return error
