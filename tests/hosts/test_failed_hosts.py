"""Hosts that fail while others work: `--keep-going`, `--max-failures`, and how to repeat."""

import pytest

from tests.support.checkout import ROOT
from tests.support.commands import running
from tests.support.lab import Lab
from tests.support.stages import broken, configure, started
from tests.support.waiting import eventually


def repeat_line(lab: Lab, *options: str) -> str:
    """The last line, which says that `run` is to be repeated without `kill`, with these options."""
    words = ["run", "--no-kill", "--config", f"{lab.folder}/cfg.py", *options, "-S", str(lab.farm.ssh_config)]
    return f"repeat with: fab -r {ROOT} {' '.join(words)}"


# ---- what happens where one fails


def test_failed_host_stops_later_stages(lab: Lab) -> None:
    configure(lab)
    with broken(lab.node2):
        done = lab.fab("run", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"node2:{lab.node2.home}/f: sync: a folder has this path on the host",
        "sync failed; later stages were not started",
        repeat_line(lab),
    ]
    assert all(started(host) == [] for host in (lab.node1, lab.node2, lab.node3))
    assert (lab.node1.home / "f").exists() and (lab.node3.home / "f").exists()
    again = lab.fab("run", "-c", "cfg.py", "--limit", "node2/*")
    assert (again.returncode, started(lab.node2), started(lab.node1)) == (0, ["a", "b"], [])
    lab.run("run", "--no-kill")
    assert all(started(host) == ["a", "b"] for host in (lab.node1, lab.node2, lab.node3))


def test_keep_going_finishes_other_hosts(lab: Lab) -> None:
    configure(lab)
    with broken(lab.node2):
        done = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"node2:{lab.node2.home}/f: sync: a folder has this path on the host",
        "1 host failed; the other hosts are done",
        repeat_line(lab, "--limit", "'node2/*'", "--keep-going"),
    ]
    assert started(lab.node1) == started(lab.node3) == ["a", "b"]
    assert started(lab.node2) == []


def test_all_failed_hosts_are_in_the_end(lab: Lab) -> None:
    configure(lab)
    with lab.config(lab.folder.joinpath("cfg.py").read_text()).open("a") as config:
        config.write("[each] = [c for c in config.all_components() if c.label == 'node3/a']\neach.executable = '/no'\n")
    with broken(lab.node2):
        done = lab.fab("run", "-c", "cfg.py", "--max-failures", "2", "--limit", "node*")
    assert done.returncode == 1
    first, second, *rest = done.stderr.splitlines()
    assert first == f"node2:{lab.node2.home}/f: sync: a folder has this path on the host"
    assert second.startswith("node3/a: start 1: could not be started (exit status 127): ")
    assert rest == [
        "2 hosts failed; the other hosts are done",
        repeat_line(lab, "--limit", "node2/a,node2/b,node3/a,node3/b", "--max-failures", "2"),
    ]
    assert (started(lab.node1), started(lab.node3)) == (["a", "b"], [])


def test_max_failures_stops_later_stages(lab: Lab) -> None:
    configure(lab)
    with broken(lab.node2), broken(lab.node3):
        done = lab.fab("run", "-c", "cfg.py", "--max-failures", "1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[2:] == [
        "sync failed; later stages were not started",
        repeat_line(lab, "--max-failures", "1"),
    ]
    assert started(lab.node1) == []


def test_no_host_left_ends_the_run(lab: Lab) -> None:
    configure(lab, ["node1"])
    with broken(lab.node1):
        done = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert done.stderr.splitlines()[1:] == [
        "sync failed; later stages were not started",
        repeat_line(lab, "--keep-going"),
    ]


@pytest.mark.transports
def test_failed_host_is_not_waited_for(lab: Lab) -> None:
    configure(lab, ["node1", "node2"])
    with lab.config(lab.folder.joinpath("cfg.py").read_text()).open("a") as config:
        config.write("for c in config.all_components():\n    c.wait, c.args = True, ['-c', 'echo >>' + c.name]\n")
    with broken(lab.node2):
        done = lab.fab("run", "-c", "cfg.py", "--keep-going", "--terminate")
    assert done.returncode == 1
    assert done.stderr.splitlines()[1] == "1 host failed; the other hosts are done"
    assert (started(lab.node1), started(lab.node2)) == (["a", "b"], [])


def test_keep_going_excludes_on_exit_stop(lab: Lab) -> None:
    configure(lab)
    done = lab.fab("run", "-c", "cfg.py", "--keep-going", "--on-exit", "stop")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "--on-exit stop: cannot be combined with --keep-going or --max-failures\n"


# ---- two controllers


def test_failed_host_is_free_for_others(lab: Lab) -> None:
    configure(lab, ["node1", "node2"])
    with lab.config((lab.folder / "cfg.py").read_text()).open("a") as config:
        config.write("for c in config.all_components():\n    c.wait = True\n")
    with broken(lab.node1), running(lab, "run", "--keep-going") as fab:
        eventually(lambda: started(lab.node2) == ["a", "b"], "both programs of the other")
        assert lab.fab("kill", "-c", "cfg.py", "--limit", "node1").returncode == 0
        lab.run("stop", "--limit", "node2")
        fab.communicate(timeout=20)
