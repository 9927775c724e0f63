"""`Tracker`: the components that a runner has started or waits for, and how they fared as far as it knows."""

from collections.abc import Collection, Iterable, Sequence

import attrs

from rr_config import Component

from ...components.readiness import BecameReady
from ...components.start import Outcome, Started
from ...components.status import State
from ...components.wait import Ended
from ...remote.shell import signal_of


@attrs.frozen
class ComponentResult:
    """The state of a component at the end of a command. `state` is None if the command did not learn it.

    `exit_status` is that of sh, `seconds` is how long it ran, and `last_line` is the end of its output if it failed.
    `problem` says why it could not be started, or was not ready.
    """

    component: Component
    state: State | None
    exit_status: int | None = None
    seconds: int | None = None
    last_line: str = ""
    problem: str | None = None

    def as_dict(self) -> dict[str, object]:
        """Return all fields under plain names, for `--json`."""
        signal = signal_of(self.exit_status)
        own = attrs.asdict(self, recurse=False) | {"state": self.state and str(self.state), "signal": signal}
        del own["component"]
        return {"host": self.component.host, "name": self.component.name} | own


@attrs.define
class Tracker:
    """Components by label. Many threads change them, but no two of them the same label."""

    starting: dict[str, Component] = attrs.field(factory=dict)
    running: dict[str, Started] = attrs.field(factory=dict)
    awaited: dict[str, Component] = attrs.field(factory=dict)
    succeeded: set[str] = attrs.field(factory=set)
    down: set[str] = attrs.field(factory=set)  # ended badly, or stopped by this runner
    ready: set[str] = attrs.field(factory=set)
    renewed: set[str] = attrs.field(factory=set)  # not started since their session was renewed
    problems: dict[str, str] = attrs.field(factory=dict)  # of components that did not start, or were not ready
    ends: dict[str, Ended] = attrs.field(factory=dict)
    seen: dict[str, State] = attrs.field(factory=dict)  # at the begin of the command, if it has looked

    @property
    def unknown(self) -> list[Component]:
        """Components that may still run: those being started now, and those of another command that it waited for."""
        awaited = [component for label, component in list(self.awaited.items()) if label not in self.running]
        return [*self.starting.values(), *awaited]

    def record_start(self, outcome: Outcome) -> None:
        """Record the outcome of a start."""
        label = outcome.component.label
        self.starting.pop(label, None)
        if isinstance(outcome, Started):
            self.running[label] = outcome
            self.ends.pop(label, None)
            self.problems.pop(label, None)
            self._discard(label)
        elif isinstance(outcome, BecameReady):
            self.ready.add(label)
            self.problems.pop(label, None)
            if _is_ready_by_end(outcome.component):
                self.succeeded.add(label)
        else:
            self.problems[label] = outcome.reason

    def record_end(self, ended: Ended) -> None:
        """Record that a component ended."""
        self.forget([ended.component])
        (self.succeeded if ended.is_success else self.down).add(ended.component.label)
        self.ends[ended.component.label] = ended

    def record_stops(self, stopped: Iterable[Ended]) -> None:
        """Record that this runner stopped components, and how those ended that did not run any more."""
        for ended in stopped:
            self.forget([ended.component])
            self.ends.setdefault(ended.component.label, ended)
            if ended.was_running:
                self.down.add(ended.component.label)

    def record_terminated(self, components: Iterable[Component]) -> None:
        """Record that this runner stopped components, without an answer how they ended."""
        for component in components:
            self.forget([component])
            self.ends.setdefault(component.label, Ended(component, None, was_stopped=True))

    def forget(self, components: Iterable[Component]) -> None:
        """Forget what was known of these components."""
        for component in components:
            for known in (self.starting, self.running, self.awaited):
                known.pop(component.label, None)

    def forget_session(self, components: Iterable[Component], is_renewed: bool) -> None:
        """Forget also how these components ended: their session has been killed, and they have to run again.

        If it `is_renewed`, none of them has been started in the new session.
        """
        for component in components:
            self.forget([component])
            self._discard(component.label)
            self.ends.pop(component.label, None)
            self.problems.pop(component.label, None)
            if is_renewed:
                self.renewed.add(component.label)

    def _discard(self, label: str) -> None:
        for known in (self.succeeded, self.down, self.ready, self.renewed):
            known.discard(label)

    def unwell(self, components: Iterable[Component], failed: Iterable[str]) -> list[Component]:
        """Return those of `components` that neither run nor have succeeded, and those whose labels have `failed`."""
        well = {*self.running, *self.succeeded}.difference(failed)
        return [component for component in components if component.label not in well]

    def results(self, components: Sequence[Component], silent: Collection[str]) -> list[ComponentResult]:
        """Return the result of each component. Those on `silent` hosts are unknown, unless they have ended."""
        return [self._result(component, component.host in silent) for component in components]

    def _result(self, component: Component, is_silent: bool) -> ComponentResult:
        label = component.label
        ended = self.ends.get(label)
        if ended is not None:
            return ComponentResult(component, ended.state, ended.status, ended.seconds, ended.last_line)
        if label in self.problems:
            return ComponentResult(component, State.FAILED, problem=self.problems[label])
        if is_silent:
            return ComponentResult(component, State.UNKNOWN)
        if label in self.succeeded:
            return ComponentResult(component, State.ENDED, 0)
        return ComponentResult(component, self._state(component))

    def _state(self, component: Component) -> State | None:
        """Return the state of a component that has not ended, on a host that answers."""
        label = component.label
        if label in self.running:
            if component.ready is None:
                return State.RUNNING
            return State.READY if label in self.ready else State.STARTING
        if label in self.starting:  # its host has refused the start, before or after that of this component
            return None
        if label in self.awaited:  # the wait has ended before the component, and has not asked if it is ready
            return State.RUNNING if component.ready is None else None
        return State.WAITING if label in self.renewed else self.seen.get(label)


def _is_ready_by_end(component: Component) -> bool:
    return component.ready is not None and component.ready.kind == "ended"
