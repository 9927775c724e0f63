"""Status of components: the question to a host, and its answer. Pure; see `scripts/status.sh`.

The host decides: its launchers recorded facts, and the kernel knows the processes. CPU and memory are those of the
program and all that it has started. `scripts/members.sh` tells how these are known.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from typing import Any

import attrs

from rr_config import Component, ConfigError
from rr_config.likeness import hint

from ..remote import shell, state_dir
from ..remote.script import Script, by_word, load
from ..util.epoch import epoch_time, optional_epoch_time
from .output import logs
from .ownership import Owner

NOT_READY = "was not ready in time"
TICKS = 100  # per second, in which Linux counts CPU time on all common machines; see USER_HZ in time(7)


def _finite(_: object, __: object, value: Any) -> None:
    if value is not None and not math.isfinite(value):  # which raises OverflowError itself for too large a whole number
        raise ValueError(f"{value}: must be a finite number")


class State(StrEnum):
    """The state of a component.

    With a readiness condition, it is `starting` until it is `ready`. Without one, it is `running` once its program has
    been executed, or its daemon is found. Both states last until its end is recorded.
    """

    WAITING = "waiting"  # not started in this session
    STARTING = "starting"  # its readiness condition is not met yet, or its program or daemon does not run yet
    READY = "ready"  # runs, and its readiness condition has been met
    RUNNING = "running"  # runs, and has no readiness condition
    ENDED = "ended"  # has ended with exit status 0
    FAILED = "failed"  # ended with another exit status or by a signal, was not ready in time, or could not be started
    STOPPED = "stopped"  # ended on purpose by `stop`, `kill`, `--terminate` or `--on-exit stop`
    LOST = "lost"  # gone without a record of its end: the host was restarted, or its window was closed
    UNKNOWN = "unknown"  # the host does not answer, or cannot say

    @property
    def is_bad(self) -> bool:
        """Whether it is red, and makes a command exit with 1."""
        return self in (State.FAILED, State.LOST, State.UNKNOWN)


ENDS = frozenset({State.ENDED, State.FAILED, State.STOPPED, State.LOST})
BAD = frozenset(state for state in State if state.is_bad)


def states_named(text: str) -> frozenset[State]:
    """Return the states in a list such as `failed,lost`, the value of --state. Raise ConfigError for an unknown one."""
    given = [word.strip().lower() for word in text.split(",")]
    unknown = [word for word in given if word not in set(State)]
    if unknown:
        known = f"must be one of {', '.join(State)}"
        raise ConfigError(*(f"--state: unknown state {word!r}; {hint(word, State, known)}" for word in unknown))
    return frozenset(map(State, given))


# Why a component is lost, by the word in which the host answers; see `find_loss` in scripts/component_state.sh.
LOSSES = {
    "reboot": "the host was restarted",
    "session": "its screen session has ended",
    "window": "its window was closed, or it was killed together with its launcher",
    "gone": "its daemon has ended, with an unknown exit status",
    "none": "no daemon was found after it ended with exit status 0",
}


@attrs.frozen
class Status:
    """The status of one component.

    `exit_status` is that of sh, where 137 may stand for a signal (see `signal`). None means that there is none or that
    it is lost. `seconds` is how long it has been in its state. `cpu` is in cores: 1.0 is one core all the time.
    `memory` is in bytes. `problem` says why nothing is known, why it is lost, or that it was not ready in time. In the
    last case, its state is `failed`, and it `runs`. `last_line` is the end of its output if it is failed or lost.
    `started`, `ready` and `ended` are in seconds since 1970 by the clock of the host. `origin` is the text that
    `start.start_script` left there, if it was asked for. `survivors` is the number of its processes that still run
    although it has ended.
    """

    component: Component
    state: State
    pid: int | None = None
    exit_status: int | None = None
    seconds: int | None = None
    cpu: float | None = attrs.field(default=None, validator=_finite)
    memory: int | None = attrs.field(default=None, validator=_finite)
    problem: str | None = None
    last_line: str = ""
    runs: bool = False
    survivors: int = 0
    started: int | None = None
    ready: int | None = None
    ended: int | None = None
    origin: str | None = attrs.field(default=None, repr=False)

    @property
    def signal(self) -> str | None:
        """The name of the signal that ended it, or None."""
        return shell.signal_of(self.exit_status)

    def as_dict(self) -> dict[str, object]:
        """Return all fields under plain names, as `fab status --json` prints them."""
        own = attrs.asdict(self, recurse=False) | {"state": str(self.state), "signal": self.signal}
        del own["component"], own["origin"]
        return {"host": self.component.host, "name": self.component.name} | own


def in_states(found: Iterable[Status], states: Collection[State]) -> list[Status]:
    """Return those that are in one of `states`, and those that are unknown, because they may be in any state."""
    return [each for each in found if each.state in states or each.state is State.UNKNOWN]


def status_script(session: str, owner: Owner, components: Sequence[Component], with_origins: bool = False) -> Script:
    """Return the script that answers with the state of each component.

    It also answers with two samples, 0.3 s apart, of what their processes have used, and whether the session belongs to
    another owner (see `ownership.read_foreign`).
    """
    folders = state_dir.folders(components)
    return load("status", session=session, folders=folders, with_origins=with_origins, **owner.values(False))


def read_status(components: Sequence[Component], answers: Iterable[str]) -> list[Status]:
    """Return what `status_script` answered, in the order of `components`."""
    answered = by_word(answers)
    now, page = map(int, answered["units"][0].split(" "))
    epoch_time(now)
    samples = [_Sample(text.split(" ")) for text in answered["sample"]]
    states = dict(text.split(" ", 1) for text in answered["component"])
    origins = dict(text.split(" ", 1) for text in answered["origin"])
    outputs = dict(text.split(" ", 1) for text in answered["output"])
    found = []
    for component in components:
        folder = state_dir.folder(component.name)
        status = _status(component, states[folder].split(" "), samples, now, page)
        last_line = logs.last_line(outputs.get(folder, ""), status.exit_status) if status.state.is_bad else ""
        found.append(attrs.evolve(status, origin=origins.get(folder), last_line=last_line))
    return found


class _Sample:
    """The CPU time and memory that the processes of each component have used up to one moment."""

    def __init__(self, words: Sequence[str]) -> None:
        uptime, *processes = words
        self.seconds = float(uptime)
        self._used: dict[str, dict[int, float]] = {}  # by folder and process id
        self._pages: dict[str, int] = {}
        for process in processes:
            folder, *numbers = process.split(",")
            pid, user, system, pages = map(int, numbers)
            self._used.setdefault(folder, {})[pid] = (user + system) / TICKS
            self._pages[folder] = self._pages.get(folder, 0) + pages

    def count(self, folder: str) -> int:
        """Return the number of processes of a component."""
        return len(self._used.get(folder, {}))

    def used_since(self, before: "_Sample", folder: str) -> float:
        """Return the CPU seconds that the present processes of a component have used since `before`."""
        earlier = before._used.get(folder, {})
        return sum(used - earlier.get(pid, 0) for pid, used in self._used.get(folder, {}).items())

    def pages(self, folder: str) -> int:
        """Return the pages of memory that the processes of a component use."""
        return self._pages.get(folder, 0)


def _status(component: Component, words: Sequence[str], samples: Sequence[_Sample], now: int, page: int) -> Status:
    word, *numbers, unready, stopped, loss = words
    exit_status = shell.read_status(numbers.pop(1))
    pid, started, ended, ready = [int(n) if n else None for n in numbers]
    ready = None if component.ready is None else ready
    started, ended, ready = map(optional_epoch_time, (started, ended, ready))
    runs = word in ("running", "ending")
    is_late = unready == "late" and component.ready is not None
    if word == "ended":
        state = _end_state(exit_status, bool(stopped), bool(loss))
    else:
        state = _live_state(component, ready, is_late) if runs else State(word)
    problem = None
    if state is State.LOST:
        problem = LOSSES[loss]
    elif state is State.FAILED and is_late:
        problem = NOT_READY
    found = Status(
        component, state, pid, exit_status, problem=problem, runs=runs, started=started, ready=ready, ended=ended
    )
    return _with_usage(_lasting_until(now, found), samples, page)


def _with_usage(found: Status, samples: Sequence[_Sample], page: int) -> Status:
    """Return the status with what the processes of the component use."""
    folder = state_dir.folder(found.component.name)
    if not samples or not (found.runs or samples[-1].count(folder)):
        return found
    before, after = samples
    cpu = after.used_since(before, folder) / (after.seconds - before.seconds)
    survivors = after.count(folder) if found.state in ENDS and not found.runs else 0
    return attrs.evolve(found, cpu=cpu, memory=after.pages(folder) * page, survivors=survivors)


def _end_state(exit_status: int | None, was_stopped: bool, is_lost: bool) -> State:
    if was_stopped:
        return State.STOPPED
    if is_lost:
        return State.LOST
    return State.ENDED if exit_status == 0 else State.FAILED


def _live_state(component: Component, ready: int | None, is_late: bool) -> State:
    if component.ready is None:
        return State.RUNNING
    if ready is not None:
        return State.READY
    return State.FAILED if is_late else State.STARTING


def _lasting_until(now: int, found: Status) -> Status:
    since = found.started if found.runs or found.state is State.STARTING else found.ended
    if found.state is State.READY:
        since = found.ready
    return attrs.evolve(found, seconds=None if since is None else now - since)
