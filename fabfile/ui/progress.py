"""Progress bars for transfers. rich takes 40 ms to load, so the console imports this module when it shows bars."""

import threading

from rich import progress
from rich.console import Console as Terminal


class TransferProgress:
    """A bar on stderr for each host, from its first byte until `stop`."""

    def __init__(self) -> None:
        columns: list[progress.ProgressColumn]
        columns = [progress.TextColumn("  {task.description}", markup=False), progress.BarColumn()]
        columns += [progress.DownloadColumn(), progress.TransferSpeedColumn(), progress.TimeRemainingColumn()]
        stderr = Terminal(stderr=True)
        self._progress = progress.Progress(*columns, console=stderr, transient=True, redirect_stdout=False)
        self._tasks: dict[str, progress.TaskID] = {}
        self._lock = threading.Lock()
        self._progress.start()

    def move(self, name: str, done: int, total: int) -> None:
        """Show that `done` of `total` bytes have been sent. Can be called from any thread."""
        with self._lock:
            if name not in self._tasks:
                self._tasks[name] = self._progress.add_task(name)
        self._progress.update(self._tasks[name], completed=done, total=total)

    def stop(self) -> None:
        """Remove the bars."""
        self._progress.stop()
