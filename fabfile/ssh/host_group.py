"""The hosts of a config, and concurrent work on all of them. No other module creates connections.

`HostGroup` is a Fabric `ThreadingGroup` with three differences. Each member may do different work. A limit bounds how
many members work at the same time. The failure of one host is a value, `HostFailure`, beside the results of the others.

`ssh_host` and `local_host` hold the two kinds of hosts: `localhost` is a host like any other, reached without SSH.
"""

import itertools
import logging
import queue
import threading
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import attrs
from fabric import Config, Connection, ThreadingGroup

from rr_config import Options
from rr_config.component import LOCALHOST
from rr_config.hosts.names import HostName, parsed

from ..remote.host import Host
from ..util import daemons, errors
from ..util.clock import SYSTEM_CLOCK, Clock
from ..util.stages import TimeLimitExceeded
from .config.lookup import Login
from .config.resolver import SshConfigError, asked_for, prepare
from .connection import take_timeout
from .host_keys import HostKeys
from .local_host import LocalHost
from .network.routes import Route, own_kwargs
from .openssh.choice import AUTO, uses_openssh
from .ssh_host import SshHost

if TYPE_CHECKING:
    from .openssh.process import OpenSsh

log = logging.getLogger(__name__)

GROUPS = itertools.count(1)

# Exceptions that parsers raise if the answer of a host is invalid; RecursionError if nested too deeply.
NONSENSE = (ValueError, LookupError, ArithmeticError, StopIteration, RecursionError)

T = TypeVar("T")
Work = Callable[[Host], T]
# The first fields of a host of either transport.
Common = tuple[str, Connection, int, float, int, Clock]


@attrs.frozen
class HostFailure:
    """The reason why a host did not finish its work. `is_silent` unless the reason is the answer of its script."""

    host: str
    reason: str
    is_silent: bool = True


class HostGroup(ThreadingGroup):  # type: ignore[misc]  # Fabric has no types
    """The hosts of a config, with one connection each; many work at the same time.

    `options.ssh_user` logs in, unless the name of a host contains a user. The constructor raises ValueError if a name,
    or the ssh config for it, is invalid.
    """

    def __init__(
        self, names: Iterable[str], settings: Config, options: Options | None = None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        super().__init__()
        given = options or Options()
        keys = HostKeys(given.host_keys)
        self._openssh: OpenSsh | None = None
        self._lock = threading.Lock()
        self.hosts: dict[str, Host] = {}
        group = next(GROUPS)
        wanted = list(names)
        prepare(settings, (_login(name, given.ssh_user) for name in wanted if name != LOCALHOST))
        for name in wanted:
            if name == LOCALHOST:
                self.hosts[name] = LocalHost(given.io_timeout, group, clock)
            else:
                connection = _connection(name, settings, given.ssh_user)
                self.append(connection)
                common = (name, connection, given.retries, given.io_timeout, group, clock)
                by_ssh = partial(self._by_ssh, common, settings, given.host_keys)
                if uses_openssh(connection, given.transport):
                    self.hosts[name] = by_ssh()
                else:
                    keys.guard(connection)
                    self.hosts[name] = SshHost(*common, by_ssh if given.transport == AUTO else None)

    def _by_ssh(self, common: Common, settings: Config, host_keys: str | None) -> Host:
        """Return a host to which ssh connects. Any thread may call this."""
        from .openssh.command import login_of  # most commands need no second transport
        from .openssh.host import OpenSshHost
        from .openssh.process import OpenSsh

        with self._lock:
            self._openssh = self._openssh or OpenSsh(login_of(settings, host_keys))
        return OpenSshHost(*common, self._openssh)

    def spelled_twice(self) -> Iterator[tuple[str, str]]:
        """Yield pairs of names that the ssh config maps to the same user, host, port and gateway."""
        logins: dict[str, Hashable] = {}
        for name, host in self.hosts.items():
            if not isinstance(host, LocalHost):
                logins[name] = host.login  # type: ignore[attr-defined]  # both kinds of remote hosts have it
        return _pairs(logins)

    def met_twice(self) -> Iterator[tuple[str, str]]:
        """Yield pairs of names that turned out to lead to one home directory on one machine."""
        met = {name: host.identity for name, host in self.hosts.items() if host.identity}
        # An identity that begins with a space has no boot id, so it does not identify a machine.
        return _pairs({name: identity for name, identity in met.items() if not identity.startswith(b" ")})

    def each(
        self,
        names: Iterable[str],
        work: Work[T],
        at_once: int,
        seconds_left: Callable[[], float | None] = lambda: None,
    ) -> Iterator[tuple[str, T | HostFailure]]:
        """Call `work` for each named host, `at_once` at a time; yield each result as soon as it arrives.

        HostError, OSError and NONSENSE become a HostFailure. Any other exception is raised here. Raise
        TimeLimitExceeded when `seconds_left` reaches 0. The work goes on then, until its connections are closed.
        """
        wanted = list(names)
        waiting = iter(wanted)  # threads can share the iterator of a list
        results: queue.SimpleQueue[tuple[str, T | HostFailure | BaseException]] = queue.SimpleQueue()

        def worker() -> None:
            for name in waiting:
                results.put((name, outcome_of(self.hosts[name], work)))

        for _ in range(min(len(wanted), at_once)):
            # Daemon threads, so that the program can end while a host does not answer.
            daemons.start_daemon(worker)
        for _ in wanted:
            left = seconds_left()
            try:
                name, outcome = results.get(timeout=left and min(max(left, 0), threading.TIMEOUT_MAX))
            except queue.Empty:
                raise TimeLimitExceeded from None
            if isinstance(outcome, BaseException):
                raise outcome
            yield name, outcome

    def keep(self, names: Collection[str]) -> None:
        """Close the connections to all other hosts, and forget these hosts."""
        for name in self.hosts.keys() - names:
            self.hosts.pop(name).close()

    def close(self) -> None:
        """Close all connections."""
        for host in self.hosts.values():
            host.close()
        if self._openssh is not None:
            self._openssh.close()


def _pairs(values: Mapping[str, Hashable]) -> Iterator[tuple[str, str]]:
    """Yield (first, later) for each name whose value occurred before; `first` is the first name with that value."""
    first: dict[Hashable, str] = {}
    for name, value in values.items():
        other = first.setdefault(value, name)
        if other != name:
            yield other, name


def _login(name: str, user: str | None) -> Login:
    parts = parsed(name) or HostName(None, name, None)  # the connection reports an invalid name
    return Login(parts.host, parts.user or user, parts.port)


def _connection(name: str, settings: Config, user: str | None) -> Connection:
    try:
        own_user = None if "@" in name else user
        with asked_for(_login(name, user)):
            connection = Route(name, settings, user=own_user, connect_kwargs=own_kwargs(settings))
    except RecursionError as error:
        raise ValueError(f"{name}: ProxyJump in the ssh config forms a loop") from error
    except SshConfigError as error:
        raise ValueError(f"{name}: invalid ssh config: {error}") from error
    except ValueError as error:
        raise ValueError(f"{name}: invalid host: {error}") from error
    take_timeout(connection)
    return connection


def outcome_of(host: Host, work: Work[T]) -> T | HostFailure | BaseException:
    """Call `work`; return its result, or its exception as a value."""
    try:
        return work(host)
    except errors.ScriptFailed as error:
        return HostFailure(host.name, str(error), is_silent=False)
    except (errors.HostError, OSError) as error:
        return HostFailure(host.name, str(error))
    except NONSENSE as error:
        log.debug("%s: invalid answer", host.name, exc_info=True)
        problem = f"{type(error).__name__}: {error}"
        return HostFailure(host.name, f"invalid answer ({problem}); check that this is the right host")
    except BaseException as error:  # `each` raises it again in the thread of its caller
        return error
