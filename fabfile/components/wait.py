"""Wait for components to end on one host, and terminate others. Pure; see `scripts/wait.sh`."""

from collections.abc import Callable, Iterator, Sequence

import attrs

from rr_config import Component

from ..remote import shell, state_dir
from ..remote.script import DONE, Script, load
from ..util.stages import Failure
from ..util.text import duration
from .output import logs
from .status import LOSSES, State

TERMINATE, LEAVE = b"terminate\n", b"leave\n"
NEVER = "never"  # the status of a component that was not started
BEGUN = "begun"  # and of one whose window has not executed the program yet


@attrs.frozen
class Ended:
    """A component has ended. `status` is that of sh (see `shell.signal_of`), or None if the end is unknown.

    `was_started` is False if there was nothing to wait for. `was_stopped` if this tool ended it on purpose. `loss` is
    the reason why there is no record. `seconds` is how long it ran, if known. `last_line` is the end of the output of a
    failed program. `was_running` is False if `stop` found that it did not run, and `is_begun` if its window
    had not executed the program yet. `survivors` is the number of its processes that `stop` has ended.
    """

    component: Component
    status: int | None
    was_started: bool = True
    was_stopped: bool = False
    loss: str | None = None
    seconds: int | None = None
    last_line: str = ""
    was_running: bool = True
    is_begun: bool = False
    survivors: int = 0

    @property
    def is_success(self) -> bool:
        """Whether it ended with 0."""
        return self.status == 0

    @property
    def is_failure(self) -> bool:
        """Whether it ended by itself, and not with 0."""
        return self.was_started and not self.was_stopped and not self.is_success

    @property
    def state(self) -> State:
        """The state after that, as `status` would return it."""
        if self.is_begun:
            return State.STARTING
        if not self.was_started:
            return State.WAITING
        if self.was_stopped:
            return State.STOPPED
        if self.status is None:
            return State.LOST
        return State.ENDED if self.is_success else State.FAILED

    def __str__(self) -> str:
        """Return how it ended, in words."""
        if not self.was_started:
            return "has not been started"
        if self.status is None:
            is_lost = self.loss and not self.was_stopped
            return f"was lost: {self.loss}" if is_lost else "was stopped, and its exit status is unknown"
        by = shell.signal_of(self.status)
        how = f"was ended by {by}" if by else f"ended with exit status {self.status}"
        return how if self.seconds is None else f"{how} after {duration(self.seconds)}"

    @property
    def failure(self) -> Failure:
        """The end as a failure."""
        return Failure(self.component.label, str(self), (self.last_line,) if self.last_line else ())


@attrs.frozen
class NotEnded:
    """A component did not end in time."""

    component: Component
    is_success = False

    @property
    def failure(self) -> Failure:
        """The missing end as a failure."""
        return Failure(self.component.label, "timed out; it has not ended")


def wait_script(
    session: str, awaited: Sequence[Component], terminated: Sequence[Component] = (), once: bool = False
) -> Script:
    """Return the script that answers for each of `awaited` once it has ended. With `once`, it looks only once.

    It ends when all have and nothing is `terminated`, or on a command: TERMINATE ends the programs of `terminated`,
    LEAVE ends nothing.
    """
    pending, folders = state_dir.folders(awaited), state_dir.folders(terminated)
    return load("wait", session=session, pending=pending, folders=folders, once=once)


def read_ended(awaited: Sequence[Component], answer: Callable[[], str]) -> Iterator[Ended]:
    """Yield what `wait_script` answers, as it comes."""
    by_folder = state_dir.by_folder(awaited)
    for words in iter(answer, DONE):
        facts, _, shown = words.partition("\n")
        word, folder, status, stopped, seconds = facts.split(" ")
        number = shell.read_status(status)
        yield Ended(
            by_folder[folder],
            number,
            was_started=status != NEVER,
            was_stopped=bool(stopped),
            loss=LOSSES.get(status),
            seconds=max(int(seconds), 0) if seconds else None,
            last_line=logs.last_line(shown, number),
            was_running=word != "was",
            is_begun=status == BEGUN,
        )
