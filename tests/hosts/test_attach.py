"""`fab attach`: the window of a component in a real terminal."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.connections import cut
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.sessions import ids, kill_server
from tests.support.terminal import Terminal
from tests.support.waiting import eventually

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
    lab.fab("start", "-c", "cfg.py")  # fails, because one of them does
    eventually(lambda: "hello" in text(lab.node1.state() / "db/output"), "the output of db")
    return lab


@pytest.mark.root
def test_attach_works_if_ssh_took_over(lab: Lab) -> None:
    lab.farm.add("node4", {"Ciphers": "chacha20-poly1305@openssh.com"})  # which paramiko lacks
    lab.config(
        "config.add_component(Component(name='web', host='node4', executable='/bin/sh', start_index=1,"
        " args=['-c', 'echo listening; exec sleep 1000']))"
    )
    lab.run("run")
    with attached(lab, "web") as terminal:
        terminal.shows(b"listening")


def refused(done: subprocess.CompletedProcess[str] | Terminal, code: int, words: str) -> None:
    if isinstance(done, Terminal):
        done.shows(words.encode())
        assert done.ends() == code
    else:
        assert (done.returncode, done.stderr) == (code, f"{words}\n")


@pytest.mark.root
@pytest.mark.transports
@pytest.mark.parametrize(("name", "host"), [("web", "node1")])
def test_attach_shows_window_until_detached(started: Lab, name: str, host: str) -> None:
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


@pytest.mark.root
@pytest.mark.transports("soak")
def test_attach_shows_ended_window(started: Lab) -> None:
    with attached(started, "node1/db") as terminal:
        terminal.shows(b"hello")
        terminal.types(b"q")  # closes it, and screen shows another one
        terminal.shows(b"listening")
        terminal.types(DETACH)
        assert terminal.ends() == 0
    with attached(started, "node1/db") as terminal:
        refused(terminal, 1, "node1: attach: the window of db is closed; to see its output, use: fab logs")


@pytest.mark.root
def test_attach_works_on_localhost(started: Lab) -> None:
    """And with a terminal that the host does not know."""
    for name, term in (("localhost/here", "xterm"), ("web", "of-tomorrow")):
        with attached(started, name, TERM=term) as terminal:
            terminal.shows(b"listening")
            terminal.types("grüße\n".encode())
            terminal.shows("got grüße".encode())
            terminal.types(DETACH)
            assert terminal.ends() == 0


@pytest.mark.root
@pytest.mark.transports
def test_lost_connection_ends_attach(started: Lab) -> None:
    with attached(started, "web") as terminal:
        terminal.shows(b"listening")
        cut(started.node1)
        refused(terminal, 1, "node1/web: attach: the connection was lost")
    assert not (started.node1.state() / "web/status").exists(), "it goes on"


def test_attach_needs_one_open_window(lab: Lab) -> None:
    lab.config(CONFIG)
    with attached(lab, "web") as terminal:
        refused(terminal, 1, 'node1: attach: no screen session named "runner"; start one with: fab screen')
    lab.run("screen")
    with attached(lab, "web") as terminal:
        refused(terminal, 1, 'node1: attach: web has not been started in session "runner"')
    with attached(lab, "db") as terminal:
        refused(terminal, 2, "db: ambiguous component; must be one of node1/db, node2/db")


def test_attach_ignores_windows_of_lost_session(lab: Lab) -> None:
    """The program outlives its screen server. In the next session, its window's number belongs to another component."""
    stubborn = "trap '' HUP; while :; do sleep 1; done"
    lab.config(
        "for name in ('web', 'db'):\n    config.add_component(Component(name=name, host='node1', start_index=1,"
        f" executable='/bin/sh', args=['-c', {stubborn!r}]))\n"
    )
    lab.run("run", "--limit", "web")
    kill_server(ids(lab.node1)[0])
    lab.node1.run("screen -wipe; true")
    lab.run("screen")
    lab.run("start", "--limit", "db")
    with attached(lab, "web") as terminal:
        refused(terminal, 1, "node1: attach: the window of web is closed; to see its output, use: fab logs")


def test_attach_needs_a_terminal(lab: Lab) -> None:
    lab.config(CONFIG)
    words = "attach: stdin and stdout must be a terminal; to see output, use: fab logs"
    refused(lab.fab("attach", "web", "-c", "cfg.py"), 2, words)
    nameless = lab.fab("attach", "-c", "cfg.py")
    assert nameless.returncode == 2
    assert nameless.stderr == "attach: missing argument component; see: fab --help attach\n"
    assert lab.fab("attach", "--help").stdout.startswith("Usage: ")
