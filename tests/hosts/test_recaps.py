"""The end of commands: totals, hints and `--json`; and the output and the live line before that."""

import json
import os
import re
import shlex
import signal
import socket
import time
from typing import Any

import pyte
import pytest

from tests.support.checkout import FAB
from tests.support.commands import read_line, running
from tests.support.lab import Lab, repeat
from tests.support.ports import free_port
from tests.support.terminal import Terminal
from tests.support.waiting import eventually

CONFIG = """
def add(name, host, script, index=1, **given):
    component = Component(name=name, host=host, start_index=index, executable='/bin/sh', args=['-c', script], **given)
    config.add_component(component)
"""
FAILING = """
add('server', 'node1', 'echo up; exec sleep 1000', ready=util.log('up'))
add('good', 'node1', 'echo fine', 2, wait=True)
add('bad', 'node2', 'echo one; sleep 2; echo two; echo; exit 3', 2, wait=True)
add('dies', 'node2', 'echo mute >output; kill -9 $$', 2, wait=True)
"""


def test_failed_run_ends_with_recap(lab: Lab) -> None:
    lab.config(CONFIG + FAILING)
    done = lab.fab("run", "-c", "cfg.py")
    assert done.returncode == 1
    *_, totals, hint = done.stdout.splitlines()
    assert re.fullmatch(r"2 hosts, 4 components: 2 failed, 1 ready, 1 ended; \d+\.\d s", totals)
    assert len(done.stderr.splitlines()) == 4, done.stderr
    bad, last, dies, repeated = done.stderr.splitlines()
    assert re.fullmatch("node2/bad: wait: ended with exit status 3 after [234] s; last line of its output:", bad)
    assert last == "  | two"
    assert re.fullmatch("node2/dies: wait: was ended by SIGKILL after [01] s", dies)
    assert repeated.startswith("repeat with: ")
    purpose, command = hint.split(": ", 1)
    assert purpose == "show their output with"
    shown = lab.prefork.run([str(FAB), *shlex.split(command)[1:]], lab.folder, lab.environment, 60).stdout
    assert "two" in shown and "up" not in shown


def facts(lab: Lab, *words: str, status: int = 0) -> dict[str, Any]:
    """Return the document of a command with --json, which must be all of its stdout."""
    done = lab.fab(*words, "--json", "-c", "cfg.py")
    assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout)
    assert (found["command"], found["exit_code"]) == (words[0], status)
    assert 0 < found["seconds"] < 60
    return found


def states(found: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["state"] for each in found["components"]}


def test_json_has_the_facts(lab: Lab) -> None:
    lab.write("data", "12345")
    lab.config(CONFIG + FAILING + "add('file', 'node2', 'exec sleep 1000', base_dir='d', files={'data': 'data'})\n")
    found = facts(lab, "run", status=1)
    assert states(found) == {"server": "ready", "good": "ended", "bad": "failed", "dies": "failed", "file": "running"}
    bad = next(each for each in found["components"] if each["name"] == "bad")
    assert (bad["host"], bad["exit_status"], bad["last_line"], bad["seconds"] >= 2) == ("node2", 3, "two", True)
    node1, node2 = found["hosts"]
    assert (node2["files"], node2["sent"], node2["sent_bytes"], node2["session_is_new"]) == (1, 1, 5, True)
    assert (node1["host"], node1["failed"], node1["killed_sessions"]) == ("node1", False, [])
    assert [each["where"] for each in found["failures"]] == ["node2/bad", "node2/dies"]
    assert set(found["hints"]) == {"show their output with", "repeat with"}

    after = {"server": "stopped", "file": "stopped", "good": "ended", "bad": "failed", "dies": "failed"}
    assert states(facts(lab, "stop")) == after == states_of_status(lab)
    assert facts(lab, "sync")["hosts"][1]["sent"] == 0
    assert states(facts(lab, "start", "--limit", "server")) == {"server": "ready"}
    assert states(facts(lab, "wait", "--limit", "good")) == {"good": "ended"}
    assert len(facts(lab, "screen")["hosts"]) == 2
    node1, _ = facts(lab, "kill")["hosts"]
    assert node1["killed_components"] == 1 and node1["killed_processes"] >= 2
    assert set(states(facts(lab, "start", status=1)).values()) == {None}, "the hosts answer, but have no session"
    assert set(states(facts(lab, "restart", status=1)).values()) == {None}, "nothing was changed"
    assert states_of_status(lab) == after
    facts(lab, "screen")
    assert states(facts(lab, "wait", "--limit", "good", status=1)) == {"good": "waiting"}, "in the new session"
    assert set(states_of_status(lab).values()) == {"waiting"} == set(states(facts(lab, "stop")).values())
    lab.farm.stop(lab.node2)
    try:
        lost = facts(lab, "kill", status=1)
    finally:
        lab.farm.start(lab.node2)
    assert [each["failed"] for each in lost["hosts"]] == [False, True]


def states_of_status(lab: Lab) -> dict[str, str]:
    found = json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)
    return {each["name"]: each["state"] for each in found}


# The second index is ready after the first component has failed.
CRASHING = """
add('soon', 'node1', 'sleep 1; echo broken; exit 3')
add('fine', 'node1', 'exec sleep 1000')
add('slow', 'node2', 'sleep 3; echo up; exec sleep 1000', 2, ready=util.log('up'))
"""


@pytest.mark.parametrize("words", [["start"], ["restart"], ["start", "--keep-going"]], ids=" ".join)
def test_start_reports_later_failures(lab: Lab, words: list[str]) -> None:
    lab.config(CONFIG + CRASHING)
    lab.run("screen")
    done = lab.fab(*words, "-c", "cfg.py")
    assert done.returncode == 1
    first, output, *_, last = done.stderr.splitlines()
    assert re.fullmatch("node1/soon: check: ended with exit status 3 after [12] s; last line of its output:", first)
    assert output == "  | broken"
    assert "\n2 hosts, 3 components: 1 failed, 1 ready, 1 running; " in done.stdout
    assert last.startswith("repeat with: ") and "fab" in last and " start " in last and "--limit node1/soon" in last
    found = facts(lab, "restart", *words[1:], status=1)
    assert states(found) == {"soon": "failed", "fine": "running", "slow": "ready"} == states_of_status(lab)
    assert [(each["where"], each["stage"]) for each in found["failures"]] == [("node1/soon", "check")]


def test_start_stops_all_after_later_failure(lab: Lab) -> None:
    lab.config(CONFIG + CRASHING)
    lab.run("screen")
    done = lab.fab("start", "--on-exit", "stop", "-c", "cfg.py")
    assert done.returncode == 1
    assert re.match("node1/soon: check: ended with exit status 3 after [12] s; stopping all components", done.stderr)
    assert states_of_status(lab) == {"soon": "failed", "fine": "stopped", "slow": "stopped"}


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("screen", r"1 host, 1 session: 1 new, 0 existing; \S+ s\ncopy the files with: fab .*"),
        ("sync", r"1 host, 0 files: 0 sent \(0 B\); \S+ s\nstart the components with: fab .*"),
        ("run", r"1 host, 1 component: 1 running; \S+ s\nshow output with: fab .*\nkill everything with: fab .*"),
        ("stop", r"1 host, 1 component: 1 waiting; \S+ s\nstart them again with: fab .*"),
        ("kill", r"1 host, 0 sessions ended, 0 components stopped; \S+ s\nrun again with: fab .*"),
    ],
)
def test_successful_commands_end_with_recap(lab: Lab, command: str, line: str) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'exec sleep 1000')")
    assert re.search(f"\n{line}\n$", lab.run(command).stdout)


def test_follow_shows_all_output_in_order(lab: Lab) -> None:
    lab.config(CONFIG + "add('old', 'node2', 'echo before; exec sleep 1000')")
    lab.run("run")
    lab.config(
        CONFIG
        + "add('old', 'node2', 'echo before; exec sleep 1000')\n"
        + "add('long', 'node1', 'seq 20000; printf end', ready=util.ended())\n"
        + "add('late', 'node2', 'echo first; sleep 1; echo last', 2, wait=True)\n"
    )
    said = lab.run("run", "-f", "--no-kill").stdout
    assert [line for line in said.splitlines() if line.startswith("long | ")] == [
        *(f"long | {number}" for number in range(1, 20001)),
        "long | end",
    ]
    texts = ("start 1  ", "start 2  ", "late | first\n", "late | last\n", "2 hosts, 3 components: ")
    places = [said.index(text) for text in texts]
    assert places == sorted(places)
    assert "before" not in said


def test_follow_waits_for_all_without_wait(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'sleep 1; echo one')\nadd('b', 'node2', 'echo two; exit 3')")
    done = lab.fab("run", "--follow", "-c", "cfg.py")
    assert done.returncode == 1
    assert "a | one\n" in done.stdout and "b | two\n" in done.stdout
    assert "2 components: 1 failed, 1 ended;" in done.stdout
    assert lab.fab("run", "--follow", "--json", "-c", "cfg.py").returncode == 2


@pytest.mark.transports
def test_exec_shows_equal_output_once(lab: Lab) -> None:
    lab.config(CONFIG + "for host in ('node1', 'node2', 'localhost'):\n    add('a', host, '')")
    said = lab.run("exec", "cat; echo \"it's $((1 + 1))\"; printf 'no newline' >&2").stdout
    assert "\nlocalhost,node[1-2]:\n  it's 2\n  no newline\n3 hosts, 3 exited with 0; " in said
    done = lab.fab("exec", "test -e only || exit 5", "-c", "cfg.py", "--limit", "node*")
    assert done.stderr.splitlines()[:2] == ["node1: exec: exited with 5", "node2: exec: exited with 5"]
    assert "\nnode[1-2] (exited with 5):\n  (no output)\n2 hosts (2 failed), 2 exited with 5; " in done.stdout
    for host in (lab.node1, lab.node2):
        (host.home / "only").touch()
    repeat(lab, done.stderr.rpartition("repeat with: ")[2].strip())
    found = facts(lab, "exec", "head -c 3000000 /dev/zero | tr '\\0' x; echo end", "--limit", "node1")
    assert (found["hosts"][0]["exit_status"], found["hosts"][0]["output"]) == (0, "x" * 1_000_000)
    late = lab.fab("exec", "trap '' TERM; echo begun; sleep 1000", "--timeout", "1", "--limit", "node1", "-c", "cfg.py")
    assert (late.returncode, late.stderr.splitlines()[0]) == (1, "node1: exec: timed out after 1 s")
    assert "  begun\n" in late.stdout
    begun = time.monotonic()
    said = lab.run("exec", "sleep 1000 & echo in the background", "--timeout", "1", "--limit", "node1").stdout
    assert "  in the background\n" in said and time.monotonic() - begun < 15
    for words in (["exec", "true", "--timeout", "0"], ["exec", "true", "--timeout", "-1"], ["exec", " "]):
        refused = lab.fab(*words, "-c", "cfg.py")
        assert (refused.returncode, refused.stderr.count("\n"), refused.stdout) == (2, 1, "")


def test_waits_show_a_live_line(lab: Lab) -> None:
    lab.config(
        CONFIG
        + "add('slow', 'node1', 'until [ -e ~/go ]; do sleep 0.1; done; echo up; exec sleep 3',"
        + " ready=util.log('up', timeout=70), wait=True)"
    )
    terminal = Terminal(lab.command("run", "-c", "cfg.py"), cwd=lab.folder, env=lab.environment | {"TERM": "xterm"})
    try:
        terminal.shows(b"\r\x1b[Kstart 1  0/1      ready: slow 0/1   waits for: slow on node1 1 s of 70 s")
        terminal.shows(b"\r\x1b[Kstart 1  0/1      ready: slow 0/1   waits for: slow on node1 2 s of 70 s")
        (lab.node1.home / "go").touch()
        terminal.shows(b"\r\x1b[K")
        terminal.shows(b"\r\x1b[Kwait     0/1      ended: slow 0/1   waits for: slow on node1 1 s, no limit")
        terminal.shows(b"1 host, 1 component: 1 ended; ")
        eventually(lambda: b"show output with" in terminal.shown, "the end")
        assert b"waits for" not in terminal.shown and terminal.ends() == 0
    finally:
        terminal.close()
    (lab.node1.home / "go").unlink()
    lab.config(
        CONFIG + "add('slow', 'node1', 'sleep 1', wait=True)\n"
        "add('stubborn', 'node1', \"trap '' TERM; while :; do sleep 1; done\")"
    )
    terminal = Terminal(
        lab.command("run", "--terminate", "-c", "cfg.py"), cwd=lab.folder, env=lab.environment | {"TERM": "xterm"}
    )
    try:
        terminal.shows(b"terminating: stubborn on node1 ")
        terminal.shows(b" s (KILL follows after 5 s)")
        eventually(lambda: b"2 components: 1 stopped, 1 ended" in terminal.shown, "the end")
    finally:
        terminal.close()
    assert "waits for" not in (done := lab.fab("wait", "-c", "cfg.py")).stdout + done.stderr


SIX = "for host in ['node1', 'node2', 'node3']:\n    for name in 'ab':\n        add(name, host, 'exec sleep 1000')\n"


def on_terminal(lab: Lab, *words: str) -> list[str]:
    """Return the lines that a command leaves on a terminal."""
    terminal = Terminal(lab.command(*words), cwd=lab.folder, env=lab.environment | {"TERM": "xterm", "NO_COLOR": "1"})
    try:
        assert terminal.ends() == 0
    finally:
        terminal.close()
    screen = pyte.Screen(columns=100, lines=200)  # with room for lines that a user scrolls back to
    pyte.ByteStream(screen).feed(terminal.shown)
    return [line.rstrip() for line in screen.display]


def test_stages_on_a_terminal_are_a_line_each(lab: Lab) -> None:
    lab.config(CONFIG + SIX)
    connect, kill, screen, sync, start, *_ = on_terminal(lab, "run", "-c", "cfg.py")
    assert re.fullmatch(r"connect  3/3 +\d+\.\d s", connect)
    assert re.fullmatch(r"kill     3/3      nothing to end +\d+\.\d s", kill)
    assert re.fullmatch(r"screen   3/3      new session +\d+\.\d s", screen)
    assert re.fullmatch(r"sync     3/3      nothing sent +\d+\.\d s", sync)
    assert re.fullmatch(r"start 1  3/3      6 started +\d+\.\d s", start)


def test_host_that_differs_or_is_slow_is_named(lab: Lab) -> None:
    lab.config(CONFIG + SIX)
    lab.fab("screen", "-c", "cfg.py", "--limit", "node2")
    _, screen, named, *_ = on_terminal(lab, "screen", "-c", "cfg.py")
    assert re.fullmatch(r"screen   3/3      2 new session, 1 existing session +\d+\.\d s", screen)
    assert named == "  existing session: node2"
    shown = on_terminal(lab, "exec", "case ~ in */node3*) sleep 1.5 ;; esac", "-c", "cfg.py")
    assert re.fullmatch(r"exec     3/3      exited with 0 +\d+\.\d s", shown[0])
    assert re.fullmatch(r"  slow, most took 0\.\d s: node3 [1-9]\.\d s", shown[1])


def test_verbose_shows_a_line_per_host(lab: Lab) -> None:
    lab.config(CONFIG + SIX)
    shown = on_terminal(lab, "run", "-v", "-c", "cfg.py")
    assert [line for line in shown if "nothing to end" in line] == [f"  node{n}  nothing to end" for n in (1, 2, 3)]
    assert len([line for line in shown if "started, pid " in line]) == 6


def test_pipe_has_the_same_lines_with_verbose(lab: Lab) -> None:
    lab.config(CONFIG + SIX)
    plain, verbose = lab.fab("sync", "-c", "cfg.py"), lab.fab("sync", "-v", "-c", "cfg.py")
    assert plain.stdout.splitlines()[:2] == ["sync  3 hosts", "  node[1-3]  0 files, nothing sent"]
    assert verbose.stdout.splitlines()[:2] == plain.stdout.splitlines()[:2]


def test_interrupted_follow_reports_no_loss(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'echo up; exec sleep 1000')\nadd('b', 'localhost', 'exec sleep 1000')")
    with running(lab, "run", "-f") as fab:
        seen = read_line(fab)
        while not ("a | up" in seen and "wait  " in seen):  # in any order
            seen += read_line(fab)
        os.killpg(fab.pid, signal.SIGINT)
        said, _ = fab.communicate(timeout=20)
    assert fab.returncode == 130
    assert "lost" not in said and "logs:" not in said
    interrupted, _, *still, again, kill = said.splitlines()
    assert interrupted == "interrupted in wait; still waiting for localhost/b, node1/a"
    assert len(still) == 2 and again.startswith("continue waiting with: ") and kill.startswith("kill everything with: ")


def test_hints_fit_the_failure(lab: Lab) -> None:
    """They name no component without own output, and the settings file stands in front of the command."""
    port = free_port("127.0.0.1")
    settings = lab.write("mine.yaml", "remote_runner:\n  config: cfg.py\n")
    late = "add('late', 'node2', 'echo slow; exec sleep 1000', ready=util.log('never', timeout=0.5))\n"
    lab.config(CONFIG + late + f"add('taken', 'node1', 'true', ready=util.port({port}))\n")
    with socket.create_server(("127.0.0.1", port)):
        done = lab.fab("-f", settings, "run")
    assert done.returncode == 1
    hints = dict(line.split(": ", 1) for line in done.stdout.splitlines()[-2:])
    assert list(hints) == ["show their output with", "after a correction, sync, then restart it with"]
    for command in hints.values():
        words = shlex.split(command)[1:]
        assert words[words.index("-f") + 1] == str(settings) and words[words.index("--limit") + 1] == "node2/*"
        done = lab.prefork.run([str(FAB), *words], lab.folder, lab.environment, 60)
        assert (done.returncode, "slow" in done.stdout) in [(0, True), (1, False)], done.stderr
    lab.config(CONFIG + late.replace("never", "slow"))
    lab.run("restart", "late")
    limited = lab.run("start", "--limit", "late").stdout
    assert "--limit" not in limited.partition("kill everything with: ")[2]
