"""`Stdio`: stdout and stderr. Nothing else prints, except `attach` and the completion scripts."""

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

from rr_config.errors import os_reason

from ..util.clock import SYSTEM_CLOCK
from ..util.text import printable
from .terminal import ENTER_SCREEN, ERASE_BELOW, ERASE_LINE, HOME, LEAVE_SCREEN, RED, styled


class Stdio:
    """Writes whole lines, from any thread; results go to stdout.

    If stdout is closed, for example by `| head`, work goes on without it. A command that only shows something
    (`ends_with_output`) ends as after Ctrl-C instead.
    """

    def __init__(self, is_quiet: bool) -> None:
        _open_missing_streams()
        self.is_quiet = is_quiet
        self.ends_with_output = False
        self._is_full_screen = False
        self._live = ""  # the line that stderr shows below all others
        self._question: Callable[[], None] | None = None  # shows the question that somebody answers at the moment
        self._lock = threading.Lock()

    def write(self, text: bytes) -> None:
        """Write whole lines to stdout, unchanged."""
        try:
            with self._lock, self._without_live():
                _write_unbuffered(text)
        except OSError as error:
            self.is_quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes at its end
            if self.ends_with_output:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            else:
                self.error(f"stdout: {os_reason(error).lower()}; continuing without it")

    def text(self, text: str) -> None:
        """Write whole lines to stdout."""
        self.write(text.encode("utf-8", "replace"))

    def show_screen(self, lines: Sequence[str]) -> None:
        """Show these lines on the alternate screen of the terminal, from its top, in place of the last ones."""
        begin = HOME if self._is_full_screen else ENTER_SCREEN + HOME
        self._is_full_screen = True
        *above, last = lines
        # Each line is erased first: behind a line as wide as the terminal, that would erase its last character.
        self.text(begin + "".join(f"{ERASE_LINE}{line}\r\n" for line in above) + ERASE_BELOW + last)

    def leave_screen(self) -> None:
        """Return to the main screen of the terminal."""
        if self._is_full_screen:
            self._is_full_screen = False
            with contextlib.suppress(OSError):  # a terminal that is gone
                _write_unbuffered(LEAVE_SCREEN.encode())

    def line(self, text: str, style: str = "") -> None:
        """Print a line in a style."""
        self.text(f"{styled(text, style, sys.stdout)}\n")

    def news(self, text: str, style: str = "") -> None:
        """Print a line about progress, unless it is quiet."""
        if not self.is_quiet:
            self.line(text, style)

    def document(self, value: object) -> None:
        """Print one JSON document. Values that JSON does not know become their `repr`."""
        self.write(json.dumps(value, indent=2, default=repr).encode() + b"\n")

    def error(self, text: str, style: str = RED) -> None:
        """Print one or more lines on stderr."""
        for line in text.split("\n"):
            try:
                with self._lock, self._without_live():
                    print(styled(printable(line), style, sys.stderr), file=sys.stderr, flush=True)
            except OSError:  # nobody is there to be told
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())

    def show_live(self, text: str, stop: threading.Event) -> None:
        """Show a line on the terminal below all others, in place of the last such line, unless `stop` is set."""
        with self._lock:
            if not stop.is_set() and self._question is None:
                self._live = text
                self._put(ERASE_LINE + text)

    def hide_live(self) -> None:
        """Erase that line."""
        with self._lock:
            if self._live:
                self._live = ""
                self._put(ERASE_LINE)

    @contextlib.contextmanager
    def _without_live(self) -> Iterator[None]:
        """Write above the live line, or above a question."""
        if not self._live and self._question is None:
            yield
            return
        self._put(ERASE_LINE)
        yield
        if self._question is not None:
            self._question()
        else:
            self._put(self._live)

    def asks_user(self, show: Callable[[], None]) -> None:
        """Erase the live line, and keep a question below all others from now on."""
        with self._lock:
            if self._live:
                self._live = ""
                self._put(ERASE_LINE)
            self._question = show
            show()

    def user_answered(self) -> None:
        """Allow a live line again."""
        with self._lock:
            self._question = None

    @staticmethod
    def _put(text: str) -> None:
        with contextlib.suppress(OSError):  # a terminal that is gone
            sys.stderr.write(text)
            sys.stderr.flush()

    def aside(self, text: str) -> None:
        """Print text of a dialog on stderr."""
        print(text, end="", file=sys.stderr, flush=True)

    def asks(self, question: str) -> bool:
        """Ask a question and return whether the user says yes."""
        self.aside(f"{question} [y/N] ")
        return sys.stdin.readline().strip().lower() in ("y", "yes")


def _write_unbuffered(text: bytes) -> None:
    """Write to stdout, without the lock of its buffer.

    If Python ends while a daemon thread waits for a reader and holds that lock, it aborts.
    """
    sys.stdout.flush()  # prints of config files
    raw = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
    left = memoryview(text)
    while left:
        count = raw.write(left)
        if count is None:  # another program has made the terminal non-blocking
            SYSTEM_CLOCK.sleep(0.01)
        left = left[count or 0 :]


def _open_missing_streams() -> None:
    """Open /dev/null for a standard stream that the caller has closed, so that no later file gets its number."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            setattr(sys, name, os.fdopen(number, "w", closefd=False))
