"""The removal of files on a host: which entries, in which order, and the script that removes them."""

import os
import subprocess
from pathlib import Path

import pytest

from fabfile.remote.script import read_script
from fabfile.transfer.surplus import find_surplus, listed, refusal
from fabfile.transfer.tree import Mirror, Tree
from rr_config.files.ignore import Ignore
from rr_config.files.local_files import LocalFile, LocalTree
from rr_config.files.trees import Rules

LOCAL = LocalFile("/l", 0o644, 5)


def mirror(*exclude: str) -> Mirror:
    return Mirror(LocalTree("/l", Rules(exclude, delete=True), Ignore("/l", exclude)), 1, True)


@pytest.mark.parametrize("top", [".", "./t", "/t"])
def test_surplus_spares_excluded_names(top: str) -> None:
    start = "./" if top == "." else f"{top}/"
    tree = Tree({f"{start}a/f": LOCAL, f"{start}own/deep/f": LOCAL}, {top: 0o755, f"{start}a": 0o755})
    records = [b"d a", b"f a/f", b"f a/g", b"d own", b"d own/deep", b"f own/x", b"d new", b"f new/x.log", b"f new/y"]
    records += [b"d log", b"d log/deep", b"f log/deep/f", b"l li\nnk", b"d empty"]
    found = find_surplus(tree, top, mirror("*.log", "log"), records)
    gone = {"a/g": False, "own/x": False, "new/y": False, "li\nnk": False, "empty": True}
    assert found.entries == {start + path: is_dir for path, is_dir in gone.items()}
    assert f"{start}new" in found.kept and f"{start}own" in found.kept


def test_content_is_removed_before_its_folder() -> None:
    entries = {"./t/a": True, "./t/a/b": True, "./t/a/b/f": False, "./t/a/c": False, "./t/x/f": False, "./u/f": False}
    assert listed(entries, "./t", ["./t/x"]) == ["a/c", "a/b/f", "a/b/", "a/"]


def test_more_than_a_hundred_need_permission() -> None:
    assert refusal(100, False) is refusal(101, True) is None
    assert refusal(1234, False) == "would remove 1,234 files and folders; give --delete to allow more than 100"


def removed(sh: str, top: Path, *paths: str) -> list[str]:
    """Run the script that removes entries, and return its answers."""
    command = [sh, "-c", read_script("remove_listed.sh"), "sh", str(top), *paths]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split("\0")[:-1]


@pytest.mark.parametrize("sh", ["dash", "bash"])
def test_link_that_took_a_place_is_not_followed(sh: str, tmp_path: Path) -> None:
    """The folder was listed before. Something on the host has replaced it since."""
    for name in ("top/a/f", "top/b/deep/f", "else/f", "else/deep/f", "top/it's/$(id)'", "top/c/new"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    top = tmp_path / "top"
    (top / "a/f").unlink()
    (top / "a").rmdir()
    (top / "a").symlink_to(tmp_path / "else")
    (top / "b").rename(tmp_path / "moved")
    (top / "b").symlink_to(tmp_path / "else")
    (top / "link").symlink_to(tmp_path / "else")
    listed = ["it's/$(id)'", "it's/", "link", "gone", "c/", "b/deep/f", "b/deep/", "b/", "a/f", "a/"]
    answers = dict(zip(*[iter(removed(sh, top, *listed))] * 2, strict=True))
    changed = "why the folder has changed, or cannot be entered"
    assert {path: why for path, why in answers.items() if why == changed} == {
        "left b/deep/f": changed,
        "left b/deep": changed,
        "left a/f": changed,
    }
    assert answers["left c"] == "why Directory not empty"
    assert answers["left a"] == answers["left b"] == "why Not a directory"
    assert sorted(os.listdir(top)) == ["a", "b", "c"]  # noqa: PTH208
    assert (
        (tmp_path / "else/f").exists() and (tmp_path / "else/deep/f").exists() and (tmp_path / "moved/deep/f").exists()
    )


@pytest.mark.parametrize("sh", ["dash", "bash"])
def test_homes_inside_a_folder_are_found(sh: str, tmp_path: Path) -> None:
    inside = [f"~root/..{tmp_path}/top/new", "~/link/missing/x", f"{tmp_path}/top"]
    others = ["~root", "~/topless", "~nobody-here/top", "~$(id)/top", "/", ""]
    command = [sh, "-c", read_script("find_inside.sh"), "sh", f"{tmp_path}/top", *others, *inside]
    (tmp_path / "top/new").mkdir(parents=True)
    (tmp_path / "link").symlink_to("top")
    done = subprocess.run(command, env=os.environ | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"/root/..{tmp_path}/top/new", f"{tmp_path}/link/missing/x", inside[2]]


def test_many_names_take_few_processes(tmp_path: Path) -> None:
    for number in range(1200):
        (tmp_path / f"f{number}").touch()
    command = ["dash", "-c", read_script("remove_listed.sh"), "sh", str(tmp_path)]
    trace = subprocess.run(
        ["dash", "-x", *command[1:], *(f"f{number}" for number in range(1200))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert list(tmp_path.iterdir()) == []
    assert trace.stderr.count("+ rm -f --") == 3
