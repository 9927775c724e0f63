"""The local machine as a host: scripts run in a local shell, without SSH.

`LocalHost` implements the protocol `Host` of `remote.host`, as `ssh_host` does over SSH.
"""

import contextlib
import errno
import os
import signal
import subprocess
import threading
from pathlib import Path

from rr_config.component import LOCALHOST
from rr_config.errors import os_reason
from rr_config.values.secrets import open_environment

from ..remote.host import KILLED, Channel
from ..util import errors, limits
from ..util.clock import SYSTEM_CLOCK, Clock

BLOCK = 1 << 16
MOST_SECONDS_TO_END = 5


class LocalHost:
    """The machine that runs this program."""

    name = LOCALHOST

    def __init__(self, most_silent: float, group: int, clock: Clock = SYSTEM_CLOCK) -> None:
        self.most_silent, self.group, self.clock = most_silent, group, clock
        self.identity: bytes | None = None
        self._channels: list[_LocalChannel] = []

    def connect(self) -> None:
        """Do nothing; see `Host`."""

    def run(self, command: str) -> Channel:
        """Start a local shell; see `Host`."""
        try:
            channel = _LocalChannel(["sh", "-c", command])
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise errors.HostError(f"cannot start sh: {where}{os_reason(error).lower()}") from error
        self._channels = [*(each for each in self._channels if each.is_open), channel]
        return channel

    def hand_over_terminal(self, command: str) -> int:
        """Run `command` in this terminal; see `Host`."""
        return subprocess.run(["sh", "-c", command], cwd=Path.home()).returncode

    def close(self) -> None:
        """Stop the scripts that still run; see `Host`."""
        for channel in self._channels:
            channel.close(is_over=False)


class _LocalChannel:
    def __init__(self, command: list[str]) -> None:
        pipe, home = subprocess.PIPE, Path.home()
        with contextlib.ExitStack() as opened:
            # stderr goes to memory, so a full disk does not matter. A pipe could fill up, because nobody reads it yet.
            stderr = opened.enter_context(os.fdopen(os.memfd_create("stderr"), "w+b"))
            self._process = subprocess.Popen(
                command,
                stdin=pipe,
                stdout=pipe,
                stderr=stderr,
                cwd=home,
                env=open_environment(),
                start_new_session=True,
            )
            opened.pop_all()
        assert self._process.stdin and self._process.stdout
        self._stdin, self._stdout, self._stderr = self._process.stdin, self._process.stdout, stderr
        self._lock = threading.Lock()  # another thread may call close() at any time

    @property
    def is_open(self) -> bool:
        return not self._stderr.closed

    def set_patience(self, seconds: float) -> None:
        """Ignore the timeout: a local program may take any time, and Ctrl-C ends it."""

    def send(self, data: bytes) -> None:
        try:
            self._stdin.write(data)
            self._stdin.flush()
        except ValueError as error:  # close() has closed stdin
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error

    def receive(self) -> bytes:
        block = os.read(self._stdout.fileno(), BLOCK)
        if not block:
            self._stdout.close()
        return block

    def end(self) -> tuple[str, int | None]:
        status = self._process.wait()
        with self._lock:
            if self._stderr.closed:
                return "", None
            self._stderr.seek(max(self._stderr.seek(0, os.SEEK_END) - limits.MOST_SAID, 0))
            return self._stderr.read().decode(errors="replace"), max(status, KILLED)

    def close(self, is_over: bool) -> None:
        with self._lock:
            if not is_over and self._process.returncode is None:  # after that, its id may be reused
                self._end_group()
            with contextlib.suppress(OSError):
                self._stdin.close()
            self._process.wait()
            self._stderr.close()

    def _end_group(self) -> None:
        """Send SIGTERM to the process group of the script, and SIGKILL if it runs on for MOST_SECONDS_TO_END.

        Screen sessions that it started are in process groups of their own, and live on.
        """
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(MOST_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
