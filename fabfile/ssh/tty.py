"""Connect the user's terminal to a program on a host, until the program ends.

Fabric's `run(pty=True)` sends only one character every 10 ms. It also lets the local terminal handle Ctrl-Z, Ctrl-S and
Ctrl-\\. Here, every key goes to the host, as with `ssh -t`.
"""

import contextlib
import os
import select
import signal
import sys
import tty
from collections.abc import Iterator

import paramiko

from .terminal import changed

BLOCK = 1 << 16


def begin(channel: paramiko.Channel, command: str) -> None:
    """Run `command` in a new terminal on the channel, with the type and size of the local one.

    Raise OSError or SSHException if the host refuses.
    """
    channel.get_pty(os.environ.get("TERM", "dumb"), *os.get_terminal_size(sys.stdout.fileno()))
    channel.exec_command(command)  # the caller has quoted it  # nosec B601


def hand_over(channel: paramiko.Channel) -> int:
    """Connect the local terminal to the program on the channel until it ends; return its exit status.

    Return -1 if no status arrives, for example because the connection is lost. stdin must be a terminal.
    """
    keyboard, display = sys.stdin.fileno(), sys.stdout.fileno()
    with changed(keyboard, lambda: tty.setraw(keyboard)), _resizes() as resized:
        while True:
            ready, _, _ = select.select([channel, keyboard, resized], [], [])
            if resized in ready:
                os.read(resized, BLOCK)
                channel.resize_pty(*os.get_terminal_size(display))
            if keyboard in ready:
                typed = os.read(keyboard, BLOCK)
                if not typed:  # the terminal is gone
                    break
                channel.sendall(typed)
            if channel in ready:
                shown = channel.recv(BLOCK)
                if not shown:
                    break
                while shown:
                    shown = shown[os.write(display, shown) :]
    status = channel.recv_exit_status() if channel.eof_received or channel.closed else -1
    channel.close()
    return status


@contextlib.contextmanager
def _resizes() -> Iterator[int]:
    """Yield a file descriptor that becomes readable when the size of the terminal changes."""
    readable, writable = os.pipe2(os.O_NONBLOCK)
    # The handler must not use the channel itself: it may interrupt code that holds the lock of the channel.
    handler = signal.signal(signal.SIGWINCH, lambda number, frame: None)
    wakeup = signal.set_wakeup_fd(writable)
    try:
        yield readable
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGWINCH, handler)
        os.close(readable)
        os.close(writable)
