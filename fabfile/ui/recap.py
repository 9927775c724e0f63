"""`Recap`: the facts at the end of a command, as one line for a person or one JSON document. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from ..components.screen import Killed, Session
from ..components.status import State
from ..diagnosis.execute import Executed
from ..runner.clean import Cleaned, Leftovers
from ..runner.waiting.tracker import ComponentResult
from ..transfer.sync import SyncResult
from ..util.stages import Failure
from ..util.text import byte_size, counted

# The states in the order of a recap: the worst first.
ORDER = (
    *(State.FAILED, State.LOST, State.UNKNOWN, State.STOPPED, State.STARTING),
    *(State.WAITING, State.READY, State.RUNNING, State.ENDED),
)
ALIVE = (State.RUNNING, State.READY, State.STARTING)
NO_SESSION = "no screen session named "  # so begins the reason of a host without a session; see scripts/screen.sh
BROKEN = (State.FAILED, State.LOST)  # there is output to look at


@attrs.frozen
class Recap:
    """The facts at the end of a command. `results` are those of its stages, by stage and host.

    `failures` are those of its StageError, and `failed_hosts` the hosts that these name. `hints` are command lines to
    go on with, by their purpose.
    """

    command: str
    exit_code: int
    seconds: float
    hosts: Sequence[str]
    components: Sequence[ComponentResult]
    results: Mapping[str, Mapping[str, Any]]
    failures: Sequence[Failure] = ()
    failed_hosts: Iterable[str] = ()
    hints: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def line(self) -> str:
        """Return the line of totals: hosts, what happened to them, and the time."""
        failed = len(set(self.failed_hosts))
        hosts = counted(len(self.hosts), "host") + (f" ({failed:,} failed)" if failed else "")
        return f"{hosts}, {self._facts()}; {self.seconds:.1f} s"

    def _facts(self) -> str:
        match self.command:
            case "sync":
                return _files(self.results.get("sync", {}).values())
            case "exec":
                return _executed(self.results.get("exec", {}).values())
            case "kill":
                return _killed(self.results.get("kill", {}).values())
            case "clean":
                return _cleaned(self.results.get("clean", {}).values())
            case "screen":
                return _sessions(self.results.get("screen", {}).values())
        return _states(self.components)

    def as_dict(self) -> dict[str, object]:
        """Return the same facts for `--json`."""
        failed = set(self.failed_hosts)
        return {
            "command": self.command,
            "exit_code": self.exit_code,
            "seconds": round(self.seconds, 3),
            "hosts": [{"host": host, "failed": host in failed, **self._facts_of(host)} for host in self.hosts],
            "components": [each.as_dict() for each in self.components],
            "failures": [each.as_dict() for each in self.failures],
            "hints": dict(self.hints),
        }

    def _facts_of(self, host: str) -> dict[str, object]:
        facts: dict[str, object] = {}
        for found in self.results.values():
            match found.get(host):
                case Killed() as killed:
                    facts |= {"killed_sessions": list(killed.sessions), "killed_components": killed.components}
                    facts["killed_processes"] = killed.processes
                case Session() as session:
                    facts |= {"session": session.id, "session_is_new": session.is_new}
                case Executed() as executed:
                    facts |= {"exit_status": executed.status, "output": executed.output}
                case Leftovers() as leftovers:
                    facts |= leftovers.as_dict()
                case Cleaned() as cleaned:
                    facts |= cleaned.as_dict()
                case SyncResult() as synced:
                    facts |= {"files": synced.files, "sent": synced.sent, "sent_bytes": synced.sent_bytes}
        return facts


def _files(results: Iterable[SyncResult]) -> str:
    found = list(results)
    sent, size = sum(each.sent for each in found), sum(each.sent_bytes for each in found)
    failed = sum(len(each.problems) for each in found)
    text = f"{counted(sum(each.files for each in found), 'file')}: {sent:,} sent ({byte_size(size)})"
    return text + (f", {failed:,} failed" if failed else "")


def _executed(results: Iterable[Executed]) -> str:
    statuses = Counter(each.status for each in results)
    return ", ".join(f"{count:,} exited with {status}" for status, count in sorted(statuses.items())) or "no answer"


def _killed(results: Iterable[Killed]) -> str:
    found = list(results)
    sessions, components = sum(len(each.sessions) for each in found), sum(each.components for each in found)
    return f"{counted(sessions, 'session')} ended, {counted(components, 'component')} stopped"


def _cleaned(results: Iterable[Cleaned]) -> str:
    found = [each.leftovers for each in results]
    if not found:
        return "nothing removed"
    sessions, files = sum(len(each.remains.sessions) for each in found), sum(each.files for each in found)
    size = byte_size(sum(each.size for each in found))
    return f"{counted(sessions, 'session')} and {counted(files, 'file')} removed ({size})"


def _sessions(results: Iterable[Session]) -> str:
    found = list(results)
    new = sum(each.is_new for each in found)
    return f"{counted(len(found), 'session')}: {new:,} new, {len(found) - new:,} existing"


def _states(components: Sequence[ComponentResult]) -> str:
    """Return the number of components, and of those in each state. A command may learn the states of some alone."""
    counts = Counter(each.state for each in components if each.state is not None)
    every = counted(len(components), "component")
    if not counts:
        return every
    total = every if counts.total() == len(components) else f"{counts.total():,} of {every}"
    return f"{total}: {', '.join(f'{counts[state]:,} {state}' for state in ORDER if counts[state])}"
