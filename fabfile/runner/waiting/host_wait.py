"""`HostWait`: the state of the wait on one host."""

from concurrent.futures import Future
from enum import Enum, auto

import attrs

from rr_config import Component

from ...components.wait import Ended
from ...remote.conversation import Conversation


class Phase(Enum):
    """The state of the wait on one host."""

    NOT_REACHED = auto()  # it has never been reached
    WAITING = auto()  # it has been reached, and reports what ends; a lost connection does not change this
    LEAVING = auto()  # it has been asked to leave; what it reports still counts, until its connection is cut
    OVER = auto()  # its outcome is known


@attrs.define
class HostWait:
    """The wait on one host.

    `unreported` are the components whose end the host has not reported, by label. The thread that talks to the host
    removes them, and the other threads read them once that thread has ended. Only the thread that reads the events
    changes the other attributes. `awaited` are the components that the wait still waits for, by label, and `ends` says
    how the others ended. `was_reached` stays true when the phase has become LEAVING.
    """

    name: str
    unreported: dict[str, Component]
    awaited: dict[str, Component]
    phase: Phase = Phase.NOT_REACHED
    was_reached: bool = False
    talk: Conversation | None = None
    ends: list[Ended] = attrs.field(factory=list)
    outcome: Future[list[Ended]] = attrs.field(factory=Future)

    @property
    def is_wanted(self) -> bool:
        return self.phase in (Phase.NOT_REACHED, Phase.WAITING)
