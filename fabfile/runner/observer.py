"""`Observer`: the interface for following a run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rr_config import Component

from ..components import readiness, start, wait
from ..components.output import logs
from ..util.stages import Failure


class Observer:
    """Follows a run. Each method does nothing unless a subclass overrides it.

    The thread that runs a command calls `begins`, `result`, `failed` and `ends`. Worker threads call the others.

        >>> class Progress(Observer):
        ...     def begins(self, stage, hosts):
        ...         print(f"{stage} on {', '.join(hosts)}")
        >>> Progress().begins("sync", ["node1", "node2"])
        sync on node1, node2

    Pass it to a runner: `Runner(config, options, observer=Progress())`.
    """

    def begins(self, stage: str, hosts: Sequence[str]) -> None:
        """Handle the begin of a stage on `hosts`."""

    def awaits(self, stage: str, names: Sequence[str], seconds: float | None) -> None:
        """Handle that the next stage, `stage`, waits for `names`: hosts, or components as `host/name`.

        It waits at most `seconds`, None without a limit. The `connect` stage allows so much for each step.
        """

    def terminates(self, names: Sequence[str]) -> None:
        """Handle that the wait is over, and that these components, as `host/name`, are terminated now."""

    def asks_user(self, show: Callable[[], None]) -> None:
        """Handle a question of a login to the user, for example for a passphrase.

        Call `show` to write the question on the terminal, and again after other output, until `user_answered`.
        """
        show()

    def user_answered(self) -> None:
        """Handle the end of that question."""

    def result(self, stage: str, host: str, result: Any) -> None:
        """Handle the result of a stage on a host. Its type depends on the stage."""

    def failed(self, stage: str, host: str, reason: str) -> None:
        """Handle the failure of a host. It is also in the StageError at the end of the stage."""

    def progress(self, stage: str, host: str, done: int, total: int) -> None:
        """Handle progress: `done` of `total` bytes were sent to `host`, or collected from it."""

    def goes_on(self, stage: str, failures: Sequence[Failure]) -> None:
        """Handle failures of a stage within the limit. Later stages continue without these hosts."""

    def lost(self, stage: str, host: str, reason: str) -> None:
        """Handle a lost connection, which is opened again."""

    def started(self, started: start.Started) -> None:
        """Handle a component that was started, or was already running."""

    def became_ready(self, ready: readiness.BecameReady) -> None:
        """Handle a component that is ready."""

    def ended(self, ended: wait.Ended) -> None:
        """Handle the end of a component that a command waits for, or that failed meanwhile."""

    def output(self, component: Component, line: logs.LogLine) -> None:
        """Handle a line of output of a component."""

    def collected(self, folder: Path) -> None:
        """Handle the end of a collection. All results are in the new `folder`."""

    def ends(self, stage: str) -> None:
        """Handle the end of a stage, with or without failures."""
