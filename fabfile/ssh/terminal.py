"""Settings of the terminal that hold for a while, and are restored even if a signal ends or stops this process."""

import atexit
import contextlib
import os
import signal
import termios
from collections.abc import Callable, Iterator
from typing import Any

import attrs

ENDING = (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)

_changed: "Changed | None" = None


@attrs.define(eq=False)
class Changed:
    """A terminal with other settings. `change` applies them, and `on_return` is called after Ctrl-Z and `fg`."""

    terminal: int
    before: list[Any]
    change: Callable[[], None]
    on_return: Callable[[], None]

    def restore(self) -> None:
        """Restore the settings from before."""
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(self.terminal, termios.TCSADRAIN, self.before)


@contextlib.contextmanager
def changed(terminal: int, change: Callable[[], None], on_return: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Call `change`, which changes the settings of a terminal, and restore them at the end."""
    global _changed
    own = Changed(terminal, termios.tcgetattr(terminal), change, on_return)
    atexit.register(own.restore)  # a daemon thread just stops with the process
    try:
        _changed = own
        own.change()
        yield
    finally:
        own.restore()
        _changed = None
        atexit.unregister(own.restore)


def guard() -> None:
    """From now on, restore the terminal before a signal ends or stops this process. Only the main thread may call it.

    Signals that the user ignores, or that have another handler, stay as they are.
    """
    for number in (*ENDING, signal.SIGTSTP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _on_signal)


def _on_signal(number: int, _: object) -> None:
    own = _changed
    if own is not None:
        own.restore()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)  # the process ends here, or stops until `fg`
    signal.signal(number, _on_signal)
    if own is not None and own is _changed:
        own.change()
        own.on_return()
