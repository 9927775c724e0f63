"""`util.tree`: excluded names, kept links, and removal of what is gone."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.runner import StageError
from fabfile.transfer.protocol import tar_stream
from rr_config.files.local_files import LocalFile
from tests.support.connections import connections
from tests.support.lab import Lab
from tests.support.outcomes import assert_failed
from tests.support.waiting import eventually

CONFIG = """
config.add_component(Component(name="c", host="node1", start_index=1, executable="/bin/true", base_dir="~/work",
    files={files}))
"""


def configure(lab: Lab, *trees: str) -> None:
    """Write a config whose files are those of some expressions."""
    lab.config(CONFIG.format(files=" | ".join(trees)))


def entries(folder: Path) -> dict[str, str]:
    """Return all files and links below a folder: the text of a file, and the target of a link after an arrow."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = f"-> {os.readlink(path)}"  # noqa: PTH115 - a Path would drop a slash at the end
        elif path.is_file():
            found[str(path.relative_to(folder))] = path.read_text()
    return found


def put(folder: Path, content: dict[str, str]) -> None:
    """Create the files and links that `entries` would return."""
    for name, text in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if text.startswith("-> "):
            os.symlink(text[3:], path)  # noqa: PTH211 - as above
        else:
            path.write_text(text)


def test_excluded_names_stay_here(lab: Lab) -> None:
    put(
        lab.folder / "src",
        {
            ".rrignore": "*.log\n!keep.log\n/build/\n",
            "a.log": "x",
            "keep.log": "kept",
            "build/x": "x",
            "sub/build/x": "other",
            "sub/.rrignore": "!a.log\nsecret\n",
            "sub/a.log": "kept too",
            "sub/secret/x": "x",
            "secret": "another",
            ".git/config": "x",
            "lib/__pycache__/x.pyc": "x",
            "lib/x.py": "x",
            "lib/x.tmp": "x",
            "lib/gone": "-> nowhere.tmp",
        },
    )
    os.mkfifo(lab.folder / "src/lib/pipe")
    put(lab.folder, {"src2/__pycache__/x": "x", "src2/.git": "x"})
    configure(
        lab,
        "util.tree('src', 'put', exclude=['*.tmp'])",
        "util.tree('src2', 'put2', exclude=['!__pycache__'])",
        "{'./src2': 'plain'}",
    )
    done = lab.run("sync")
    put_there = entries(lab.node1.home / "work")
    assert put_there == {
        "put/.rrignore": "*.log\n!keep.log\n/build/\n",
        "put/keep.log": "kept",
        "put/sub/build/x": "other",
        "put/sub/.rrignore": "!a.log\nsecret\n",
        "put/sub/a.log": "kept too",
        "put/secret": "another",
        "put/lib/x.py": "x",
        "put2/__pycache__/x": "x",
        "plain/.git": "x",
        "plain/__pycache__/x": "x",
    }
    src = lab.folder / "src/lib"
    warnings = [f"WARNING: {src}/gone: a broken symbolic link; skipped", f"WARNING: {src}/pipe: a FIFO; skipped"]
    assert [line for line in done.stderr.splitlines() if "skipped" in line] == warnings
    assert "nothing sent" in lab.run("sync").stdout


def test_flipped_link_is_exact(lab: Lab) -> None:
    tree = {
        "current": "-> v1",
        "v1/a": "1",
        "v2/b": "2",
        "node_modules/.bin/tool": "-> ../tool/bin/tool.py",
        "node_modules/tool/bin/tool.py": "tool",
        "gone": "-> no where\nelse",
        "absolute": "-> /etc/hostname",
        "out": "-> ../../../etc",
        "long": "-> " + "x/" * 100,
    }
    put(lab.folder / "src", tree)
    configure(lab, "util.tree('src', '.', links='keep')")
    work = lab.node1.home / "work"
    planned = lab.run("plan").stdout
    assert f"  {work}/current  link to v1, missing\n" in planned
    lab.run("sync")
    assert entries(work) == tree
    assert "nothing sent" in lab.run("sync").stdout
    put(lab.folder / "src", {"current": "-> v2"})
    assert "link to v2, a link on the host" in lab.run("plan").stdout
    assert "1 sent (0 B)" in lab.run("sync").stdout
    assert entries(work) == tree | {"current": "-> v2"}


def test_kinds_replace_each_other(lab: Lab) -> None:
    """A link of the host is replaced, and nothing is written where it leads."""
    elsewhere, work = lab.node1.home / "elsewhere", lab.node1.home / "work"
    put(elsewhere, {"f": "theirs", "g": "theirs"})
    put(lab.folder / "src", {"a": "-> b", "b/f": "1", "file": "-> b/f", "text": "same", "dir/f": "in"})
    configure(lab, "util.tree('src', 'put', links='keep')")
    put(work / "put", {"b": f"-> {elsewhere}", "dir": "-> nowhere"})
    lab.run("sync")
    assert entries(work / "put") == entries(lab.folder / "src")
    (lab.folder / "src/a").unlink()
    put(lab.folder / "src", {"a/f": "2", "file": "1", "text": "-> file"})
    put(work / "put/b", {"loop": "-> loop"})
    lab.run("sync")
    assert entries(work / "put") == entries(lab.folder / "src") | {"b/loop": "-> loop"}
    assert entries(elsewhere) == {"f": "theirs", "g": "theirs"}
    assert list(work.rglob(".remote-runner*")) == []


def test_folder_gives_way_only_to_delete(lab: Lab) -> None:
    work = lab.node1.home / "work/put"
    put(lab.folder / "src", {"x": "-> y", "y/f": "f", "z": "file"})
    put(work, {"x/mine/f": "1", "x/deep/er/g": "2", "y": "a file", "z/f": "3"})
    before = entries(work)
    configure(lab, "util.tree('src', 'put', links='keep')")
    done = lab.fab("sync", "-c", "cfg.py")
    assert done.returncode == 1
    for name, kind in (("x", "a folder has this path"), ("y", "a file has the path of this folder"), ("z", "a folder")):
        assert f"node1:{work}/{name}: sync: {kind}" in done.stderr
    assert entries(work) == before
    configure(lab, "util.tree('src', 'put', links='keep', delete=True, exclude=['er'])")
    done = lab.fab("sync", "-c", "cfg.py")
    assert done.returncode == 1
    assert f"node1:{work}/x: sync: a folder with excluded files has this path on the host" in done.stderr
    assert entries(work) == {"x/mine/f": "1", "x/deep/er/g": "2", "y/f": "f", "z": "file"}
    configure(lab, "util.tree('src', 'put', links='keep', delete=True)")
    assert "remove 6\n" in lab.run("plan").stdout
    assert "6 removed" in lab.run("sync").stdout
    assert entries(work) == entries(lab.folder / "src")
    assert list(work.rglob(".remote-runner*")) == []


def test_surplus_is_removed(lab: Lab) -> None:
    work = lab.node1.home / "work/put"
    elsewhere = lab.node1.home / "elsewhere"
    put(elsewhere, {"f": "theirs"})
    put(lab.folder / "src", {"keep/f": "f", ".rrignore": "*.log\n", "ro/f": "f", "gone/deep/f": "f", "it's": "f"})
    put(lab.folder / "src", {f"odd/{name}": "f" for name in ("a b", "-rf", "new\nline", "two''quotes'", "$HOME", "*")})
    (lab.folder / "src/ro").chmod(0o555)
    configure(lab, "util.tree('src', 'put', delete=True)", "{'extra': 'put/own/deep/extra'}")
    put(lab.folder, {"extra": "x"})
    lab.run("sync")
    os.symlink(elsewhere, work / "link")  # noqa: PTH211
    os.mkfifo(work / "pipe")
    put(work, {"new/f": "f", "a.log": "log", "new2/deep/b.log": "log", "new2/x": "x", ".remote-runner-other/f": "f"})
    (lab.folder / "src/ro").chmod(0o755)
    for name in ("ro/f", "gone/deep/f", "it's", *(f"odd/{path.name}" for path in (lab.folder / "src/odd").iterdir())):
        (lab.folder / "src" / name).unlink()
    for name in ("gone/deep", "gone", "odd"):
        (lab.folder / "src" / name).rmdir()
    (lab.folder / "src/ro").chmod(0o555)
    gone = {"gone", "gone/deep", "gone/deep/f", "it's", "link", "new", "new/f", "new2/x", "odd", "pipe", "ro/f"}
    planned = json.loads(lab.run("plan", "--json").stdout)["hosts"][0]["sync"]["remove"]
    assert {path.removeprefix(f"{work}/") for path in planned if "/odd/" not in path} == gone
    assert len(planned) == len(gone) + 6
    assert f"remove 17\n    {work}/gone\n" in lab.run("plan").stdout
    assert "17 removed" in lab.run("sync").stdout
    kept = {"a.log": "log", "new2/deep/b.log": "log", ".remote-runner-other/f": "f", "own/deep/extra": "x"}
    assert entries(work) == {"keep/f": "f", ".rrignore": "*.log\n"} | kept
    assert entries(elsewhere) == {"f": "theirs"}
    assert (work / "ro").stat().st_mode & 0o777 == 0o555
    assert "remove" not in lab.run("plan").stdout
    assert " removed" not in lab.run("sync").stdout


def test_many_removals_need_an_option(lab: Lab) -> None:
    put(lab.folder / "src", {"f": "new"})
    put(lab.node1.home / "work/put", {f"old/{number}": "" for number in range(100)})
    put(lab.node1.home / "work/put", {"f": "old"})
    before = entries(lab.node1.home / "work")
    configure(lab, "util.tree('src', 'put', delete=True)")
    for command in ("sync", "run"):
        done = lab.fab(command, "-c", "cfg.py")
        assert done.returncode == 1
        words = "would remove 101 files and folders; give --delete to allow more than 100"
        assert f"node1: connect: {words}\n" in done.stderr
    assert entries(lab.node1.home / "work") == before
    done = lab.fab("plan", "-c", "cfg.py")
    assert done.returncode == 1
    assert f"needs --delete: {words}\n" in done.stdout
    assert "needs --delete" not in lab.run("plan", "--delete").stdout
    assert "101 removed" in lab.run("sync", "--delete").stdout
    assert entries(lab.node1.home / "work") == {"put/f": "new"}


def test_run_counts_removals_before_a_change(lab: Lab) -> None:
    put(lab.folder / "src", {"f": "new"})
    lab.config(
        "for name in ('node1', 'node2'):\n"
        "    config.add_component(Component(name='a', host=name, executable='/bin/sleep', args=['1000'], start_index=1,\n"
        "        base_dir='~/work', files=util.tree('src', 'put', delete=True)))\n"
    )
    lab.run("run")
    before = lab.run("status", "--json").stdout
    put(lab.node2.home / "work/put", {f"old/{number}": "" for number in range(100)})
    put(lab.folder / "src", {"f": "newer"})
    for command in ("sync", "run"):
        assert_failed(lab.fab(command, "-c", "cfg.py"), node2="would remove 101 files and folders; give --delete")
    pids = [[each["pid"] for each in json.loads(text)] for text in (before, lab.run("status", "--json").stdout)]
    assert pids[0] == pids[1]
    assert (lab.node1.home / "work/put/f").read_text() == "new"
    lab.run("run", "--delete")
    assert {entries(host.home / "work/put")["f"] for host in (lab.node1, lab.node2)} == {"newer"}


def test_removal_stays_in_its_folder(lab: Lab) -> None:
    """The host knows links and homes that the paths do not show."""
    home = lab.node1.home
    elsewhere, work = home / "elsewhere", home / "work"
    put(lab.folder / "src", {"f": "f"})
    put(elsewhere, {"put/g": "theirs"})
    put(work, {"link": f"-> {elsewhere}", "tree/b/g": "theirs"})
    os.symlink(work / "tree/b", home / "b")  # noqa: PTH211
    put(work, {"own/g": "theirs"})
    before = entries(home)
    put(lab.node1.state("other"), {"c/base_dir": f"{work}/own\n"})
    through, contains = (
        "delete=True removes nothing through a symbolic link",
        "delete=True removes nothing from a folder",
    )
    for dest, words in (
        ("link", f"{work}/link: {through}; name the real folder"),
        ("link/put", f"{work}/link/put: {through}"),
        (home, f"{home}: {contains} that contains {home}"),
        (home.parent, f"{home.parent}: {contains} that contains {home}"),
        ("~/.local", f"{home}/.local: {contains} that contains {lab.node1.state()}"),
        ("own", f"{work}/own: {contains} that contains {work}/own"),
        ("tree", f"{work}/tree: {contains} that contains {home}/b"),
    ):
        configure(lab, f"util.tree('src', '{dest}', delete=True)")
        with (lab.folder / "cfg.py").open("a") as config:
            config.write("config.add_component(Component(name='b', host='node1', executable='x', start_index=1,")
            config.write(" base_dir='~/b'))\n")
        done = lab.fab("sync", "-c", "cfg.py")
        assert done.returncode == 1
        assert done.stderr.startswith(f"node1: connect: {words}"), dest
    assert f"unknown: node1: {words}" in lab.fab("plan", "-c", "cfg.py").stdout
    assert {path: text for path, text in entries(home).items() if not path.startswith(".local")} == before


@pytest.mark.parametrize("kind", ["cut", "blocked", "changed"])
def test_incomplete_sync_removes_nothing(lab: Lab, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    work = lab.node1.home / "work/put"
    put(work, {"old/f": "old", "z": "old"})
    put(lab.folder / "src", {"z": "new"})
    configure(lab, "util.tree('src', 'put', delete=True)", "{'cfg.py': 'cfg'}")
    if kind == "cut":
        with (lab.folder / "src/big").open("wb") as big:
            os.posix_fallocate(big.fileno(), 0, 300_000_000)
        command = lab.command("sync", "--config", "cfg.py")
        with subprocess.Popen(command, cwd=lab.folder, env=lab.environment, stderr=subprocess.DEVNULL) as fab:
            eventually(lambda: any(work.glob(".remote-runner*/big")), "the file is on its way")
            for pid in connections(lab.node1):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            assert fab.wait(60) == 1
        eventually(lambda: not list(work.glob(".remote-runner*")), "the half of a file is removed")
        assert entries(work) == {"old/f": "old", "z": "old"}
        return
    if kind == "blocked":
        put(lab.node1.home / "work/cfg", {"f": "theirs"})
        assert "remove" not in lab.fab("sync", "-c", "cfg.py").stdout
    else:
        monkeypatch.setattr(tar_stream, "read", torn)
        with lab.runner() as runner, pytest.raises(StageError):
            runner.sync()
    assert (work / "old/f").read_text() == "old"


def torn(local: LocalFile, *part: int) -> Iterator[bytes]:
    """Read a file that changes meanwhile."""
    raise OSError(f"{local.path} has changed {part}")
