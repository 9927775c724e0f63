"""`fab stop` and `fab restart`: the components that end, how, and in which order."""

import re
import time
from pathlib import Path

import pytest

from tests.support.commands import running
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.outcomes import timeless
from tests.support.processes import is_alive
from tests.support.sessions import ids, titles
from tests.support.soak import often
from tests.support.waiting import eventually

CONFIG = """
def add(name, host, script, index=1, **more):
    config.add_component(
        Component(name=name, host=host, executable="/bin/sh", args=["-c", script], start_index=index, **more))
"""

# A program with many children. It counts its signals, and ends a second after the first one.
COUNTER = """
import signal, subprocess, sys, time
counted = open(sys.argv[1], "w", 1)
signal.signal(signal.SIGTERM, lambda *_: print("TERM", file=counted))
children = [subprocess.Popen(["sleep", "1000"]) for _ in range(100)]
print("begun", file=counted)
signal.pause()
time.sleep(1)
sys.exit(3)
"""


def pid_of(lab: Lab, host: str, name: str) -> int:
    """The process id that the host keeps of a component."""
    return int(text(lab.farm.hosts[host].state() / name / "pid"))


def names(lab: Lab) -> list[str]:
    """The titles of the windows of node1, sorted: without numbers and flags, as of `1$ a  2(L)Z b`."""
    (id_,) = ids(lab.node1)
    return sorted(re.findall(r"[0-9]+\S* (\S+)", lab.node1.run(f"screen -S {id_} -Q windows")))


def started(lab: Lab, config: str) -> None:
    lab.config(CONFIG + config)
    lab.run("screen")
    lab.run("start")


def test_stop_follows_indices_and_signals(lab: Lab) -> None:
    noting = "trap 'echo {0} >>{1}/order; exit 3' {0}; while :; do sleep 0.05; done"
    started(
        lab,
        f"add('a', 'node1', {noting.format('INT', lab.folder)!r}, stop_signal='SIGINT')\n"
        f"add('b', 'node2', {noting.format('USR1', lab.folder)!r}, 2, stop_signal='USR1')\n"
        f"add('c', 'localhost', {noting.format('TERM', lab.folder)!r}, 3)\n",
    )
    stopped = lab.run("stop").stdout
    assert text(lab.folder / "order").split() == ["TERM", "USR1", "INT"]
    assert re.findall(r"^  (\S+)  (.*)$", timeless(stopped), re.MULTILINE) == [
        ("localhost/c", "ended with exit status 3"),
        ("node2/b", "ended with exit status 3"),
        ("node1/a", "ended with exit status 3"),
    ]
    assert lab.node1.sessions() == lab.node2.sessions() == ["runner"]
    assert len(re.findall(r"^  \S+  stopped before$", lab.run("stop").stdout, re.MULTILINE)) == 3


def test_program_gets_signal_before_its_children(lab: Lab) -> None:
    lab.write("counter", COUNTER)
    started(
        lab,
        "for number in range(12):\n    add(f'w{number}', 'node1', 'sleep 1000 & sleep 1000 & wait')\n"
        f"add('counter', 'node1', 'exec python3 {lab.folder}/counter {lab.folder}/counted')\n",
    )
    eventually(lambda: "begun" in text(lab.folder / "counted"), "a program with many children")
    stopped = lab.run("stop").stdout
    assert len(re.findall(r"node1/w[0-9]+  was ended by SIGTERM", stopped)) == 12, stopped
    assert text(lab.folder / "counted").split() == ["begun", "TERM"]
    lab.run("start")
    lab.run("kill")
    recorded = [text(path).strip() for path in lab.node1.state().glob("w*/status")]
    assert len(recorded) == 12
    assert set(recorded) <= {"143", "129"}, "TERM, or HUP of the closed window"


def test_stop_ends_only_chosen_components(lab: Lab) -> None:
    lab.write("child", "#!/bin/sh\ntrap 'touch ~/told; exit' TERM\ntouch ~/ready\nwhile :; do sleep 0.05; done", 0o755)
    child = f"sleep 1000 & setsid {lab.folder}/child & wait"
    started(lab, f"add('a', 'node1', {child!r})\nadd('b', 'node1', 'sleep 1000')")
    eventually((lab.node1.home / "ready").exists, "a child in a session of its own")
    a, b = pid_of(lab, "node1", "a"), pid_of(lab, "node1", "b")
    children = [int(pid) for pid in Path(f"/proc/{a}/task/{a}/children").read_text().split()]
    assert len(children) == 2
    assert "node1/a  was ended by SIGTERM" in lab.run("stop", "--limit", "a").stdout
    assert not any(map(is_alive, [a, *children]))
    assert (lab.node1.home / "told").exists()
    assert is_alive(b)
    assert {"a", "b"} <= set(titles(lab.node1))


@pytest.mark.parametrize("grace", often(["2"], ["0"]))
def test_grace_ends_with_kill(lab: Lab, grace: str) -> None:
    started(lab, "add('a', 'node1', 'trap \"date +%s.%N >~/told\" TERM; while :; do sleep 0.05; done')")
    assert "node1/a  was ended by SIGKILL" in lab.run("stop", "--grace", grace).stdout
    if grace != "0":
        told = float(text(lab.node1.home / "told"))
        assert (lab.node1.state() / "a/status").stat().st_mtime - told > 1


@pytest.mark.transports
def test_restart_reuses_windows(lab: Lab) -> None:
    started(
        lab,
        "add(\"it's-'a'\", 'node1', 'echo run; sleep 1000')\nadd('b', 'node1', 'exit 0')\nadd('c', 'node2', 'sleep 9')",
    )
    (folder,) = (path for path in lab.node1.state().iterdir() if path.name.startswith("it"))
    before = {name: pid_of(lab, "node1", name) for name in (folder.name, "b")}
    sessions = ids(lab.node1)
    windows = names(lab)
    assert windows == ["b", "it's-'a'", "shell"]
    for _ in range(3):
        lab.run("restart", "--limit", "node1")
    assert names(lab) == windows
    assert ids(lab.node1) == sessions
    assert pid_of(lab, "node1", folder.name) != before[folder.name]
    assert not is_alive(before[folder.name])
    assert pid_of(lab, "node1", "b") != before["b"]
    eventually(lambda: text(folder / "output").count("run") == 1, "the output of the last one alone")


def test_restart_spares_foreign_window(lab: Lab) -> None:
    started(lab, "add('a', 'node1', 'exit 0')")
    kept = lab.node1.state() / "a"
    eventually(lambda: (kept / "status").exists(), "its end")
    session = text(kept / "session").strip()
    lab.node1.run(f"screen -S {session} -p {text(kept / 'window').strip()} -X kill")
    eventually(lambda: "a" not in titles(lab.node1), "the end of the window")
    lab.node1.run(f"screen -S {session} -X screen -t mine sleep 1000")
    eventually(lambda: "mine" in titles(lab.node1), "a window of the user's own")
    lab.run("restart")
    assert {"mine", "a"} <= set(titles(lab.node1))


@pytest.mark.parametrize("grace", ["-1", "1000001"])
def test_invalid_grace_is_refused(lab: Lab, grace: str) -> None:
    lab.config(CONFIG + "add('a', 'node1', '')")
    done = lab.fab("stop", "-c", "cfg.py", "--grace", grace)
    assert done.returncode == 2
    assert "--grace" in done.stderr


@pytest.mark.parametrize("host", ["node1", "localhost", "wrapped"])
def test_cut_stop_kills_nothing_later(lab: Lab, host: str) -> None:
    """Though its controller is a zombie, or a ForceCommand is between it and sshd."""
    if host == "wrapped":
        lab.farm.add(host, {"ForceCommand": 'cd; sh -c "$SSH_ORIGINAL_COMMAND"; true'})
    started(
        lab,
        f"add('quick', {host!r}, 'exec sleep 1000')\n"
        f"add('stubborn', {host!r}, 'trap : TERM; touch {lab.folder}/there; while :; do sleep 0.1; done')\n",
    )
    eventually((lab.folder / "there").exists, "a program that does not end")
    where = lab.here if host == "localhost" else lab.farm.hosts[host]

    def pid(name: str) -> int:
        return int(text(where.state() / name / "pid"))

    old = pid("quick")
    with running(lab, "stop", "--grace", "3") as fab:
        eventually(lambda: not is_alive(old), "the end of the other")
        fab.kill()
        begun = time.monotonic()
        lab.run("start", "--limit", "quick")
        time.sleep(max(0, begun + 4 - time.monotonic()))  # by then, the one that was cut off would have killed all
        fab.communicate()
    assert is_alive(pid("quick")) and is_alive(pid("stubborn"))
