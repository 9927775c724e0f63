"""The relay of one sync, which the threads of all hosts share: who has which batch, and who is lost, stuck or too slow.

A host first joins with the batches that it wants, and waits until the others have joined, too. Late hosts join behind
these.
"""

import contextlib
import threading
from collections.abc import Collection, Iterable, Iterator

from rr_config.component import LOCALHOST
from rr_config.hosts.natural_order import natural_key

from ...util.clock import Clock
from .host_state import BATCH_SECONDS, SLACK, Copy, HostState, Source
from .tree import Key, Lines

# Seconds to wait for hosts that compare files for longer than most others do.
JOIN_SECONDS = 5
# Sources that may fail a host before it gets everything from this machine.
MOST_SOURCES = 2


class Relay:
    """The relay of a sync of these hosts; localhost takes no part. All methods are thread-safe."""

    def __init__(self, hosts: Iterable[str], clock: Clock) -> None:
        from .credentials import make_credentials  # few commands need it, and loading it takes as long as many run

        self.credentials = make_credentials()
        self._clock = clock
        self._lock = threading.Condition()
        self._expected = set(hosts) - {LOCALHOST}
        self._quorum = len(self._expected) / 2
        self._began, self._closes = clock.monotonic(), 0.0
        self._members: dict[str, HostState] = {}
        self._lines: Lines | None = None
        self._numbers: dict[Key, int] = {}
        self._paces: dict[Key, float] = {}  # the seconds that the first host took for a batch

    def join(self, host: str, keys: Collection[Key], address: str) -> None:
        """Add a host that wants batches; return when it is known who else wants them."""
        with self._lock:
            self._members[host] = member = HostState(address, keys)
            for key in keys:
                self._numbers.setdefault(key, len(self._numbers))
            if self._lines is not None:
                self._lines.add(host, keys, bool(address))
                self._wake(self._members)
                return
            self._expect_no_more(host)
            while self._lines is None:
                left = self._closes - self._clock.monotonic() if self._closes else None
                if left is not None and left <= 0:
                    self._close()
                self._lock.wait(left)
            member.wakes.clear()

    def leave(self, host: str) -> None:
        """Drop a host. If it has not got all its batches, the hosts behind it move up in the lines."""
        with self._lock:
            if self._lines is None:
                self._expect_no_more(host)
            member = self._members.pop(host, None)
            for other in self._members.values():
                other.fetches = {fetch for fetch in other.fetches if fetch[0] != host}
            if member and member.keys and self._lines is not None:
                self._take_out(host)

    def name(self, key: Key) -> str:
        """Return the name of a batch on hosts."""
        return str(self._numbers[key])

    def address(self, source: str, host: str, key: Key) -> str:
        """Return address and port at which `host` reaches a source. The children of one use different servers."""
        with self._lock:
            if source not in self._members:
                return ""  # it has just left, and the fetch fails
            address, *ports = self._members[source].address.split()
            children = self._known().children(source, key)
            return f"{address} {ports[children.index(host) % len(ports) if host in children else 0]}"

    def is_shared(self, key: Key) -> bool:
        """Return whether several hosts want a batch."""
        with self._lock:
            return self._known().is_shared(key)

    def is_wanted(self, host: str, key: Key) -> bool:
        """Return whether another host is going to fetch a batch from `host`."""
        with self._lock:
            return any(self._lacks(child, key) for child in self._known().children(host, key))

    def source(self, host: str, key: Key) -> Source:
        """Return the place from which `host` gets a batch."""
        with self._lock:
            member = self._members[host]
            if len(member.blocked) >= MOST_SOURCES:
                return Source()
            for name in list(self._known().sources(host, key)):
                other = self._members.get(name)
                if other is None or name in member.blocked or not (key in other.copies or key in other.keys):
                    continue
                copy = other.copies.get(key)
                if copy is None and self._is_too_slow(other, key):
                    self._take_out(name)
                elif self._races(host, key, name):
                    return Source()
                else:
                    if copy is not None:
                        other.fetches.add((host, key))
                    return Source(name, copy)
            return Source()

    def wait(self, host: str) -> None:
        """Wait for news about sources or children of `host`, at most a second."""
        wakes = self._members[host].wakes
        wakes.wait(1)
        wakes.clear()

    def begin(self, host: str, key: Key, seconds: float = BATCH_SECONDS) -> None:
        """Note that `host` begins to get a batch, or goes on, and has no more than `seconds` for the next step."""
        self._members[host].begin(key, self._clock.monotonic(), seconds)

    def patience(self, key: Key) -> int:
        """Return the seconds in which a host may fetch a batch that another one has."""
        return int(max(BATCH_SECONDS, SLACK * self._paces[key]))

    def done(self, host: str, key: Key, copy: Copy | None, source: str | None = None) -> None:
        """Note that `host` has got a batch from a source. Without a `copy`, it cannot offer that."""
        with self._lock:
            member, lines = self._members[host], self._known()
            self._judge(host, key, source)
            self._end_fetch(host, key, source)
            if copy is not None:
                member.copies[key] = copy
            self._paces.setdefault(key, self._took(member, key))
            member.end(key)
            member.keys = set(member.keys) - {key}
            self._wake([*lines.children(host, key), *lines.sources(host, key)])

    def _judge(self, host: str, key: Key, source: str | None) -> None:
        """Let no host fetch from one that is too slow for others."""
        member = self._members[host]
        first = member.races.pop(key, None)
        if first is not None and (self._lacks(first, key) or 2 * self._took(member, key) < self._paces.get(key, 0)):
            self._take_out(first)
        member.late[source] += self._lateness(member, key)
        if member.late[source] > BATCH_SECONDS:
            if source is None:
                self._take_out(host)
            else:
                member.blocked.add(source)

    def failed(self, host: str, key: Key, source: str) -> None:
        """Note that `host` could not fetch a batch from a source."""
        with self._lock:
            member = self._members[host]
            member.blocked.add(source)
            self._end_fetch(host, key, source)
            member.end(key)

    def cannot_serve(self, host: str) -> None:
        """Note that `host` cannot offer batches."""
        with self._lock:
            self._take_out(host)

    def droppable(self, host: str) -> list[Key]:
        """Return the batches that `host` need not offer any more, each one once."""
        with self._lock:
            member, lines = self._members[host], self._known()
            found = []
            for key in list(member.copies):
                is_fetched = any(fetched == key for _, fetched in member.fetches)
                if not is_fetched and not any(self._lacks(child, key) for child in lines.children(host, key)):
                    del member.copies[key]
                    found.append(key)
            return found

    def is_free(self, host: str) -> bool:
        """Return whether no other host is going to fetch anything from `host`."""
        with self._lock:
            return not self._members[host].copies

    def _took(self, member: HostState, key: Key) -> float:
        """Return the seconds since a host began to get a batch."""
        now = self._clock.monotonic()
        return now - member.begun.get(key, now)

    def _is_too_slow(self, member: HostState, key: Key) -> bool:
        """Return whether a host gets a batch too slowly, or is stuck."""
        now = self._clock.monotonic()
        return now > member.due.get(key, now) or self._lateness(member, key) > BATCH_SECONDS

    def _lateness(self, member: HostState, key: Key) -> float:
        return member.lateness(key, self._clock.monotonic(), self._paces.get(key))

    def _races(self, host: str, key: Key, first: str) -> bool:
        """Return whether the second host gets a batch from this machine because the first one may be slow."""
        member, now = self._members[first], self._clock.monotonic()
        is_known = key in member.begun or key in member.copies
        if host != self._known().second(key) or not is_known or now - (member.since or now) < member.next_race:
            return False
        member.next_race *= 3
        self._members[host].races[key] = first
        return True

    def _end_fetch(self, host: str, key: Key, source: str | None) -> None:
        if source in self._members:
            self._members[source].fetches.discard((host, key))
            self._wake([source])

    def _lacks(self, host: str, key: Key) -> bool:
        return host in self._members and key in self._members[host].keys

    def _known(self) -> Lines:
        assert self._lines is not None  # every host has joined before
        return self._lines

    def _take_out(self, host: str) -> None:
        self._known().take_out(host)
        self._wake(self._members)

    def _wake(self, hosts: Iterable[str]) -> None:
        for host in hosts:
            if host in self._members:
                self._members[host].wakes.set()

    def _expect_no_more(self, host: str) -> None:
        self._expected.discard(host)
        now = self._clock.monotonic()
        if not self._expected:
            self._close()
        elif len(self._expected) <= self._quorum and not self._closes:
            self._closes = now + max(JOIN_SECONDS, now - self._began)
        self._lock.notify_all()

    def _close(self) -> None:
        self._lines = Lines()
        for host in sorted(self._members, key=natural_key):
            self._lines.add(host, self._members[host].keys, bool(self._members[host].address))
        self._lock.notify_all()


@contextlib.contextmanager
def taking_part(relay: Relay | None, host: str) -> Iterator[None]:
    """Let a host leave the relay at the end, also after an error."""
    try:
        yield
    finally:
        if relay is not None:
            relay.leave(host)
