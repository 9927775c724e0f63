"""Questions to the person at the terminal: one at a time over all hosts.

The terminal is the one that controls this process, whatever stdin is, as in ssh. `Screen` keeps other output away from
a question.
"""

import contextlib
import os
import select
import termios
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from ..terminal import changed

TERMINAL = "/dev/tty"
LOOK_SECONDS = 0.2  # between two looks whether the question is void
MOST_TYPED = 4096  # bytes of a line that the kernel edits

_turn = threading.RLock()
_screen: "Screen | None" = None


class Screen(Protocol):
    """The part of the program that writes on the terminal, and makes room for a question."""

    def asks_user(self, show: Callable[[], None]) -> None:
        """Call `show` to write the question, and again after other output, until `user_answered`."""

    def user_answered(self) -> None:
        """Go on as before the question."""


def use_screen(screen: Screen) -> None:
    """Tell `screen` about each question from now on."""
    global _screen
    _screen = screen


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """Wait until no other thread asks. Further questions of this thread belong to the same turn."""
    with _turn:
        yield


def has_terminal() -> bool:
    """Return whether somebody can answer: there is a terminal, and this process is in its foreground."""
    try:
        terminal = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def ask(question: str, echo: bool, is_void: Callable[[], bool] = lambda: False) -> str | None:
    """Ask a question and return the answer. Return None without a terminal, and if `is_void` returns True meanwhile.

    There is no time limit. Ctrl-D is an empty answer.
    """
    if not has_terminal():
        return None
    terminal = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY)
    try:
        with turn():
            last = question.rpartition("\n")[2]
            with (
                changed(terminal, lambda: _edit_lines(terminal, echo), lambda: _write(terminal, last)),
                _on_screen(terminal, question),
            ):
                return _line(terminal, is_void)
    finally:
        os.close(terminal)


def _edit_lines(terminal: int, echo: bool) -> None:
    """Make the terminal edit lines, and echo or not."""
    settings = termios.tcgetattr(terminal)
    settings[3] = (settings[3] | termios.ICANON | termios.ISIG) & ~termios.ECHO
    settings[3] |= termios.ECHO if echo else 0
    termios.tcsetattr(terminal, termios.TCSAFLUSH, settings)


@contextlib.contextmanager
def _on_screen(terminal: int, question: str) -> Iterator[None]:
    shown = question

    def show() -> None:
        nonlocal shown
        _write(terminal, shown)
        shown = question.rpartition("\n")[2]

    screen = _screen
    if screen is None:
        show()
    else:
        screen.asks_user(show)
    try:
        yield
    finally:
        _write(terminal, "\n")
        if screen is not None:
            screen.user_answered()


def _write(terminal: int, text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(terminal, text.encode("utf-8", "replace"))


def _line(terminal: int, is_void: Callable[[], bool]) -> str | None:
    while not select.select([terminal], [], [], LOOK_SECONDS)[0]:
        if is_void():
            return None
    try:
        typed = os.read(terminal, MOST_TYPED)
    except OSError:  # the terminal is gone
        return None
    return typed.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
