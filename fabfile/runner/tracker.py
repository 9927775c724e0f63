"""`Tracker`: the components that a runner has started or waits for, and how they fared as far as it knows."""

from collections.abc import Iterable

import attrs

from rr_config import Component

from ..components import readiness, start, wait


@attrs.define
class Tracker:
    """Components by label. Many threads change them, but no two of them the same label."""

    starting: dict[str, Component] = attrs.field(factory=dict)
    running: dict[str, start.Started] = attrs.field(factory=dict)
    awaited: dict[str, Component] = attrs.field(factory=dict)
    succeeded: set[str] = attrs.field(factory=set)
    down: set[str] = attrs.field(factory=set)  # ended badly, or stopped by this runner

    @property
    def unknown(self) -> list[Component]:
        """Components that may still run: those being started now, and those of another command that it waited for."""
        awaited = [component for label, component in list(self.awaited.items()) if label not in self.running]
        return [*self.starting.values(), *awaited]

    def record_start(self, outcome: start.Outcome) -> None:
        """Record the outcome of a start."""
        label = outcome.component.label
        self.starting.pop(label, None)
        if isinstance(outcome, start.Started):
            self.running[label] = outcome
            self.succeeded.discard(label)
            self.down.discard(label)
        elif isinstance(outcome, readiness.BecameReady) and _is_ready_by_end(outcome.component):
            self.succeeded.add(label)

    def record_end(self, ended: wait.Ended) -> None:
        """Record that a component ended."""
        self.forget([ended.component])
        (self.succeeded if ended.is_success else self.down).add(ended.component.label)

    def record_stops(self, stopped: Iterable[wait.Ended]) -> None:
        """Record that this runner stopped components; those that did not run stay as they were."""
        for ended in stopped:
            self.forget([ended.component])
            if ended.was_started:
                self.down.add(ended.component.label)

    def forget(self, components: Iterable[Component]) -> None:
        """Forget what was known of these components."""
        for component in components:
            for known in (self.starting, self.running, self.awaited):
                known.pop(component.label, None)

    def forget_session(self, components: Iterable[Component]) -> None:
        """Forget also how these components ended: their session has been killed, and they have to run again."""
        for component in components:
            self.forget([component])
            self.succeeded.discard(component.label)
            self.down.discard(component.label)

    def unwell(self, components: Iterable[Component], failed: Iterable[str]) -> list[Component]:
        """Return those of `components` that neither run nor have succeeded, and those whose labels have `failed`."""
        well = {*self.running, *self.succeeded}.difference(failed)
        return [component for component in components if component.label not in well]


def _is_ready_by_end(component: Component) -> bool:
    return component.ready is not None and component.ready.kind == "ended"
