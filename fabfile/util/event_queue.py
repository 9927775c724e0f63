"""Events that many threads put in.

One thread takes them out of an `EventQueue` and runs them; it has timers, too. A `Batch` hands on what comes together.
"""

import functools
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import attrs

from .clock import SYSTEM_CLOCK, Clock
from .daemons import start_daemon

Event = Callable[[], None]
T = TypeVar("T")


@attrs.define
class EventQueue:
    """Events in the order in which they came. Any thread may `put`. One thread calls `next` and
    `set_timer`; another may set timers before that thread begins.
    """

    clock: Clock
    _events: queue.SimpleQueue[Event] = attrs.field(init=False, factory=queue.SimpleQueue)
    _timers: list[tuple[float, Event]] = attrs.field(init=False, factory=list)

    def put(self, event: Callable[..., None], *values: object) -> None:
        """Add an event: a call of `event` with these values."""
        self._events.put(functools.partial(event, *values))

    def set_timer(self, seconds: float, event: Callable[..., None], *values: object) -> None:
        """Let `next` return this event after that time."""
        self._timers.append((self.clock.monotonic() + seconds, functools.partial(event, *values)))

    def next(self) -> Event:
        """Wait for the next event or timer, and return it."""
        if not self._timers:
            return self._events.get()
        timer = min(self._timers, key=lambda each: each[0])
        seconds = timer[0] - self.clock.monotonic()
        if seconds > 0:
            try:
                return self._events.get(timeout=min(seconds, threading.TIMEOUT_MAX))
            except queue.Empty:
                pass
        self._timers.remove(timer)
        return timer[1]


@attrs.define
class Batch(Generic[T]):
    """Values that many threads put in. They are handed on together, in any of these cases:

    - No value has come for `quiet` seconds.
    - The first of them has waited for `most` seconds.
    - A thread calls `flush`.
    """

    hand_on: Callable[[list[T]], None]
    quiet: float
    most: float
    _values: list[T] = attrs.field(init=False, factory=list)
    _first: float = attrs.field(init=False, default=0)
    _last: float = attrs.field(init=False, default=0)
    _lock: threading.RLock = attrs.field(init=False, factory=threading.RLock)

    def put(self, value: T) -> None:
        """Add a value."""
        with self._lock:
            self._last = SYSTEM_CLOCK.monotonic()
            self._values.append(value)
            if len(self._values) == 1:
                self._first = self._last
                start_daemon(self._watch, self._first)

    def flush(self) -> None:
        """Hand on all values now. Return when this is done, also if another thread does it."""
        with self._lock:
            values, self._values = self._values, []
            if values:
                self.hand_on(values)

    def _watch(self, first: float) -> None:
        """Flush the values that began with the one put in at the time `first`."""
        while True:
            with self._lock:
                seconds = min(self._last + self.quiet, first + self.most) - SYSTEM_CLOCK.monotonic()
                if not self._values or self._first != first:
                    return
                if seconds <= 0:
                    self.flush()
                    return
            SYSTEM_CLOCK.sleep(seconds)
