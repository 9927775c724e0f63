"""`WaitCommands`: the command `wait`, and the look at components at the end of `run`, `start` and `restart`."""

import functools
from collections.abc import Collection, Iterable

import attrs

from rr_config import Component
from rr_config.command_line.options import check_seconds
from rr_config.config import by_host
from rr_config.hosts.natural_order import in_natural_order

from ...components.wait import Ended, read_ended, wait_script
from ...remote.ask import ask
from ...remote.host import Host
from ...remote.script import DONE
from ...util.stages import Failure, StageError, in_order
from ..inspector import stage_group
from ..sessions import SessionCommands
from .wait import Wait

STOPPING = "; stopping all components"


@attrs.define
class WaitCommands(SessionCommands):
    """Waits for components. `_culprits` are those whose failure ends the wait, `_crashed` others that have failed."""

    _culprits: list[Ended] = attrs.field(init=False, factory=list, repr=False)
    _crashed: list[Ended] = attrs.field(init=False, factory=list, repr=False)

    @stage_group
    def wait(
        self, components: Iterable[Component] | None = None, timeout: float | None = None
    ) -> dict[str, list[Ended]]:
        """Wait for `components` to end, by default those with `wait`; return how each ended, by host.

        A lost connection is opened again. Raise StageError for components that did not end with 0, or not within
        `timeout` seconds, and for others that have failed meanwhile. With `options.terminate`, the other components are
        ended after that, unless the session belongs to another owner. With `options.on_exit`, all are stopped when any
        component fails, and all are waited for if none has `wait`.
        """
        if timeout is not None:
            check_seconds("timeout", timeout)
        if self.options.terminate:
            self._connect(self._fleet, "screen")
        return self._wait(components, timeout)

    def _wait(self, components: Iterable[Component] | None, timeout: float | None) -> dict[str, list[Ended]]:
        every = self.config.all_components()
        chosen = [c for c in every if c.wait] if components is None else list(components)
        if self.options.on_exit and not chosen:
            chosen = every
        self._tracker.awaited = {component.label: component for component in chosen}
        self._culprits, self._crashed = [], []
        others = [c for c in every if c.label not in self._tracker.awaited]
        terminated = others if self.options.terminate else []
        self.observer.awaits("wait", [each.label for each in in_natural_order(chosen)], timeout)
        labels = [each.label for each in in_natural_order(terminated)]
        begin_termination = functools.partial(self.observer.terminates, labels)
        wait = Wait(self._fleet, self.session, chosen, others, terminated, self._has_ended, begin_termination)
        try:
            ends = wait.ends(timeout)
            if self._culprits or self._crashed:  # among those that nobody waits for
                raise StageError("wait", self._fleet.failures, self._fleet.out, final=self._fleet.final)
        except StageError as error:
            raise self._with_crashed(error, wait.silent) from None
        finally:
            self._tracker.record_terminated(c for c in terminated if c.host in wait.terminated_hosts)
        return ends

    def _with_crashed(self, error: StageError, silent: Collection[str]) -> StageError:
        """Return `error` with components that crashed while nobody waited for them.

        If some of them are the reason to stop all (culprits), do that.
        """
        words = STOPPING if self._culprits else ""
        crashed = {}
        for ended in (*self._crashed, *self._culprits):
            crashed[ended.component.label] = ended.failure._replace(reason=f"{ended}{words}")
        others = [each for each in error.failures if each.where not in crashed]
        told = StageError("wait", in_order([*others, *crashed.values()]), error.hosts, final=error.final)
        return self._stopped(told, {*silent, *error.hosts}) if self._culprits else told

    def _has_ended(self, ended: Ended) -> bool:
        """Record that a component ended; return whether to go on waiting."""
        is_awaited = ended.component.label in self._tracker.awaited
        self._tracker.record_end(ended)
        is_culprit = self.options.on_exit is not None and ended.was_started and not ended.is_success
        if is_awaited or is_culprit or ended.is_failure:
            self.observer.ended(ended)
        if is_culprit:
            self._culprits.append(ended)
        elif ended.is_failure and not is_awaited:
            self._crashed.append(ended)
        return not self._culprits

    def _check_ends(self, components: Iterable[Component]) -> None:
        """Look once at `components`, all started. Raise StageError for those that have failed since their start."""
        own = by_host(components)

        def work(host: Host) -> list[Ended]:
            answers = iter(ask(host, wait_script(self.session, own[host.name], once=True)))
            ended = list(read_ended(own[host.name], lambda: next(answers, DONE)))
            for each in ended:
                self._tracker.record_end(each)
            return ended

        def failures(_: str, ended: list[Ended]) -> list[Failure]:
            failed = [each.failure for each in ended if each.is_failure]
            words = STOPPING if self.options.on_exit else ""
            return [each._replace(reason=f"{each.reason}{words}") for each in failed]

        self._fleet.on_all("check", work, failures, own)
