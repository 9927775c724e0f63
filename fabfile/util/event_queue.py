"""`EventQueue`: events that many threads put in, and that one thread takes out and runs; and timers."""

import functools
import queue
import threading
from collections.abc import Callable

import attrs

from .clock import Clock

Event = Callable[[], None]


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
