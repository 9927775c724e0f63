"""What lasts: waiting for components to end, and following their output, over one conversation a host.

A connection that is lost meanwhile is taken up again. What is said on it, `waiting` and `output` say.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from rr_config import Component

from . import shell, state, waiting
from .conversation import Conversation, OutOfTime
from .fleet import Fleet, by_host
from .hosts import Host, conversation, persistently
from .output import Reader, logs_script, read_logs
from .waiting import Ended, NotEnded


@attrs.define
class Ends:
    """How the components that were waited for have ended, by host; `terminate` ends the others."""

    by_host: dict[str, list[Ended | NotEnded]]
    _fleet: Fleet
    _talks: dict[str, Conversation]

    def all(self) -> list[Ended | NotEnded]:
        """Those of all hosts."""
        return [each for ends in self.by_host.values() for each in ends]

    def terminate(self) -> None:
        """End the others, by the conversations that are there. StageError as of any stage."""

        def work(host: Host) -> None:
            talk = self._talks[host.name]
            talk.deadline = None  # it was for what has ended by now
            talk.send(waiting.TERMINATE_ORDER)
            list(talk.answers())

        self._fleet.on_all("terminate", work, hosts=self._talks)


@contextlib.contextmanager
def ends(
    fleet: Fleet,
    session: str,
    awaited: Iterable[Component],
    others: Iterable[Component],
    deadline: float | None,
    tell: Callable[[Ended], None],
) -> Iterator[Ends]:
    """Wait until all `awaited` have ended, or it is `deadline`; `others` can be terminated within the context.

    `tell` is called for each end as it is known, from threads of their own.
    """
    awaited_by_host, others_by_host = by_host(awaited), by_host(others)
    hosts = {*awaited_by_host, *others_by_host}
    talks: dict[str, Conversation] = {}

    def work(host: Host) -> list[Ended | NotEnded]:
        pending = list(awaited_by_host.get(host.name, []))
        ended: list[Ended | NotEnded] = []

        def attempt() -> None:
            script = waiting.wait_script(session, pending, others_by_host.get(host.name, []))
            talk = talks[host.name] = talks_end.enter_context(conversation(host, script, deadline))
            for each in waiting.read_ended(tuple(pending), talk.answer):
                pending.remove(each.component)
                tell(each)
                ended.append(each)

        try:
            persistently(attempt, fleet.lost("wait", host.name))
        except OutOfTime:
            ended += map(NotEnded, pending)
        return ended

    with contextlib.ExitStack() as talks_end:
        yield Ends(fleet.on_all("wait", work, hosts=hosts, parallel=len(hosts)) if hosts else {}, fleet, talks)


def output(fleet: Fleet, session: str, components: Sequence[Component], lines: int | None, follow: bool) -> None:
    """Tell the fleet's observer what the components have put out; if it is to `follow`, without end."""
    wanted = by_host(components)

    def work(host: Host) -> None:
        readers = {state.folder(component.name): Reader(component) for component in wanted[host.name]}

        def attempt() -> None:
            is_first = not any(reader.position for reader in readers.values())
            script = logs_script(session, list(readers.values()), lines if is_first else None, follow)
            with conversation(host, script) as talk:
                for record in iter(talk.raw_answer, shell.DONE.encode()):
                    for component, line in read_logs(readers, record):
                        fleet.observer.output(component, line)

        persistently(attempt, fleet.lost("logs", host.name))
        for reader in readers.values():
            for line in reader.end():
                fleet.observer.output(reader.component, line)

    fleet.on_all("logs", work, hosts=wanted, parallel=len(wanted) if follow else None)
