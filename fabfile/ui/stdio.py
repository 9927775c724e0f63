"""`Stdio`: standard output and standard error.

The only place that writes to them, but for `attach`, and for what a shell loads for TAB.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterable
from typing import TextIO

from ..util.text import printable

BOLD, RED, GREEN, YELLOW, CYAN = "1", "31", "32", "33", "36"
# By how a line of `diff -u` begins.
OF_CHANGES = {"+": GREEN, "-": RED, "@": CYAN}


def styled(text: str, style: str, stream: TextIO) -> str:
    """`text` in a style, where `stream` is a terminal whose user wants styles."""
    wants = text and style and stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return f"\033[{style}m{text}\033[0m" if wants else text


class Stdio:
    """Writes whole lines, which may come from several threads; what was asked for goes to standard output.

    Where that cannot be written any more, as of `| head`, work goes on without it; or, if all that is done is to show
    things (`ends_with_output`), it ends as by Ctrl-C.
    """

    def __init__(self, is_quiet: bool) -> None:
        _open_missing_streams()
        self.is_quiet = is_quiet
        self.ends_with_output = False
        self._lock = threading.Lock()

    def write(self, text: bytes) -> None:
        """Whole lines, as they are."""
        try:
            with self._lock:
                sys.stdout.buffer.write(text)
                sys.stdout.buffer.flush()
        except OSError as error:
            self.is_quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes at its end
            if self.ends_with_output:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            else:
                self.error(f"standard output: {(error.strerror or str(error)).lower()}; going on without it")

    def line(self, text: str, style: str = "") -> None:
        """A line, in a style."""
        self.write(f"{styled(text, style, sys.stdout)}\n".encode("utf-8", "replace"))

    def news(self, text: str, style: str = "") -> None:
        """A line that tells how work goes on, for those who want to know."""
        if not self.is_quiet:
            self.line(text, style)

    def table(self, columns: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], str]]) -> None:
        """Aligned columns; each row with its style."""
        styled_rows = [(columns, BOLD), *rows]
        widths = [max(map(len, column)) for column in zip(*(row for row, _ in styled_rows), strict=True)]
        for row, style in styled_rows:
            self.line("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip(), style)

    def document(self, value: object) -> None:
        """One JSON document; what JSON does not know is in it as Python shows it."""
        self.write(json.dumps(value, indent=2, default=repr).encode() + b"\n")

    def error(self, text: str) -> None:
        """A line, or several, on standard error."""
        for line in text.split("\n"):
            try:
                with self._lock:
                    print(styled(printable(line), RED, sys.stderr), file=sys.stderr, flush=True)
            except OSError:  # nobody is there to be told
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())

    def aside(self, text: str) -> None:
        """Text of a conversation, on standard error."""
        print(text, end="", file=sys.stderr, flush=True)

    def asks(self, question: str) -> bool:
        """Whether the user says yes to it."""
        self.aside(f"{question} [y/N] ")
        return sys.stdin.readline().strip().lower() in ("y", "yes")


def _open_missing_streams() -> None:
    """Let nothing that is opened later take the place of a standard stream that the caller has closed."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            setattr(sys, name, os.fdopen(number, "w", closefd=False))
