"""`fab attach`: the window of a component in a real terminal, what is typed there, and how it ends."""

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .conftest import Lab, eventually, text
from .test_hosts import cut

# Tells its terminal's size when that changes, what it reads, and that Ctrl-C and Ctrl-Z have come.
PROGRAM = """
import os, signal, sys
signal.signal(signal.SIGINT, lambda *_: print("interrupted"))
signal.signal(signal.SIGTSTP, lambda *_: print("stopped"))
signal.signal(signal.SIGWINCH, lambda *_: print("{0.columns} x {0.lines}".format(os.get_terminal_size())))
print("listening")
for line in sys.stdin:
    print("got", line)
"""
CONFIG = f"""
def add(name, host, *command):
    config.add_component(Component(
        name=name, host=host, executable=command[0], args=[util.literal(arg) for arg in command[1:]], start_index=1))
for name, host in [("web", "node1"), ("here", localhost)]:
    add(name, host, {sys.executable!r}, "-u", "-X", "utf8", "-c", {PROGRAM!r})
add("db", "node1", "/bin/sh", "-c", "echo hello; exit 3")
add("db", "node2", "/bin/sleep", "1000")
"""
DETACH = b"\x01d"


class Terminal:
    """A terminal of 100 x 30 in which `fab` runs; all that was shown there."""

    def __init__(self, command: list[str], **popen: Any) -> None:
        self.master, self._slave = os.openpty()
        self.resize(30, 100)
        self.settings = termios.tcgetattr(self._slave)
        # As its controlling terminal, which tells its foreground of a new size.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command], stdin=self._slave, stdout=self._slave, stderr=self._slave, **popen
        )
        self.shown = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while self.process.poll() is None or select.select([self.master], [], [], 0)[0]:
            if select.select([self.master], [], [], 0.05)[0]:
                self.shown += os.read(self.master, 1 << 16)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def shows(self, expected: bytes) -> None:
        """Return once that is shown, since the last time."""
        eventually(lambda: expected in self.shown, f"{expected!r} on the terminal")
        self.shown = self.shown.partition(expected)[2]

    def types(self, typed: bytes) -> None:
        os.write(self.master, typed)

    def ends(self) -> int:
        """The exit status, once it has ended; the terminal is as it was."""
        status = self.process.wait(timeout=20)
        self._reader.join()
        assert termios.tcgetattr(self._slave) == self.settings
        return status

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self.master)
        os.close(self._slave)


@contextmanager
def attached(lab: Lab, *words: str, **env: str) -> Iterator[Terminal]:
    """`fab attach` in a terminal."""
    command = lab.command("attach", *words, "-c", "cfg.py")
    terminal = Terminal(command, cwd=lab.folder, env=lab.environment | {"TERM": "xterm"} | env)
    try:
        yield terminal
    finally:
        terminal.close()


@pytest.fixture
def started(lab: Lab) -> Lab:
    """The lab, where the components have been started."""
    lab.config(CONFIG)
    lab.run("screen")
    lab.run("start")
    eventually(lambda: "hello" in text(lab.node1.state() / "db/output"), "the output of db")
    return lab


def refused(done: subprocess.CompletedProcess[str] | Terminal, code: int, words: str) -> None:
    if isinstance(done, Terminal):
        done.shows(words.encode())
        assert done.ends() == code
    else:
        assert (done.returncode, done.stderr) == (code, f"{words}\n")


@pytest.mark.parametrize(("name", "host"), [("web", "node1"), ("localhost/here", "here")])
def test_window_is_shown_and_gets_every_key_until_it_is_detached(started: Lab, name: str, host: str) -> None:
    with attached(started, "-t", "5", name) as terminal:  # what is Fabric's is not taken for a name
        terminal.shows(b"listening")
        terminal.shows(b"100 x 30")
        terminal.types("grüße\n".encode())
        terminal.shows("got grüße".encode())
        terminal.types(b"\x03")
        terminal.shows(b"interrupted")
        terminal.types(b"\x1a")
        terminal.shows(b"stopped")
        terminal.resize(rows=20, columns=77)
        terminal.shows(b"77 x 20")
        terminal.types(DETACH)
        terminal.shows(b"[detached from ")
        assert terminal.ends() == 0
    home = started.here if host == "here" else started.node1
    assert not (home.state() / name.rpartition("/")[2] / "status").exists(), "it goes on"


def test_window_of_what_has_ended_is_shown_until_it_is_closed(started: Lab) -> None:
    with attached(started, "node1/db") as terminal:
        terminal.shows(b"hello")
        terminal.types(b"q")  # closes it, and screen shows another one
        terminal.shows(b"listening")
        terminal.types(DETACH)
        assert terminal.ends() == 0
    with attached(started, "node1/db") as terminal:
        refused(terminal, 1, "node1: attach: the window of db is closed; what it had put out, shows: fab logs")


def test_terminal_that_the_host_does_not_know_is_taken_for_an_xterm(started: Lab) -> None:
    with attached(started, "web", TERM="of-tomorrow") as terminal:
        terminal.shows(b"listening")
        terminal.types(DETACH)
        assert terminal.ends() == 0


def test_lost_connection_ends_it_and_leaves_the_terminal_as_it_was(started: Lab) -> None:
    with attached(started, "web") as terminal:
        terminal.shows(b"listening")
        cut(started.node1)
        refused(terminal, 1, "node1/web: attach: the connection was lost")
    assert not (started.node1.state() / "web/status").exists(), "it goes on"


def test_only_one_component_that_has_a_window_can_be_shown(lab: Lab) -> None:
    lab.config(CONFIG)
    with attached(lab, "web") as terminal:
        refused(terminal, 1, "node1: attach: there is no screen session named runner; start one with: fab screen")
    lab.run("screen")
    with attached(lab, "web") as terminal:
        refused(terminal, 1, "node1: attach: web has not been started in the session runner")
    with attached(lab, "db") as terminal:
        refused(terminal, 2, "db: is the name of node1/db, node2/db; name one of these")


def test_without_a_terminal_it_is_refused(lab: Lab) -> None:
    lab.config(CONFIG)
    words = "attach: standard input and output must be a terminal; what is put out, shows: fab logs"
    refused(lab.fab("attach", "web", "-c", "cfg.py"), 2, words)
    nameless = lab.fab("attach", "-c", "cfg.py")
    assert nameless.returncode == 2
    assert "'component'" in nameless.stderr
    assert lab.fab("attach", "--help").stdout.startswith("Usage: ")
