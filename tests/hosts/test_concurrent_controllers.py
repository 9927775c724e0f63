"""Two controllers at work on one session: the hold, and when it ends."""

import getpass
import re
import socket
import subprocess
from pathlib import Path

from tests.support.checkout import ROOT
from tests.support.commands import running
from tests.support.lab import Lab
from tests.support.stages import configure, hanging_kill, started
from tests.support.waiting import eventually


def test_second_controller_is_refused(lab: Lab) -> None:
    configure(lab, ["node1", "node2", "localhost"])
    with hanging_kill(lab.node2) as wait_until_it_hangs, running(lab, "run") as fab:
        wait_until_it_hangs()
        who = f"{getpass.getuser()}@{socket.gethostname()}, process {fab.pid},"
        stages = {
            "kill": "kill",
            "screen": "screen",
            "sync": "sync",
            "start": "start 1",
            "stop": "stop 2",
            "run": "kill",
        }
        for command, stage in stages.items():
            done = lab.fab(command, "-c", "cfg.py", "--limit", "node2")
            assert done.returncode == 1
            survivors = "; any of these may still run: a, b" if command in ("kill", "stop") else ""
            reason, *rest = done.stderr.splitlines()
            assert re.fullmatch(
                rf"node2: {stage}: {re.escape(who)} has locked session \"runner\"; wait until"
                rf" that ends \(process \d+ on the host\){survivors}",
                reason,
            ), done.stderr
            has_later = command in ("run", "start", "restart")
            assert rest == [
                *([f"{stage} failed; later stages were not started"] if has_later else []),
                f"repeat with: fab -r {ROOT} {command} --config {lab.folder}/cfg.py --limit node2 -S {lab.farm.ssh_config}",
            ]
        for command in ("status", "logs", "plan", "wait"):
            assert "works on" not in lab.fab(command, "-c", "cfg.py", "--limit", "node2").stderr
        assert lab.fab("kill", "-c", "cfg.py", "--screen", "another", "--limit", "node2").returncode == 0
        fab.kill()
    (lab.node2.state() / ".sessions").unlink(missing_ok=True)  # the kill may just have ended
    eventually(lambda: lab.fab("run", "-c", "cfg.py").returncode == 0, "the end of the hold")
    assert all(started(host) == ["a", "b"] for host in (lab.node1, lab.node2, lab.here))
    assert not list(lab.node2.state().glob(".held*"))


def test_hold_of_a_zombie_is_over(lab: Lab) -> None:
    configure(lab, ["node1"])
    with subprocess.Popen(["true"]) as ended:
        stat = Path(f"/proc/{ended.pid}/stat")
        eventually(lambda: stat.read_text().rpartition(") ")[2].startswith("Z"), "its end")
        born = stat.read_text().rpartition(") ")[2].split()[19]
        lab.node1.state().mkdir(parents=True, mode=0o700)
        (lab.node1.state() / f".held.{ended.pid}.{born}").write_text("1 1 somebody\n")
        done = lab.fab("kill", "-c", "cfg.py")
    assert (done.returncode, done.stderr) == (0, "")


def test_many_controllers_start_none_twice(lab: Lab) -> None:
    configure(lab, ["node1", "localhost"])
    lab.run("screen")
    fabs = [running(lab, "start") for _ in range(4)]
    try:
        said = [fab.communicate(timeout=60)[0] for fab in fabs]
    finally:
        for fab in fabs:
            fab.kill()
    for fab, words in zip(fabs, said, strict=True):
        assert fab.returncode == 0 or 'has locked session "runner"' in words, words
    assert any(fab.returncode == 0 for fab in fabs)
    lab.run("start")
    assert started(lab.node1) == started(lab.here) == ["a", "b"]


def test_session_is_free_after_start(lab: Lab) -> None:
    configure(lab, ["node1", "localhost"])
    with lab.config((lab.folder / "cfg.py").read_text()).open("a") as config:
        config.write("for c in config.all_components():\n    c.wait = True\n")
    with running(lab, "run") as fab:
        eventually(lambda: started(lab.node1) == started(lab.here) == ["a", "b"], "both programs")
        eventually(lambda: not list(lab.node1.state().glob(".held*")), "the release")
        lab.run("stop")
        fab.communicate(timeout=20)


def test_next_runner_gets_the_hold(lab: Lab) -> None:
    configure(lab, ["node1", "node2"])
    for _ in range(8):  # whether sshd has noticed by then is a matter of luck
        with lab.runner() as runner:
            runner.kill()
