"""Hosts, and work on all of them at once. The only place that has connections opened.

`HostGroup` is a Fabric `ThreadingGroup` whose members may each do something else, of which only so
many work at a time, and where the failure of one is a value (`HostFailure`) beside the results of
the others. `localhost` is a host like any other, reached without SSH.
"""

import itertools
import logging
import queue
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

import attrs
from fabric import Config, Connection, ThreadingGroup

from rr_config import Options
from rr_config.component import LOCALHOST

from ..remote.host import Host
from ..util.clock import SYSTEM_CLOCK, Clock
from ..util.errors import HostError
from .connection import take_timeout
from .host_keys import HostKeys
from .local_host import LocalHost
from .ssh_host import SshHost

log = logging.getLogger(__name__)

GROUPS = itertools.count(1)

# What the readers of answers raise where a host answers nonsense, be it nested ever so deeply.
NONSENSE = (ValueError, LookupError, ArithmeticError, StopIteration, RecursionError)

T = TypeVar("T")


@attrs.frozen
class HostFailure:
    """What kept a host from doing its part."""

    host: str
    reason: str


class HostGroup(ThreadingGroup):  # type: ignore[misc]  # Fabric has no types
    """The hosts of a config: one connection each, many at work at once.

    `options.ssh_user` logs in, but where the name of a host says who. ValueError where a name, or the ssh config for
    it, leads nowhere.
    """

    def __init__(
        self,
        names: Iterable[str],
        settings: Config,
        options: Options | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__()
        given = options or Options()
        keys = HostKeys(given.host_keys)
        self.hosts: dict[str, Host] = {}
        group = next(GROUPS)
        for name in names:
            if name == LOCALHOST:
                self.hosts[name] = LocalHost(given.io_timeout, group, clock)
            else:
                connection = _connection(name, settings, given.ssh_user, keys)
                self.append(connection)
                self.hosts[name] = SshHost(name, connection, given.retries, given.io_timeout, group, clock)

    def spelled_twice(self) -> Iterator[tuple[str, str]]:
        """Pairs of names that lead to one login, by whatever ssh config says: to the same user, host and port."""
        logins = {name: host.login for name, host in self.hosts.items() if isinstance(host, SshHost)}
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

        HostError, OSError and NONSENSE become a HostFailure; any other exception is raised here.
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


def _connection(name: str, settings: Config, user: str | None, keys: HostKeys) -> Connection:
    try:
        # Of its own for each: Fabric adds to it the keys that the ssh config names for a host.
        own = {key: value for key, value in settings.connect_kwargs.items() if key != "key_filename"}
        connection = Connection(name, user=None if "@" in name else user, config=settings, connect_kwargs=own)
        jumps = connection.ssh_config.get("proxyjump", "")
        if "," in jumps:  # Fabric takes them from last to first
            connection.gateway = _gateway(jumps, settings)
    except RecursionError as error:
        raise ValueError(f"{name}: its ProxyJump, in the ssh config, leads back to itself") from error
    except ValueError as error:
        raise ValueError(f"{name}: is no host: {error}") from error
    keys.guard(connection)
    take_timeout(connection)
    return connection


def _gateway(jumps: str, settings: Config) -> Connection:
    """The last one of several gateways, each behind the one before it, as ssh_config(5) has them."""
    gateway = None
    for jump in jumps.split(","):
        gateway = Connection(jump.strip(), config=settings, gateway=gateway)
    return gateway


def _outcome(host: Host, work: Callable[[Host], T]) -> T | HostFailure | BaseException:
    try:
        return work(host)
    except HostError as error:
        return HostFailure(host.name, str(error))
    except OSError as error:
        return HostFailure(host.name, str(error))
    except NONSENSE as error:
        log.debug("%s: nonsense", host.name, exc_info=True)
        return HostFailure(host.name, f"answers what cannot be understood ({type(error).__name__}: {error})")
    except BaseException as error:  # raised again where the results are read
        return error
