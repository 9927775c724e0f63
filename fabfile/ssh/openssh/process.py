"""Processes of ssh that end with this program, and the private folder of their sockets.

Each process is the leader of a session of its own. So Ctrl-C does not reach it, and it may read a terminal that
`ssh -t -S` hands to it. Beside it in the session, a shell reads a pipe whose other end only this program has. At the
end of the pipe, even after SIGKILL of this program, the shell kills its process group, which is that of ssh. So no
process is named by an id that the kernel may have used again. PR_SET_PDEATHSIG would end ssh with the thread that
connects.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from ...util.errors import HostError
from . import askpass
from .command import Login, config_text

# `$1` is the folder, and the other arguments are the command. The shell that watches gets a line if only the command is
# to end. After the end of the pipe without a line, it removes the folder, too.
WATCHED = """\
exec 3<&0 </dev/null
folder=$1
shift
{
    read -r _ || rm -rf "$folder"
    kill -KILL 0
} <&3 >/dev/null 2>&1 &
exec "$@" 3<&-
"""
# sun_path in unix(7) has 108 bytes. ssh adds 17 to the path of its socket at first, and a name here has at most 10.
LONGEST_FOLDER = 108 - 17 - 10
TERM_SECONDS = 1


class OpenSsh:
    """What the connections of one group share: the processes, and a folder with mode 0700 for their sockets.

    The folder exists from the first connection on. After `close`, no process starts.
    """

    def __init__(self, login: Login) -> None:
        self._login = login
        self.host_keys = login.host_keys
        self.typed: dict[str, str] = {}  # passphrases, by question
        self._folder: Path | None = None
        self._count = 0
        self._is_closed = False
        self._processes: list[SshProcess] = []
        self._lock = threading.Lock()

    def new_control(self) -> Path:
        """Return a path for another control socket. `config` and `askpass` are files in the same folder."""
        with self._lock:
            if self._is_closed:
                raise HostError("the connection was closed")
            self._folder = self._folder or _new_folder(config_text(self._login))
            self._count += 1
            return self._folder / str(self._count)

    def start(self, command: Sequence[str], control: Path, asking: Path, stderr: int) -> "SshProcess":
        """Start a process; see `SshProcess`. Raise HostError."""
        with self._lock:
            if self._is_closed:  # an abandoned thread may still be connecting
                raise HostError("the connection was closed")
            process = SshProcess(command, control, asking, stderr)
            self._processes = [*(each for each in self._processes if each.is_open), process]
            return process

    def close(self) -> None:
        """End all processes, and remove the folder."""
        with self._lock:
            self._is_closed = True
            for process in self._processes:
                process.close()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)


def _new_folder(config: str) -> Path:
    """Return a new folder with an ssh config, and the program that asks for passwords."""
    folder = Path(tempfile.mkdtemp(prefix="rr-", dir=_short_folder()))
    (folder / "config").write_text(config, "utf-8", "surrogateescape")
    words = [sys.executable, "-IS", str(Path(askpass.__file__).absolute())]
    program = folder / "askpass"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "${askpass.SOCKET}" "$1"\n')
    program.chmod(0o700)
    return folder


def _short_folder() -> str:
    """Return a folder for temporary files whose path is short enough for a socket in a folder below it."""
    usual = tempfile.gettempdir()
    is_short = len(os.fsencode(usual)) + len("/rr-12345678") <= LONGEST_FOLDER
    return usual if is_short else "/tmp"  # mkdtemp makes a private folder there  # nosec B108


class SshProcess:
    """A process of ssh. It ends with this program."""

    def __init__(self, command: Sequence[str], control: Path, asking: Path, stderr: int) -> None:
        """Start `command`. It asks its questions on the socket `asking`. Raise OSError."""
        folder = control.parent
        own = {"SSH_ASKPASS": str(folder / "askpass"), "SSH_ASKPASS_REQUIRE": "force", askpass.SOCKET: str(asking)}
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", WATCHED, "sh", str(folder), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=os.environ | own,
            start_new_session=True,
            bufsize=0,
        )
        self._closing = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Return whether `close` has not been called."""
        assert self._process.stdin
        return not self._process.stdin.closed

    @property
    def is_running(self) -> bool:
        """Return whether the process still runs."""
        return self._process.poll() is None

    @property
    def is_missing(self) -> bool:
        """Return whether the shell has not found the program."""
        return self._process.poll() == 127

    def ends_within(self, seconds: float) -> bool:
        """Return whether the process ends within `seconds`."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """End the process, which closes its connection, and all others in its session."""
        with self._closing:
            if not self.is_open:
                return
            self._process.terminate()
            self.ends_within(TERM_SECONDS)
            assert self._process.stdin
            with contextlib.suppress(BrokenPipeError), self._process.stdin as watching:  # somebody killed the shell
                watching.write(b"\n")
            self._process.kill()
            self._process.wait()
