"""`HostWait`: the state of the wait on one host."""

from concurrent.futures import Future
from enum import Enum, auto

import attrs

from rr_config import Component

from ..components.wait import Ended
from ..remote.conversation import Conversation


class Phase(Enum):
    """The state of the wait on one host."""

    CONNECTING = auto()  # it has not been reached yet
    WAITING = auto()  # it has been reached, and reports what ends
    LEAVING = auto()  # nothing more is expected of it; it may finish until a timer drops it
    OVER = auto()  # its outcome is known


@attrs.define
class HostWait:
    """The wait on one host.

    `unreported` are the components that have not ended, by label, as far as the host has reported; only the thread that
    talks to the host uses it. Everything else belongs to the thread that reads the events. `awaited` are labels of
    components that the wait waits for, and `ends` says how they ended.
    """

    name: str
    unreported: dict[str, Component]
    awaited: dict[str, Component]
    phase: Phase = Phase.CONNECTING
    was_reached: bool = False
    talk: Conversation | None = None
    ends: list[Ended] = attrs.field(factory=list)
    outcome: Future[list[Ended]] = attrs.field(factory=Future)

    @property
    def is_wanted(self) -> bool:
        return self.phase in (Phase.CONNECTING, Phase.WAITING)
