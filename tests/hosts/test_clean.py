"""`fab clean`: what it removes, what it keeps, and when it refuses."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from fabfile.util.stages import StageError
from tests.support.connections import sessions_begun
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.processes import is_alive

ADD = """
def add(name, host, script="true", **more):
    config.add_component(Component(name=name, host=host, executable="/bin/sh", args=["-c", script], start_index=1, **more))
"""
TWO = (
    ADD
    + "for host in ('node1', 'node2'):\n    add('job', host, wait=True, files={'x': 'x'})\n    add('b c', host, wait=True)\n"
)


def everything(folder: Path) -> list[str]:
    """Return all paths below a folder, relative and sorted."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def folders(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*/"))


def test_clean_removes_what_a_run_left(lab: Lab) -> None:
    lab.write("x", "x" * 5000)
    lab.config(TWO)
    (lab.node1.tmp / "remote-runner.ofothers1").mkdir()
    (lab.node1.state().parent / "other").mkdir(parents=True)
    lab.run("run")
    assert len(list(lab.node1.tmp.iterdir())) == 3
    before = sessions_begun(lab.node1)
    listed = lab.run("-R", "clean")
    assert sessions_begun(lab.node1) == before + 1
    lines = listed.stdout.splitlines()
    assert lines[0].startswith("node[1-2]  "), listed.stdout
    assert "  state of the open session runner: 2 components" in lines and "  2 temporary folders" in lines
    assert lines[-2].startswith("2 hosts, nothing removed; ")
    refused = lab.fab("clean", "-c", "cfg.py")
    assert (refused.returncode, refused.stderr) == (
        2,
        "clean: no terminal to ask for confirmation; add --yes to remove without a question\n",
    )
    assert len(list(lab.node1.tmp.iterdir())) == 3
    # An open session keeps its own files, and works on.
    lab.run("clean", "--yes")
    assert everything(lab.node1.tmp) == ["remote-runner.ofothers1"]
    assert not [path for path in lab.node1.state().iterdir() if path.name[0] != "."]
    assert {each["state"] for each in json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)} == {"waiting"}
    lab.run("start")
    assert lab.node1.sessions() == ["runner"]
    lab.run("wait")
    lab.run("kill")
    begun = sessions_begun(lab.node1)
    done = lab.fab("clean", "-y", "--json", "-c", "cfg.py")
    assert sessions_begun(lab.node1) == begun + 2
    (first, _) = json.loads(done.stdout)["hosts"]
    assert (first["removed_sessions"], len(first["removed_temporary_folders"])) == (["runner"], 2)
    assert everything(lab.node1.state().parent) == ["other"]
    assert everything(lab.node2.home) == [".local", ".local/state"]
    assert everything(lab.node2.tmp) == []
    again = lab.run("clean", "-y")
    assert again.stdout.splitlines()[-2].startswith("2 hosts, nothing removed; ")
    lab.run("run")


def test_clean_refuses_what_runs(lab: Lab) -> None:
    lab.config(ADD + "add('a', 'node1', 'exec sleep 1000')\nadd('done', 'node1')\nadd('b', 'node2', wait=True)\n")
    lab.run("run")
    before = folders(lab.node1.home), folders(lab.node2.home)
    done = lab.fab("clean", "--yes", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.splitlines()[:2] == [
        'node1: connect: session "runner": 1 component runs: a; use fab stop, or fab kill for the whole session',
        "connect failed; no host was changed",
    ]
    assert (folders(lab.node1.home), folders(lab.node2.home)) == before
    lab.write("other.py", (lab.folder / "cfg.py").read_text())
    done = lab.fab("clean", "--yes", "-c", "other.py")
    assert 'node1: connect: session "runner" belongs to' in done.stderr
    # One component that has ended can be removed alone, and --all keeps the session that runs.
    lab.run("clean", "--yes", "--limit", "done,b")
    assert sorted(path.name for path in lab.node1.state().iterdir() if path.name[0] != ".") == ["a"]
    listed = lab.run("clean", "--all", "--yes").stdout
    assert is_alive(int(text(lab.node1.state() / "a/pid")))
    assert 'keep session "runner": 1 component runs: a' in listed


def test_clean_refuses_survivors(lab: Lab) -> None:
    lab.config(ADD + "add('a', 'node1', 'env -i setsid sleep 1000 >/dev/null 2>&1 & exec sleep 0.1', wait=True)\n")
    lab.run("run")
    with lab.runner() as runner:
        with pytest.raises(StageError, match="of ended components still run"):
            runner.clean()
        runner.kill()
        runner.clean()
    assert not lab.node1.state().exists()


def test_clean_all_removes_ended_sessions(lab: Lab) -> None:
    lab.config(TWO)
    lab.write("x", "x")
    for session in ("first", "second"):
        lab.run("run", "--screen", session)
        lab.run("kill", "--screen", session)
    lab.run("clean", "--all", "--yes")
    assert not lab.node1.state().parent.exists() and everything(lab.node1.tmp) == []


def test_clean_removes_sent_files(lab: Lab) -> None:
    for name in ("d/a", "d/sub/b", "d/sub/-c\n d", "x"):
        lab.write(name, name)
    home, outside = lab.node1.home, lab.folder / "outside"
    outside.mkdir()
    files = {"d": "d", "x": "x"}
    lab.config(
        ADD
        + f"add('a', 'node1', base_dir='~/work/deep', files={files})\n"
        + f"add('b', 'node1', base_dir='{outside}/b', files={files})\n"
        + "add('c', 'node1', base_dir='~', files={'d': '~/linked', 'x': 'x'})\n"
    )
    lab.run("sync")
    (outside / "b/d/sub/other").write_text("kept")
    kept = lab.folder / "kept"
    (home / "linked").rename(kept)
    (home / "linked").symlink_to(kept)
    (home / "work/deep/d/a").unlink()
    (home / "work/deep/d/a").symlink_to("/etc/passwd")
    listed = lab.run("-R", "clean", "--files").stdout
    assert (
        "  ~/work/deep/d/sub/b\n" in listed
        and "  keep 3 files behind a symbolic link, for example ~/linked/a\n" in listed
    )
    done = lab.run("clean", "--files", "--yes")
    assert done.stdout.splitlines()[-2].startswith("1 host, 1 session and 8 files removed (")
    assert everything(kept) == ["a", "sub", "sub/-c\n d", "sub/b"]
    assert everything(outside) == ["b", "b/d", "b/d/sub", "b/d/sub/other"]
    assert sorted(set(everything(home)) - {".local", ".local/state"}) == [
        "linked",
        "work",
        "work/deep",
        "work/deep/d",
        "work/deep/d/a",
    ]


def test_clean_asks_on_a_terminal(lab: Lab) -> None:
    lab.config(ADD + "add('a', 'node1', wait=True)\n")
    lab.run("run")
    for word, is_there in ((b"\n", True), (b"y\n", False)):
        ours, theirs = pty.openpty()
        os.write(ours, word)
        command = lab.command("clean", "-c", "cfg.py")
        try:
            done = subprocess.run(
                command, cwd=lab.folder, env=lab.environment, stdin=theirs, capture_output=True, text=True
            )
        finally:
            os.close(ours)
            os.close(theirs)
        assert (done.returncode, done.stderr) == (0, "remove? [y/N] ")
        assert (lab.node1.state() / "a").exists() == is_there
