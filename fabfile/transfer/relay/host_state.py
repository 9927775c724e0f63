"""The state of one host in a relay: the batches that it wants, gets and offers, and whether it is slow."""

import threading
from collections import defaultdict
from collections.abc import Collection

import attrs

from .tree import Key

# Seconds for a batch, seconds without progress, and seconds of delay in sum, after which another source takes over.
# On a slow network a batch gets several times as long as the first host took for it.
BATCH_SECONDS = 10
SLACK = 8
# The second host gets a batch from this machine, too, when the first one has taken part for so many seconds, and again
# after three times as many. So few bytes are sent twice if all hosts are slow.
RACE_SECONDS = 10


@attrs.frozen
class Copy:
    """A batch as the first host has got it from this machine.

    `changed` are staged paths of files that changed here meanwhile.
    """

    sha256: str
    changed: frozenset[str]


@attrs.frozen
class Source:
    """The place from which a host gets a batch: a host that has a `copy`, or this machine if `host` is None.

    A host without a copy will have one soon.
    """

    host: str | None = None
    copy: Copy | None = None


@attrs.define(eq=False)
class HostState:
    """A host in the relay. `address` is the line `ADDRESS PORT...` of its servers, or empty if it has none.

    `late` are the seconds by which batches from each source were late in sum. `races` are the batches that it gets to
    find out whether the first host, their value, is too slow. `since` is the time at which its first batch began.
    """

    address: str
    keys: Collection[Key]
    blocked: set[str] = attrs.field(factory=set)  # sources that have failed it
    wakes: threading.Event = attrs.field(factory=threading.Event)
    begun: dict[Key, float] = attrs.field(factory=dict)
    due: dict[Key, float] = attrs.field(factory=dict)  # without progress until then, it is stuck
    copies: dict[Key, Copy] = attrs.field(factory=dict)
    fetches: set[tuple[str, Key]] = attrs.field(factory=set)  # from it, by host
    late: dict[str | None, float] = attrs.field(factory=lambda: defaultdict(float))
    races: dict[Key, str] = attrs.field(factory=dict)
    since: float | None = None
    next_race: float = RACE_SECONDS  # seconds after `since`

    def begin(self, key: Key, now: float, seconds: float) -> None:
        """Note that the host begins to get a batch, or goes on, and has no more than `seconds` for the next step."""
        self.since = self.since or now
        self.begun.setdefault(key, now)
        self.due[key] = now + seconds

    def end(self, key: Key) -> None:
        """Note that the host has got a batch, or has failed to get it."""
        self.begun.pop(key, None)
        self.due.pop(key, None)

    def lateness(self, key: Key, now: float, pace: float | None) -> float:
        """Return the seconds by which the host is late with a batch for which the first host took `pace` seconds."""
        if pace is None or key not in self.begun:
            return 0
        return max(0, now - self.begun[key] - SLACK * pace)
