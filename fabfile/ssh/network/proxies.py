"""A ProxyCommand of the ssh config: a program whose standard streams carry the connection. See ssh_config(5)."""

import contextlib
import errno
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Sequence

from ...util.limits import MOST_SAID
from .errors import ProxyFailed

BLOCK = 1 << 16
SECONDS_TO_END = 1  # from SIGHUP to SIGKILL, and from the end of stdout to that of the command
LONGEST_REASON = 500  # characters of stderr in an error message
# Messages of ssh as a ProxyCommand if a busy sshd drops its connection.
DROPPED = ("closed by remote host", "reset by peer")


class ProxyCommand:
    """The streams of a running ProxyCommand, with the methods of a socket that a transport needs.

    The user's shell runs the command, as in ssh. stderr is read along with stdout, so that the command never waits for
    a reader of its messages. The class of that name in paramiko runs no shell, and may block when it sends.
    """

    def __init__(self, command: str) -> None:
        self.command = command
        self.status: int | None = None  # the exit status of a command that has ended by itself
        self._timeout: float | None = None
        self._said = b""
        self._is_over = False
        self._closed = False  # the name that paramiko knows from sockets
        self._closing = threading.Lock()
        shell = os.environ.get("SHELL") or "/bin/sh"
        pipe = subprocess.PIPE
        try:
            # In the process group of this program, as in ssh: the command may ask for a password on the terminal.
            self._process = subprocess.Popen(
                [shell, "-c", f"exec {command}"], stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0
            )
        except OSError as error:
            raise ProxyFailed(f"ProxyCommand {command!r}: cannot run the shell {shell}: {error.strerror}") from error
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._stdin, self._stdout, self._stderr = (
            stream.fileno() for stream in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        os.set_blocking(self._stdin, False)
        self._heard = [self._stdout, self._stderr]  # the streams that are still open

    def settimeout(self, seconds: float | None) -> None:
        """Set the timeout of `recv` and `send`, as for a socket."""
        self._timeout = seconds

    def recv(self, size: int) -> bytes:
        """Return the next bytes of stdout; nothing at its end. Raise TimeoutError if there are none in time."""
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        while not self._is_over:
            wait = None if deadline is None else deadline - time.monotonic()
            ready = _ready(self._heard, select.POLLIN, wait)
            if self._stderr in ready:
                self._hear()
            if self._stdout in ready:
                data = os.read(self._stdout, size)
                self._is_over = not data
                return data
            if not ready:
                raise TimeoutError
        return b""

    def send(self, data: bytes) -> int:
        """Send as much as the command accepts now. Raise TimeoutError if it accepts nothing in time."""
        if self._closed:  # another file may have the number of stdin by now
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        if not _ready([self._stdin], select.POLLOUT, self._timeout):
            raise TimeoutError
        return os.write(self._stdin, data)

    def close(self) -> None:
        """End the command: close its streams, send it SIGHUP as ssh does, and SIGKILL after SECONDS_TO_END."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._hear_rest()
            self._is_over = True
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                assert stream is not None
                stream.close()
            self._end()

    def problem(self) -> str:
        """Return the command with its messages and exit status. Empty if it runs on and has said nothing.

        Call it after `close`.
        """
        lines = [line.strip() for line in self._said.decode(errors="replace").splitlines()]
        said = "; ".join(line for line in lines if line)[-LONGEST_REASON:]
        if not said and self.status is None:
            return ""
        status = "" if self.status is None else f" ended with exit status {self.status}"
        return f"ProxyCommand {self.command!r}{status}: {said or 'it printed no message'}"

    @property
    def is_dropped(self) -> bool:
        """Return whether a busy sshd may be the reason for the end of the command."""
        return not self.status or any(text in self._said.decode(errors="replace") for text in DROPPED)

    def _end(self) -> None:
        self._process.send_signal(signal.SIGHUP)  # of no effect after its end
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _hear(self) -> None:
        said = os.read(self._stderr, BLOCK)
        if not said:
            self._heard.remove(self._stderr)
        self._said = (self._said + said)[-MOST_SAID:]

    def _hear_rest(self) -> None:
        """Read the rest of stderr. After the end of stdout, wait a moment for it and for the end of the command."""
        wait = SECONDS_TO_END if self._is_over else 0
        while self._stderr in self._heard and _ready([self._stderr], select.POLLIN, wait):
            self._hear()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.status = self._process.wait(wait)


def _ready(streams: Sequence[int], event: int, seconds: float | None) -> Collection[int]:
    """Return the streams that are ready or at their end within `seconds`. `select` fails above 1,024 descriptors."""
    poll = select.poll()
    for stream in streams:
        poll.register(stream, event)
    return [stream for stream, _ in poll.poll(None if seconds is None else max(seconds, 0) * 1000)]
