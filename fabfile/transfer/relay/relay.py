"""The relay of one sync, which the threads of all hosts share: who has which batch, and who is lost, stuck or too slow.

A host first joins with the batches that it wants, and waits until the others have joined, too. Late hosts join behind
these.
"""

import contextlib
import threading
from collections.abc import Collection, Iterable, Iterator

import attrs

from rr_config.component import LOCALHOST
from rr_config.hosts.natural_order import natural_key

from ...util.clock import Clock
from .tree import Key, Lines

# Seconds to wait for hosts that compare files for longer than most others do.
JOIN_SECONDS = 5
# Seconds for a batch, and seconds without progress after which another source takes over. On a slow network a batch
# gets several times as long as the first host took for it.
BATCH_SECONDS = 10
SLACK = 8
# Sources that may fail a host before it gets everything from this machine.
MOST_SOURCES = 2


@attrs.frozen
class Copy:
    """A batch as the first host has got it from this machine.

    `changed` are staged paths of files that changed here meanwhile. It took `seconds`.
    """

    sha256: str
    changed: frozenset[str]
    seconds: float

    @property
    def patience(self) -> int:
        """Return the seconds that another host may take to fetch it."""
        return int(max(BATCH_SECONDS, SLACK * self.seconds))


@attrs.frozen
class Source:
    """The place from which a host gets a batch: a host that has a `copy`, or this machine if `host` is None.

    A host without a copy will have one soon.
    """

    host: str | None = None
    copy: Copy | None = None


@attrs.define(eq=False)
class _Member:
    """A host in the relay. `address` is that of its servers, in the words of the host, and empty without any."""

    address: str
    keys: Collection[Key]
    blocked: set[str] = attrs.field(factory=set)  # sources that have failed it
    wakes: threading.Event = attrs.field(factory=threading.Event)
    begun: dict[Key, float] = attrs.field(factory=dict)
    due: dict[Key, float] = attrs.field(factory=dict)  # without progress until then, it is stuck
    copies: dict[Key, Copy] = attrs.field(factory=dict)


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
        self._members: dict[str, _Member] = {}
        self._lines: Lines | None = None
        self._numbers: dict[Key, int] = {}
        self._race = float(BATCH_SECONDS)

    def join(self, host: str, keys: Collection[Key], address: str) -> None:
        """Add a host that wants batches; return when it is known who else wants them."""
        with self._lock:
            self._members[host] = member = _Member(address, keys)
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
            member, now = self._members[host], self._clock.monotonic()
            if len(member.blocked) >= MOST_SOURCES:
                return Source()
            for name in list(self._known().sources(host, key)):
                other = self._members.get(name)
                if other is None or name in member.blocked or not (key in other.copies or key in other.keys):
                    continue
                if key in other.copies:
                    return Source(name, other.copies[key])
                if now > other.due.get(key, now):
                    self._take_out(name)  # it is stuck
                elif not self._races(host, key, other, now):
                    return Source(name)
            return Source()

    def wait(self, host: str) -> None:
        """Wait for news about sources or children of `host`, at most a second."""
        wakes = self._members[host].wakes
        wakes.wait(1)
        wakes.clear()

    def begin(self, host: str, key: Key, seconds: float = BATCH_SECONDS) -> None:
        """Note that `host` begins to get a batch, or goes on, and has no more than `seconds` for the next step."""
        member, now = self._members[host], self._clock.monotonic()
        member.begun.setdefault(key, now)
        member.due[key] = now + seconds

    def seconds(self, host: str, key: Key) -> float:
        """Return the seconds since `host` began to get a batch."""
        return self._clock.monotonic() - self._members[host].begun[key]

    def done(self, host: str, key: Key, copy: Copy | None) -> None:
        """Note that `host` has a batch. Without a `copy`, it cannot offer that."""
        with self._lock:
            member, lines = self._members[host], self._known()
            if host == lines.second(key) and (first := self._late_first(host, key)):
                self._take_out(first)
            if copy is not None:
                member.copies[key] = copy
            member.due.pop(key, None)
            member.begun.pop(key, None)
            member.keys = set(member.keys) - {key}
            self._wake([*lines.children(host, key), *lines.sources(host, key)])

    def failed(self, host: str, source: str) -> None:
        """Note that `host` could not fetch from a source."""
        with self._lock:
            self._members[host].blocked.add(source)

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
                if not any(self._lacks(child, key) for child in lines.children(host, key)):
                    del member.copies[key]
                    found.append(key)
            return found

    def is_free(self, host: str) -> bool:
        """Return whether no other host is going to fetch anything from `host`."""
        with self._lock:
            return not self._members[host].copies

    def _races(self, host: str, key: Key, first: _Member, now: float) -> bool:
        """Return whether the second host gets a batch from this machine, too, because the first one is so slow.

        Each race takes place after twice the time of the last one. So few bytes are sent twice if all hosts are slow.
        """
        if host != self._known().second(key) or now - first.begun.get(key, now) < self._race:
            return False
        self._race *= 2
        return True

    def _late_first(self, second: str, key: Key) -> str | None:
        """Return the first host in the line if the second one has a batch before it."""
        first = next(self._known().sources(second, key))
        return first if self._lacks(first, key) else None

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
