"""Create and inspect screen sessions."""

import contextlib
import os
import pty
import signal
import subprocess
from collections.abc import Iterator

from tests.support.farm import ThrowawayHost
from tests.support.processes import is_alive, noted
from tests.support.waiting import eventually

NOTES_ITS_PID = 'sh -c "echo \\$\\$ >~/pid.%s; exec sleep 1000"'


def kill_server(id_: str) -> None:
    """Kill the screen server of PID.NAME so that its socket stays behind."""
    pid = int(id_.partition(".")[0])
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_alive(pid), "the screen server has ended")


def start_session(host: ThrowawayHost, session: str, noted_as: str) -> None:
    """Start a session with one program, without Remote Runner."""
    host.run(f"screen -dmS {session} {NOTES_ITS_PID % noted_as}")
    eventually(lambda: noted_as in noted(host), f"a program in the session {session}")


def ids(host: ThrowawayHost, session: str = "runner") -> list[str]:
    """Return PID.NAME of each session with this name, alive or dead."""
    listed = (line.split("\t")[1] for line in host.run("screen -ls; true").splitlines() if line.startswith("\t"))
    return [id_ for id_ in listed if id_.partition(".")[2] == session]


def titles(host: ThrowawayHost, session: str = "runner") -> list[str]:
    """Return the window titles that `screen -Q windows` lists, without numbers and flags."""
    (id_,) = ids(host, session)
    return host.run(f"screen -S {id_} -Q windows").split()[1::2]


@contextlib.contextmanager
def attached(host: ThrowawayHost, *arguments: str) -> Iterator[int]:
    """Attach to the session in a terminal. Yield the file descriptor of the terminal."""
    ours, theirs = pty.openpty()
    environment = os.environ | host.environment | {"TERM": "xterm"}
    command = ["screen", "-r", ids(host)[0], *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, env=environment, start_new_session=True) as screen:
        os.close(theirs)
        assert os.read(ours, 1)  # screen has drawn something
        yield ours
        screen.kill()
    os.close(ours)
