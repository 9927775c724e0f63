"""`fab status`: the state of each component, as its host reports it."""

import contextlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT
from tests.support.connections import sessions_begun
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.outcomes import timeless
from tests.support.waiting import eventually

PROGRAMS = """
def add(name, host, script, index=1):
    config.add_component(Component(name=name, host=host, executable="/bin/sh", args=["-c", script], start_index=index))
add("busy", "node1", "sh -c 'until [ -e ~/go ]; do sleep 0.1; done; while :; do :; done' & wait")
add("idle", "node2", "exec sleep 1000")
add("good", "node1", "exit 0")
"""
BROKEN = """
add("three", "node2", "exit 3")
add("term", "localhost", "kill -TERM $$")
add("gone", "node3", "exec sleep 1000", 2)
"""


def statuses(lab: Lab, *words: str, code: int) -> dict[str, dict[str, Any]]:
    """Return the output of `fab status --json`, by label."""
    done = lab.fab("status", "--json", "-c", "cfg.py", *words)
    assert done.returncode == code, done.stderr
    assert done.stderr == ""
    return {f"{each['host']}/{each['name']}": each for each in json.loads(done.stdout)}


def test_status_describes_each_component(lab: Lab) -> None:
    lab.config(PROGRAMS + BROKEN)
    assert {each["state"] for each in statuses(lab, code=0).values()} == {"waiting"}
    done = lab.fab("run", "-c", "cfg.py")
    assert done.returncode == 1
    assert timeless(done.stderr).splitlines() == [
        "localhost/term: check: was ended by SIGTERM",
        "node2/three: check: ended with exit status 3",
        f"repeat with: fab -r {ROOT} run --no-kill --config {lab.folder}/cfg.py"
        f" --limit 'localhost/*,node2/three' -S {lab.farm.ssh_config}",
    ]
    eventually(lambda: statuses(lab, code=1)["localhost/term"]["state"] == "failed", "the end of all that end")
    os.kill(statuses(lab, code=1)["node3/gone"]["pid"], signal.SIGKILL)
    eventually(lambda: statuses(lab, code=1)["node3/gone"]["state"] == "failed", "the end of the one that is killed")
    (lab.node1.home / "go").touch()  # not earlier: a busy program slows this machine down
    lab.farm.stop(lab.node2)
    try:
        found = statuses(lab, code=1)
    finally:
        lab.farm.start(lab.node2)
    assert {label: each["state"] for label, each in found.items()} == {
        "node1/busy": "running",
        "node2/idle": "unknown",
        "node1/good": "ended",
        "node2/three": "unknown",
        "localhost/term": "failed",
        "node3/gone": "failed",
    }
    assert found["node1/good"]["exit_status"] == 0
    assert (found["localhost/term"]["exit_status"], found["localhost/term"]["signal"]) == (143, "SIGTERM")
    assert found["node3/gone"]["signal"] == "SIGKILL"
    assert found["node1/busy"]["cpu"] > 0.02, "also what the program has started"
    assert found["node1/busy"]["memory"] > 100_000
    assert "connection refused" in found["node2/idle"]["problem"]
    assert str(found["node1/busy"]["pid"]) == (lab.node1.state() / "busy/pid").read_text().strip()
    before = sessions_begun(lab.node1)
    table = lab.fab("status", "-c", "cfg.py")
    assert sessions_begun(lab.node1) == before + 1, "one script a host"
    assert table.returncode == 1
    assert re.search(r"^HOST +COMPONENT +STATE +EXIT +PID +FOR +CPU +MEMORY$", table.stdout, re.M)
    assert re.search(r"^localhost +term +failed +SIGTERM +\d+ +\d+ s +- +-$", table.stdout, re.M)
    assert re.search(r"^node1 +busy +running +- +\d+ +\d+ s +\d+ % +[\d.]+ [kM]B$", table.stdout, re.M)


def test_status_exit_code_follows_states(lab: Lab) -> None:
    lab.config(PROGRAMS)
    lab.run("run")
    eventually(lambda: statuses(lab, code=0)["node1/good"]["state"] == "ended", "the end of the one that ends")
    assert statuses(lab, "--limit", "idle", code=0).keys() == {"node2/idle"}
    lab.run("kill")
    found = statuses(lab, code=0)
    assert {label: each["state"] for label, each in found.items()} == {
        "node1/busy": "stopped",
        "node2/idle": "stopped",
        "node1/good": "ended",
    }
    assert found["node1/busy"]["signal"] in ("SIGTERM", "SIGHUP")
    lab.run("screen")
    assert {each["state"] for each in statuses(lab, code=0).values()} == {"waiting"}, "in the new session"


HOSTS = {
    **dict.fromkeys(("closed", "killed", "kept", "hung-up"), "node1"),
    "quit": "node2",
    **dict.fromkeys(("booted", "shut", "failed"), "node3"),
}
# One that still runs, one that got SIGHUP in its window, and one that failed before the shutdown.
OTHERS = {"kept": ("running", None), "hung-up": ("failed", None), "failed": ("failed", None)}
CLOSED = "its window was closed, or it was killed together with its launcher"
LOSSES = {
    "closed": CLOSED,
    "killed": CLOSED,
    "quit": "its screen session has ended",
    "booted": "the host was restarted",
    "shut": "the host was restarted",
}


@pytest.mark.transports("soak")
def test_lost_components_have_a_reason(lab: Lab) -> None:
    """A window that is closed by hand, a killed launcher, a session that is quit, and a host that is restarted."""
    lab.config(
        f"for name, host in {HOSTS!r}.items():\n"
        "    config.add_component(Component(name=name, host=host, start_index=1, wait=True, args=['1000'],"
        " executable='/bin/sleep'))\n"
    )
    lab.run("screen")
    lab.run("start")
    on_node1, on_node3 = lab.node1.state(), lab.node3.state()
    lab.node1.run(f"screen -S runner -p {text(on_node1 / 'closed/window').strip()} -X kill")
    lab.node2.run("screen -S runner -X quit")
    for folder in (on_node1 / "killed", on_node3 / "booted"):
        for file in ("launcher.pid", "pid"):
            with contextlib.suppress(ProcessLookupError):  # the launcher's end may hang up the program
                os.kill(int(text(folder / file)), signal.SIGKILL)
    signals = {
        on_node3 / "shut": signal.SIGTERM,
        on_node3 / "failed": signal.SIGABRT,
        on_node1 / "hung-up": signal.SIGHUP,
    }
    for folder, number in signals.items():
        os.kill(int(text(folder / "pid")), number)
    eventually(lambda: all((folder / "status").exists() for folder in signals), "the ends by signals")
    # As after a restart of the machine: 300 s earlier, a shutdown has ended the program.
    booted = re.search(r"^btime (\d+)", text(Path("/proc/stat")), re.MULTILINE)
    assert booted
    for name in ("booted", "shut", "failed"):
        (on_node3 / name / "boot").write_text("another\n")
        (on_node3 / name / "ended").write_text(f"{int(booted[1]) - 300}\n")
    eventually(lambda: statuses(lab, code=1)["node2/quit"]["state"] == "lost", "the end of the session")
    found = {each["name"]: (each["state"], each["problem"]) for each in statuses(lab, code=1).values()}
    assert found == {name: ("lost", reason) for name, reason in LOSSES.items()} | OTHERS
    done = lab.fab("wait", "-c", "cfg.py", "--limit", ",".join(LOSSES))
    said = timeless(done.stderr).splitlines()
    assert [line for line in said if "wait: was lost: " in line] == sorted(
        f"{HOSTS[name]}/{name}: wait: was lost: {reason}" for name, reason in LOSSES.items()
    )
    assert done.returncode == 1 and "5 lost" in done.stdout


def test_watch_with_json_is_refused(lab: Lab) -> None:
    lab.config(PROGRAMS)
    done = lab.fab("status", "--watch", "--json", "-c", "cfg.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "--watch: cannot be combined with --json, which prints one document\n"


def test_status_needs_no_local_files(lab: Lab) -> None:
    lab.write("data", "here for now")
    lab.config(
        "config.add_component(Component(name='a', host='node1', executable='/bin/sleep', args=['1000'],"
        " start_index=1, files={'data': 'data'}))"
    )
    lab.run("run")
    (lab.folder / "data").unlink()
    for command in ("status", "logs", "collect", "stop", "start", "restart", "screen", "kill"):
        lab.run(command)
    for command in ("run", "sync", "plan", "doctor", "config"):
        done = lab.fab(command, "-c", "cfg.py")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"a.files: {lab.folder}/data: No such file or directory\n"


def test_state_lasts_until_the_end_is_recorded(lab: Lab) -> None:
    """The launchers stand still when their programs end. Before, one has not executed its program yet."""
    lab.config(
        "for name, ready in (('plain', None), ('log', util.log('up'))):\n"
        "    config.add_component(Component(name=name, host='node1', executable='/bin/sh', start_index=1, ready=ready,"
        " args=['-c', 'echo up; exec sleep 1000']))\n"
    )
    lab.run("run")

    def states() -> dict[str, str]:
        found = json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)
        return {each["name"]: each["state"] for each in found}

    plain, log = lab.node1.state() / "plain", lab.node1.state() / "log"
    own_pid = text(plain / "pid")
    with subprocess.Popen(["sh", "-c", "sleep 1000; :", f"{plain}/launcher"], start_new_session=True) as window:
        (plain / "pid").write_text(f"{window.pid}\n")
        own_born = text(plain / "born")
        (plain / "born").write_text(Path(f"/proc/{window.pid}/stat").read_text().split()[21] + "\n")
        assert states() == {"plain": "starting", "log": "ready"}
        os.killpg(window.pid, signal.SIGKILL)
    (plain / "pid").write_text(own_pid)
    (plain / "born").write_text(own_born)
    launchers = [int(text(folder / "launcher.pid")) for folder in (plain, log)]
    for pid in launchers:
        os.kill(pid, signal.SIGSTOP)
    try:
        for folder in (plain, log):
            os.kill(int(text(folder / "pid")), signal.SIGKILL)
        assert states() == {"plain": "running", "log": "ready"}
    finally:
        for pid in launchers:
            os.kill(pid, signal.SIGCONT)
    eventually(lambda: states() == {"plain": "failed", "log": "failed"}, "the record of the ends")
