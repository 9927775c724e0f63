"""Destinations that cannot be written: in use, of the wrong kind, or not permitted."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.files import content
from tests.support.lab import Lab
from tests.support.marks import ON_HOSTS, assert_nothing_started, assert_synced, configure
from tests.support.outcomes import assert_failed, assert_refused
from tests.support.privileges import BOUND, NAMESPACE
from tests.support.soak import often


def spoil_folder(work: Path) -> None:
    (work / "bad").mkdir()
    (work / "bad/inside").write_text("mine")


def spoil_parent(work: Path) -> None:
    (work / "sub").write_text("mine")


def spoil_with_link(work: Path) -> None:
    (work / "sub").symlink_to("nowhere")


def spoil_with_loop(work: Path) -> None:
    (work / "sub").symlink_to("sub")


def spoil_permission(work: Path) -> None:
    (work / "locked").mkdir(mode=0o555)


def spoil_old_file(work: Path) -> None:
    (work / "locked").mkdir()
    (work / "locked/bad").write_text("mine")
    (work / "locked").chmod(0o555)


@pytest.mark.parametrize(
    ("spoil", "remote", "reason"),
    often(
        [
            (spoil_folder, "bad", "folder"),
            (spoil_parent, "sub/bad", "file"),
            (spoil_parent, "sub/below/bad", "not a directory"),
            (spoil_with_link, "sub/bad", "a broken symbolic link has the path of this folder"),
            (spoil_permission, "locked/bad", "permission denied"),
            (spoil_old_file, "locked/bad", "permission denied"),
        ],
        [
            (spoil_with_link, "sub/below/bad", "a broken symbolic link has the path of this folder"),
            (spoil_with_loop, "sub/bad", "a broken symbolic link has the path of this folder"),
            (spoil_permission, "locked/below/bad", "permission denied"),
        ],
    ),
)
def test_blocked_destination_is_reported(lab: Lab, spoil: Callable[[Path], None], remote: str, reason: str) -> None:
    bound = " ".join(BOUND)
    odd = lab.farm.add("odd", {"ForceCommand": f'cd && exec {bound} sh -c "$SSH_ORIGINAL_COMMAND"'})
    (odd.home / "work").mkdir()
    spoil(odd.home / "work")
    before = content(odd.home / "work")
    configure(lab, ["odd", "node1"], {"bad": remote, "good": "good", "good2": "sub2/good2"})
    done = lab.fab("run", "-c", "cfg.py")
    assert_refused(done, code=1)
    first, *_, end = done.stderr.splitlines()
    assert first.startswith(f"odd:{odd.home}/work/{remote.split('/')[0]}")
    assert "sync" in first
    assert reason in first
    assert "node1" not in end
    good = {"good": "good", "sub2/good2": "good2"}
    assert content(odd.home / "work") == before | good
    assert content(lab.node1.home / "work") == good | {remote: "bad"}
    assert_nothing_started(odd, lab.node1)


def test_busy_file_is_reported(lab: Lab) -> None:
    """A mount point, which only the script of the sync sees: what is to be moved there is refused."""
    script = 'mount --bind ~/work/f ~/work/f; sh -c "$SSH_ORIGINAL_COMMAND"'
    busy = lab.farm.add(
        "busy", {"ForceCommand": f"cd && export SSH_ORIGINAL_COMMAND && exec {NAMESPACE} sh -c '{script}'"}
    )
    (busy.home / "work").mkdir()
    (busy.home / "work/f").write_text("old")
    (busy.home / "work/f").chmod(0o644)
    configure(lab, ["busy", "node1"], {"f": "f", "g": "g"})
    for name in ("f", "g"):
        lab.write(name, "new")
    assert_refused(lab.fab("sync", "-c", "cfg.py"), f"busy:{busy.home}/work/f: sync: device or resource busy", code=1)
    assert content(busy.home / "work") == {"f": "old", "g": "new"}
    assert content(lab.node1.home / "work") == {"f": "new", "g": "new"}


@pytest.mark.parametrize("kind", ["a file", "a special file", "a broken symbolic link"])
def test_obstacle_of_a_folder_stays(lab: Lab, kind: str) -> None:
    configure(lab, ["node1", "node2"], {"tree/x": "unused", "good": "good"})
    lab.config(ON_HOSTS.format(hosts=["node1", "node2"], files={"tree": "tree", "good": "good"}))
    (lab.node1.home / "work").mkdir()
    tree = lab.node1.home / "work/tree"
    if kind == "a file":
        tree.write_text("mine")
    elif kind == "a special file":
        os.mkfifo(tree)
    else:
        tree.symlink_to("nowhere")
    before = tree.lstat()
    words = f"{tree}: {{}}{kind} has the path of this folder on the host"
    assert words.format("") in lab.fab("plan", "-c", "cfg.py").stdout
    done = lab.fab("run", "-c", "cfg.py")
    assert_refused(done, f"node1:{words.format('sync: ')}", code=1)
    assert (tree.lstat().st_ino, tree.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert content(lab.node1.home / "work") == {"good": "good"} | ({"tree": "mine"} if kind == "a file" else {})
    assert content(lab.node2.home / "work") == {"tree/x": "tree/x", "good": "good"}
    assert_nothing_started(lab.node1, lab.node2)


def test_base_dir_that_is_a_file_is_reported(lab: Lab) -> None:
    configure(lab, ["node1", "node2"])
    (lab.node1.home / "work").write_text("mine")
    done = lab.fab("run", "-c", "cfg.py")
    assert_refused(done, f"node1:{lab.node1.home}/work", code=1)
    assert (lab.node1.home / "work").read_text() == "mine"
    assert_synced(lab.node2)
    assert_nothing_started(lab.node1, lab.node2)


def test_each_failed_host_has_one_line(lab: Lab) -> None:
    configure(lab, ["node1", "node2", "node3"], {"bad": "bad", "good": "good"})
    for host in (lab.node1, lab.node3):
        (host.home / "work").mkdir()
        spoil_folder(host.home / "work")
    done = lab.fab("sync", "-c", "cfg.py")
    assert_failed(done, node1="/work/bad", node3="/work/bad")
    assert "node2" not in done.stderr
    assert_synced(lab.node2, "bad")
