"""The note-taker of a session, run by real shells without screen."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from fabfile.remote.script import Script, read_script
from fabfile.remote.state_dir import MARK
from tests.support.files import text
from tests.support.notes import claim, notes
from tests.support.processes import is_alive
from tests.support.waiting import eventually

PIPE = subprocess.PIPE


@attrs.frozen
class Session:
    """The state of a session on a host, and substitutes for its processes, which end at the end of their stdin."""

    state: Path
    environment: dict[str, str]
    processes: dict[str, "subprocess.Popen[bytes]"]

    @property
    def id(self) -> str:
        """As screen would call it."""
        return f"{self.processes['screen'].pid}.runner"

    def program(self, name: str, script: str) -> None:
        """Let scripts of the session run this in place of the program of that name."""
        program = Path(self.environment["PATH"].partition(":")[0]) / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def begin(self, name: str) -> Path:
        """A component with a launcher that lives, and no output; its folder."""
        folder = self.state / name
        folder.mkdir()
        (folder / "launcher").write_text("read -r line\n")
        self.processes[name] = subprocess.Popen(["sh", folder / "launcher", "record"], stdin=PIPE, env=self.environment)
        (folder / "launcher.pid").write_text(f"{self.processes[name].pid}\n")
        return folder

    def end(self, name: str) -> None:
        """End one of the processes."""
        self.processes[name].communicate()

    def take_notes(self) -> int:
        """Start the note-taker; its process id."""
        script = self.state / ".note-times"
        script.write_text(read_script("note_taker.sh"))
        taker = subprocess.Popen(["sh", script, self.id], stdin=PIPE, stderr=subprocess.DEVNULL, env=self.environment)
        self.processes[f"note-taker {taker.pid}"] = taker
        eventually(lambda: text(self.state / ".noting") == f"{taker.pid} {self.id}\n", "its claim")
        return taker.pid

    def has_ended(self, taker: int) -> bool:
        """Whether a note-taker has."""
        return self.processes[f"note-taker {taker}"].poll() is not None


@pytest.fixture(params=["dash", "bash"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    """A session of which nothing has been noted; its scripts are run by this shell."""
    shells = tmp_path / "a shell's"
    shells.mkdir()
    (shells / "sh").symlink_to(str(shutil.which(request.param)))
    shutil.copy(str(shutil.which("dash")), shells / "screen")
    state = tmp_path / "state $HOME *'\""
    state.mkdir()
    environment = {"PATH": f"{shells}:{os.environ['PATH']}", "STY": "1.runner"}
    screen = subprocess.Popen([shells / "screen", "-c", "read -r line"], stdin=PIPE)
    processes = {"screen": screen}
    try:
        yield Session(state, environment, processes)
    finally:
        for process in processes.values():
            process.kill()
            process.communicate()


def grow(folder: Path, content: str, at: int) -> None:
    """Put out some more, at that time."""
    with (folder / "output").open("a") as output:
        output.write(content)
    os.utime(folder / "output", (at, at))


def noted(folder: Path, *expected: str) -> None:
    eventually(lambda: notes(folder) == list(expected), f"notes: {expected}")


def test_growth_is_noted_and_silence_is_not(session: Session) -> None:
    one, silent, output = session.begin("one"), session.begin("silent"), session.begin("output")
    for folder in (one, silent, output):
        (folder / "output").touch()
    session.take_notes()
    grow(one, "12345", at=100)
    noted(one, "100 5")
    grow(one, "678", at=200)
    grow(output, "x", at=150)
    noted(one, "100 5", "200 8")
    noted(output, "150 1")
    grow(output, "y", at=250)
    noted(output, "150 1", "250 2")
    noted(one, "100 5", "200 8")
    assert not (silent / "times").exists()


def test_restarted_output_loses_old_notes(session: Session) -> None:
    one = session.begin("one")
    grow(one, "12345", at=100)
    (one / "times").write_text("50 2\n")
    session.take_notes()
    noted(one, "50 2", "100 5")  # there is a new note-taker, but no new output
    (one / "output").unlink()
    (one / "launcher").write_text("another\n")
    grow(one, "1", at=300)
    noted(one, "300 1")


def test_full_disk_keeps_later_notes(session: Session) -> None:
    one = session.begin("one")
    session.take_notes()
    (one / "times").mkdir()  # nothing can be written to that
    grow(one, "12345", at=100)
    two = session.begin("two")
    grow(two, "1", at=100)
    noted(two, "100 1")
    (one / "times").rmdir()
    grow(one, "6", at=200)
    noted(one, "200 6")


@pytest.mark.parametrize("last", ["launcher", "screen", "claim"])
def test_note_taker_ends_when_not_needed(session: Session, last: str) -> None:
    session.begin("one")
    two = session.begin("two")
    taker = session.take_notes()
    session.end("one")
    grow(two, "1", at=100)
    noted(two, "100 1")
    assert not session.has_ended(taker), "another launcher lives"
    if last == "claim":
        (session.state / ".noting").write_text(f"1 {session.id}\n")
    else:
        session.end("two" if last == "launcher" else "screen")
    eventually(lambda: session.has_ended(taker), "its end")
    assert (session.state / ".noting").exists() == (last != "launcher")


def test_reused_id_does_not_keep_note_taker(session: Session) -> None:
    one = session.begin("one")
    taker = session.take_notes()
    (one / "launcher.pid").write_text(f"{os.getpid()}\n")
    eventually(lambda: session.has_ended(taker), "its end")


def test_late_launcher_keeps_note_taker(session: Session) -> None:
    """Whoever has started that may have seen the note-taker, just before it took its claim away."""
    one = session.begin("one")
    session.program("rm", f'/bin/rm "$@"; echo {session.processes["one"].pid} >one/launcher.pid')
    taker = session.take_notes()
    (one / "launcher.pid").write_text(f"{os.getpid()}\n")
    eventually(lambda: text(one / "launcher.pid") == f"{session.processes['one'].pid}\n", "the last moment")
    eventually(lambda: text(session.state / ".noting") == f"{taker} {session.id}\n", "its claim, again")
    grow(one, "1", at=100)
    noted(one, "100 1")


def test_term_ends_note_taker_at_once(session: Session) -> None:
    session.begin("one")
    session.program("sleep", "exec /bin/sleep 1000")
    taker = session.take_notes()
    children = Path(f"/proc/{taker}/task/{taker}/children")
    eventually(lambda: names(text(children)) == ["sleep"], "its pause")
    (pause,) = map(int, text(children).split())
    try:
        assert b"STY=" not in Path(f"/proc/{pause}/environ").read_bytes(), "so that kill does not find it"
        os.kill(taker, signal.SIGTERM)
        eventually(lambda: session.has_ended(taker), "its end")
        eventually(lambda: not is_alive(pause), "the end of its pause", seconds=2)
    finally:
        session.processes[f"note-taker {taker}"].kill()  # so that it begins no other pause
        if is_alive(pause):
            os.kill(pause, signal.SIGKILL)


def test_stopped_sampler_delays_nothing(session: Session) -> None:
    one = session.begin("one")
    (session.state / ".sample").write_text("1\n")
    taker = session.take_notes()
    eventually(lambda: "awk" in names(text(Path(f"/proc/{taker}/task/{taker}/children"))), "the sampler")
    children = text(Path(f"/proc/{taker}/task/{taker}/children")).split()
    sampler = next(int(pid) for pid in children if names(pid) == ["awk"])
    os.kill(sampler, signal.SIGSTOP)
    try:
        grow(one, "12345", at=100)
        noted(one, "100 5")
        session.end("one")
        eventually(lambda: session.has_ended(taker), "its end")
    finally:
        os.kill(sampler, signal.SIGCONT)
    eventually(lambda: not is_alive(sampler), "the end of the sampler")
    assert text(session.state / ".usage.csv").startswith("time,cpus,cpu_cores,")


def names(pids: str) -> list[str]:
    return [text(Path(f"/proc/{pid}/comm")).strip() for pid in pids.split()]


def test_start_finds_earlier_note_taker(session: Session) -> None:
    session.begin("one")

    def start(then: str = "") -> int:
        header = Script("", {"note_taker": read_script("note_taker.sh")}).header()
        functions = f"{header}\n{read_script('start_note_taker.sh')}"
        script = f'ulimit -S -m 4194304; cd "$state" || exit\n{functions}ensure_note_taker\n{then}'
        own = session.environment | {"state": str(session.state), "id": session.id, MARK: "/of/another"}
        done = subprocess.run(["sh", "-c", script], env=own, capture_output=True, timeout=10)
        assert (done.stdout, done.stderr) == (b"", b"")
        eventually(lambda: claim(session.state)[1:] == [session.id] and is_alive(int(claim(session.state)[0])), "it")
        return int(claim(session.state)[0])

    taker = start()
    assert text(Path(f"/proc/{taker}/limits")).count("Max resident set          unlimited ") == 1, "no tag"
    try:
        assert os.getsid(taker) == taker
        assert str(session.state / ".note-times") in text(Path(f"/proc/{taker}/cmdline"))
        environment = Path(f"/proc/{taker}/environ").read_bytes().split(b"\0")
        assert f"STY={session.id}".encode() in environment
        assert not any(entry.startswith(MARK.encode()) for entry in environment)
        assert start("wait") == taker  # for what it has started: for nothing
        (session.state / ".noting").write_text(f"{taker} 1.runner\n")  # as of a session that has been killed
        other = start()
        assert other != taker
        eventually(lambda: not is_alive(taker), "its end")
        os.kill(other, signal.SIGKILL)
        eventually(lambda: not is_alive(other), "its end")
        taker = start()
        assert taker != other
        session.end("one")
        eventually(lambda: not is_alive(taker), "its end")
    finally:
        session.end("screen")  # which ends whatever is left
        eventually(lambda: not is_alive(taker), "its end")
