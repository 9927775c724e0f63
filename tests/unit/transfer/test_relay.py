"""The relay: who fetches a batch from whom, as hosts come, go, get slow and get stuck."""

import threading
from collections.abc import Collection

import attrs
import pytest

from fabfile.transfer.relay.host_state import BATCH_SECONDS, RACE_SECONDS, Copy, Source
from fabfile.transfer.relay.relay import Relay
from fabfile.transfer.relay.tree import Lines
from fabfile.util.clock import Clock

COPY = Copy("00", frozenset())
B = b"batch"


class Hand:
    """The hand of a clock, which a test moves."""

    seconds = 100.0

    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.seconds)


def joined(*hosts: str, keys: Collection[bytes] = (B,)) -> tuple[Relay, Hand]:
    """Return a relay that these hosts have joined; all want these batches."""
    hand = Hand()
    relay = Relay(hosts, hand.clock())
    threads = [threading.Thread(target=relay.join, args=(host, keys, "127.0.0.1 1 2")) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return relay, hand


def get(relay: Relay, host: str, source: str | None = None) -> None:
    """Let a host get the batch."""
    relay.begin(host, B)
    relay.done(host, B, COPY, source)


def test_each_host_has_two_children() -> None:
    hosts = [str(number) for number in range(500)]
    lines = Lines({host: [B] for host in hosts}, hosts[:300])
    parents = {host: next(lines.sources(host, B), None) for host in hosts}
    assert [host for host, parent in parents.items() if parent is None] == ["0"]
    assert max(len(lines.children(host, B)) for host in hosts) <= 3
    assert all(len(list(lines.sources(host, B))) <= 9 for host in hosts)
    assert {parent for host in hosts[300:] if (parent := parents[host])} <= set(hosts[:300])
    assert all(host in lines.children(parent, B) for host, parent in parents.items() if parent)


def test_hosts_wait_for_their_parent() -> None:
    relay, _ = joined("n1", "n2", "n10")
    assert relay.source("n1", B) == Source()
    assert relay.source("n2", B) == relay.source("n10", B) == Source("n1")
    assert relay.is_wanted("n1", B) and not relay.is_wanted("n2", B)
    get(relay, "n1")
    assert relay.source("n2", B) == Source("n1", COPY)
    assert {relay.address("n1", host, B) for host in ("n2", "n10")} == {"127.0.0.1 1", "127.0.0.1 2"}
    get(relay, "n2", "n1")
    assert relay.droppable("n1") == [] and not relay.is_free("n1")
    get(relay, "n10")
    assert relay.droppable("n1") == [B] and relay.is_free("n1")
    # One that comes late finds no copy any more at n1, and none at a host that has finished.
    relay.leave("n2")
    relay.join("n11", [B], "")
    assert relay.source("n11", B) in (Source("n10", COPY), Source())


def test_next_host_takes_the_place_of_a_lost_one() -> None:
    relay, hand = joined("n1", "n2", "n3", "n4")
    relay.begin("n1", B)
    relay.leave("n1")
    assert relay.source("n2", B) == Source() and relay.source("n3", B) == Source("n2")
    relay.begin("n2", B)
    hand.seconds += BATCH_SECONDS + 1
    assert relay.source("n3", B) == Source()  # n2 is stuck
    assert relay.source("n4", B) == Source("n3")
    assert relay.source("n2", B) == Source("n3")  # it can get the batch, but nobody waits for it


def test_failed_source_is_not_asked_again() -> None:
    relay, _ = joined("n1", "n2", "n3", "n4")
    get(relay, "n1")
    get(relay, "n2")
    assert relay.source("n4", B) == Source("n2", COPY)
    relay.begin("n4", B)
    relay.failed("n4", B, "n2")
    assert relay.source("n4", B) == Source("n1", COPY)
    relay.begin("n4", B)
    relay.failed("n4", B, "n1")
    assert relay.source("n4", B) == Source()
    assert relay.source("n3", B) == Source("n1", COPY)


def test_slow_first_host_loses_a_race() -> None:
    relay, hand = joined("n1", "n2", "n3", "n4")
    relay.begin("n1", B)
    for _ in range(RACE_SECONDS):
        assert relay.source("n2", B) == Source("n1")
        hand.seconds += 1
        relay.begin("n1", B)  # it goes on
    assert relay.source("n2", B) == Source()
    assert relay.source("n2", B) == Source("n1")  # there is one race
    assert relay.source("n3", B) == Source("n1")
    get(relay, "n2")
    assert relay.source("n3", B) == Source("n2", COPY)


@pytest.mark.parametrize("is_slow", [False, True])
def test_race_compares_the_time_for_one_batch(is_slow: bool) -> None:
    """The first host has the batch, but may have taken much longer than the second one does."""
    relay, hand = joined("n1", "n2", "n3")
    relay.begin("n1", B)
    hand.seconds += RACE_SECONDS
    get(relay, "n1")
    assert relay.source("n2", B) == Source()
    relay.begin("n2", B)
    hand.seconds += 1 if is_slow else RACE_SECONDS
    get(relay, "n2")
    assert relay.source("n3", B) == Source("n2" if is_slow else "n1", COPY)


def test_slow_host_in_the_middle_is_not_used() -> None:
    """No batch takes it long, but all take it longer than others. First the source may be the reason."""
    keys = [bytes([number]) for number in range(40)]
    relay, hand = joined("n1", "n2", "n3", "n4", keys=keys)
    sources = []
    for key in keys:
        relay.begin("n1", key)
        hand.seconds += 0.1
        relay.done("n1", key, COPY)
        sources += [relay.source("n2", key).host]
        relay.begin("n2", key)
        hand.seconds += 2
        if relay.source("n4", key) == Source("n1", COPY):
            break
        relay.done("n2", key, COPY, sources[-1])
    assert len(sources) == 19 and {*sources[-5:-1]} == {None}


def test_fetch_in_progress_keeps_the_copy() -> None:
    relay, _ = joined("n1", "n2", "n3", "n4")
    get(relay, "n1")
    get(relay, "n2", "n1")
    assert relay.source("n4", B) == Source("n2", COPY)
    relay.cannot_serve("n2")
    assert relay.droppable("n2") == [] and not relay.is_free("n2")
    get(relay, "n4", "n2")
    assert relay.droppable("n2") == [B]


@attrs.define
class Joining:
    """A host that joins in a thread of its own."""

    relay: Relay
    host: str
    thread: threading.Thread = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.thread = threading.Thread(target=self.relay.join, args=(self.host, [B], "127.0.0.1 1 2"))
        self.thread.start()


@pytest.mark.parametrize("end", ["join", "leave"])
def test_relay_begins_when_all_have_joined(end: str) -> None:
    relay = Relay(["a", "b", "c", "localhost"], Hand().clock())
    joining = [Joining(relay, "a"), Joining(relay, "b")]
    for each in joining:
        each.thread.join(0.1)
        assert each.thread.is_alive()
    getattr(relay, end)("c", *([[B], ""] if end == "join" else []))
    for each in joining:
        each.thread.join(5)
        assert not each.thread.is_alive()
    assert relay.is_shared(B)


def test_relay_does_not_wait_long_for_a_minority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fabfile.transfer.relay.relay.JOIN_SECONDS", 0.3)
    relay = Relay(["a", "b", "late"], Clock())
    joining = [Joining(relay, "a"), Joining(relay, "b")]
    for each in joining:
        each.thread.join(5)
        assert not each.thread.is_alive()
    relay.join("late", [B], "127.0.0.1 1 2")
    assert relay.source("late", B) == Source("a")
