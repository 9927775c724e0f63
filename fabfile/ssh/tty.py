"""The user's terminal, handed to a program on a host until that ends.

Fabric's `run(pty=True)` does that too, but it sends a character each 10 ms, and keeps for itself what the terminal
makes of Ctrl-Z, Ctrl-S and Ctrl-\\; here, every key goes to the host, as with `ssh -t`.
"""

import contextlib
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator

import paramiko

BLOCK = 1 << 16


def begin(channel: paramiko.Channel, command: str) -> None:
    """Run `command` in a terminal on the channel, of the kind and size of this one.

    OSError or SSHException where the channel cannot have one.
    """
    channel.get_pty(os.environ.get("TERM", "dumb"), *os.get_terminal_size(sys.stdout.fileno()))
    channel.exec_command(command)  # quoted by whoever has put it together  # nosec B601


def hand_over(channel: paramiko.Channel) -> int:
    """Let this terminal be that of what runs on the channel, until that ends; its exit status.

    -1 where none has come, as when the connection is lost. Standard input must be a terminal.
    """
    keyboard, display = sys.stdin.fileno(), sys.stdout.fileno()
    with _raw(keyboard), _resizes() as resized:
        sources = [channel, keyboard, resized]
        while True:
            ready, _, _ = select.select(sources, [], [])
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
                _write_all(display, shown)
    status = channel.recv_exit_status() if channel.eof_received or channel.closed else -1
    channel.close()
    return status


@contextlib.contextmanager
def _raw(terminal: int) -> Iterator[None]:
    """Let the terminal pass on every key; as it was, afterwards."""
    before = termios.tcgetattr(terminal)
    tty.setraw(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _resizes() -> Iterator[int]:
    """A file descriptor that can be read when the terminal has got another size."""
    readable, writable = os.pipe2(os.O_NONBLOCK)
    # Not in the handler itself: it might come in the middle of a use of the channel, which has a lock.
    handler = signal.signal(signal.SIGWINCH, lambda number, frame: None)
    wakeup = signal.set_wakeup_fd(writable)
    try:
        yield readable
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGWINCH, handler)
        os.close(readable)
        os.close(writable)


def _write_all(display: int, data: bytes) -> None:
    while data:
        data = data[os.write(display, data) :]
