"""`fab status` on a terminal: a summary of many components, and `--watch`."""

import contextlib
import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from functools import partial

import pytest

from fabfile.util.text import counted
from tests.support.connections import connections
from tests.support.lab import Lab
from tests.support.ssh_configs import add_to_ssh_config
from tests.support.terminal import Terminal
from tests.support.waiting import eventually

HOSTS = ["node1", "node2", "node3"]
PROGRAMS = """
def add(name, host, script):
    config.add_component(Component(name=name, host=host, executable="/bin/sh", args=["-c", script], start_index=1))
for number in range(COUNT):
    for host in HOSTS:
        add(f"idle{number}", host, "exec sleep 1000")
add("bad", "node2", "echo one; echo KeyError; exit 3")
"""
ENTER, LEAVE, CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def environment(lab: Lab, **changed: str) -> dict[str, str]:
    own = {name: value for name, value in lab.environment.items() if name not in ("COLUMNS", "LINES")}
    return own | {"TERM": "xterm"} | changed


@contextlib.contextmanager
def on_terminal(lab: Lab, *words: str, **changed: str) -> Iterator[Terminal]:
    """Run `fab status` in a terminal of 100 x 30 characters."""
    command = lab.command("status", *words, "-c", "cfg.py")
    terminal = Terminal(command, cwd=lab.folder, env=environment(lab, **changed))
    try:
        yield terminal
    finally:
        terminal.close()


def config_of(count: int) -> str:
    """Return a config with this many components on each host, and one that fails."""
    return f"HOSTS, COUNT = {HOSTS}, {count}\n{PROGRAMS}"


def run(lab: Lab, count: int = 5) -> None:
    lab.config(config_of(count))
    lab.fab("run", "-c", "cfg.py")
    eventually(lambda: (lab.node2.state() / "bad/status").exists(), "the end of the bad one")


def looks(terminal: Terminal) -> list[list[str]]:
    """Return the lines of each look at the alternate screen."""
    text = terminal.shown.rpartition(ENTER)[2].decode(errors="replace")
    return [ESCAPE.sub("", look).replace("\r", "").split("\n") for look in text.split("\x1b[H")[1:]]


def has_looks(terminal: Terminal, count: int) -> bool:
    return len(looks(terminal)) >= count


def last_look(terminal: Terminal) -> list[str]:
    """Return the lines of the last look that is complete."""
    return looks(terminal)[-2] if len(looks(terminal)) > 1 else [""]


def test_summary_above_a_screenful(lab: Lab) -> None:
    run(lab, 16)
    lab.farm.stop(lab.node3)
    try:
        with on_terminal(lab) as terminal:
            assert terminal.ends() == 1
        with on_terminal(lab, "--all") as whole:
            assert whole.ends() == 1
        with on_terminal(lab, "--failed") as failed:
            assert failed.ends() == 1
        piped = lab.fab("status", "-c", "cfg.py").stdout.splitlines()
        by_name = lab.fab("status", "--group", "component", "-c", "cfg.py").stdout.splitlines()
    finally:
        lab.farm.start(lab.node3)
    # A live line, which is cleared at the end, stands in front of the first one on a slow machine.
    lines = terminal.shown.decode().replace("\r", "").splitlines()
    shown = [ESCAPE.sub("", line.rpartition("\x1b[K")[2]) for line in lines]
    assert len(shown) < 30 and max(map(len, shown)) <= 100
    assert shown[0].startswith("49 components, 3 hosts: 1 failed  16 unknown  32 running ")
    assert re.match(r"FAILED +HOST +EXIT +FOR +LAST LINE$", shown[2])
    assert re.match(r"bad +node2 +3 +\d+ s +KeyError$", shown[3])
    assert re.match(r"16 components +node3 +- +- +unknown: .*connection refused", shown[4])
    assert re.match(r"COMPONENT +FAILED +UNKNOWN +RUNNING +CPU +MEMORY +HOSTS$", shown[6])
    assert re.match(r"idle0 +\. +1 +2 +0 % +[\d.]+ MB +node\[1-3\]$", shown[7])
    assert len(piped) == 1 + 33 + 1, "one unreachable host is one line"
    assert re.match(
        r"node3 +16 components +unknown +- .* 127.*connection refused", next(x for x in piped if "node3" in x)
    )
    reason = r"node3: 127\S+ port \d+: connection refused"
    assert re.fullmatch(reason, by_name[-1]) and len(by_name) == 1 + 17 + 1
    *_, bad, silent, below = ESCAPE.sub("", failed.shown.decode()).splitlines()
    assert bad.startswith("node2  bad ") and silent.startswith("node3  16 components  unknown ")
    assert re.fullmatch(reason, below), "no cell continues on the next line"
    assert len(piped[0]) < 80 and len(ESCAPE.sub("", whole.shown.decode()).splitlines()) >= len(piped)


def test_json_has_the_last_line_of_failures(lab: Lab) -> None:
    run(lab)
    found = json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)
    assert {each["name"]: each["last_line"] for each in found if each["last_line"]} == {"bad": "KeyError"}


def test_watch_fits_the_terminal(lab: Lab) -> None:
    run(lab)
    with on_terminal(lab, "--watch") as terminal:
        eventually(lambda: len(looks(terminal)) > 2, "several looks")
        for rows, columns in ((12, 60), (60, 120)):
            terminal.resize(rows, columns)
            terminal.shown = ENTER
            eventually(lambda: len(looks(terminal)) > 2, "two looks in this size")
            shown = last_look(terminal)
            assert len(shown) <= rows and max(map(len, shown)) <= columns
            assert re.search(r" \d\d:\d\d:\d\d$", shown[0])
            assert any("KeyError" in line for line in shown) == (rows == 12), "a summary, or the whole table"
            assert any(line.startswith("HOST ") for line in shown) == (rows == 60)
        terminal.shown = ENTER
        for count in range(1, 7):
            terminal.resize(30 + count, 100)
            eventually(partial(has_looks, terminal, count), "a look at once", seconds=1)
        terminal.types(b"\x03")
        assert terminal.ends() == 130
        assert terminal.shown.endswith(CURSOR + LEAVE)


@pytest.mark.long
def test_watch_waits_for_no_slow_host(lab: Lab) -> None:
    run(lab)
    with on_terminal(lab, "--watch", "*/idle[0-4]") as terminal:
        eventually(lambda: len(looks(terminal)) > 2, "several looks")
        pids = connections(lab.node2)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            eventually(lambda: any("no answer: node2 for 6 s" in line for line in last_look(terminal)), "its age", 15)
            terminal.shown = ENTER
            eventually(lambda: len(looks(terminal)) > 2, "looks that do not wait", seconds=8)
            shown = last_look(terminal)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        rows = [line for line in shown if re.match(r"node\d +idle", line)]
        assert len(rows) == 15 and all(" running " in row for row in rows)
        assert [bool(re.search(r" \d+ s ago$", row)) for row in rows] == ["node2" in row for row in rows]
        eventually(lambda: not any("no answer" in line for line in last_look(terminal)), "its answer", 15)
        terminal.types(b"\x03")
        assert terminal.ends() == 130


@pytest.mark.parametrize("words", [[], ["--failed"]], ids=["all", "failed"])
def test_watched_host_is_pending_until_it_fails(lab: Lab, words: list[str]) -> None:
    """The host `mute` accepts the connection, and says nothing until the connect timeout."""
    run(lab)
    lab.write("cfg.py", config_of(5) + 'add("late", "mute", "true")\n')
    with socket.create_server(("127.0.0.1", 0)) as server:
        add_to_ssh_config(lab, "mute", "127.0.0.1", server.getsockname()[1])
        with on_terminal(lab, "--watch", "-t", "6", *words) as terminal:
            eventually(lambda: "no answer yet: mute" in last_look(terminal), "the host without an answer")
            total, shown = last_look(terminal)[0], 1 if words else 16
            hosts = 2 if words else 4
            assert total.startswith(f"{counted(shown + 1, 'component')}, {hosts} hosts: 1 failed  0 unknown  ")
            assert "  1 no answer yet " in total and not any("unknown  " in line for line in last_look(terminal)[1:])
            eventually(lambda: "  1 unknown " in last_look(terminal)[0], "its failure", 20)
            assert not any("no answer yet" in line for line in last_look(terminal))
            assert any("mute" in line and " unknown" in line for line in last_look(terminal))
            terminal.types(b"\x03")
            assert terminal.ends() == 130


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGTSTP], ids=lambda number: number.name)
def test_watch_restores_the_screen(lab: Lab, number: signal.Signals) -> None:
    """Also if it is terminated, or suspended and continued."""
    lab.config(config_of(10))
    with on_terminal(lab, "--watch") as terminal:
        terminal.shows(ENTER)
        terminal.process.send_signal(number)
        terminal.shows(CURSOR + LEAVE)
        if number == signal.SIGTSTP:  # in a session without a shell, nothing is suspended
            terminal.shows(ENTER)
            terminal.types(b"\x03")
        assert terminal.ends() == (130 if number == signal.SIGTSTP else 143)


def test_dumb_terminal_watches_whole_tables(lab: Lab) -> None:
    run(lab, 10)
    with on_terminal(lab, "--watch", TERM="dumb") as terminal:
        for _ in range(2):
            terminal.shows(b"HOST   COMPONENT  STATE ")
            terminal.shows(b"idle9")
        terminal.types(b"\x03")
        assert terminal.ends() == 130
        assert b"\x1b" not in terminal.shown
