"""The script of `fab clean` on a state directory that somebody has tampered with."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from fabfile.components.clean import Busy, OldSession, Remains, clean_script, read_remains
from fabfile.remote.script import command, read_script
from rr_config import Component
from tests.support.scripts import OWNER


def answers(sh: str, home: Path, remove: Sequence[str] | None, before: str = "", after: str = "") -> list[str]:
    """Return what the script answers in this home, between other commands in a mount namespace."""
    script = clean_script("s", OWNER, [], [], False, remove).sent_by("me", 1, 1)
    own = {"HOME": str(home), "TMPDIR": str(home / "tmp"), "SCREENDIR": str(home / "screens")}
    line = f"{before}\n({command(script).replace('sh', sh, 1)})\n{after}"
    words = [*(("unshare", "-m") if before else ()), "sh", "-c", line]
    done = subprocess.run(words, input=script + b"end\n", env=os.environ | own, capture_output=True)
    assert done.stderr == b""
    return done.stdout.decode().split("\0")[2:-1]


def state_in(home: Path) -> Path:
    for name in ("tmp", "screens"):
        (home / name).mkdir(mode=0o700, parents=True)
    state = home / ".local/state/remote-runner" / os.uname().nodename / "s"
    for name in ("home", "root", "link", "good", "odd"):
        (state / name).mkdir(parents=True, mode=0o700)
        (state / name / "launcher").touch()
    return state


@pytest.mark.parametrize("sh", ["dash", "bash"])
def test_only_own_folders_are_removed(tmp_path: Path, sh: str) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    state = state_in(home)
    outside.mkdir()
    (outside / "kept").touch()
    (state / "linked").symlink_to(outside)
    (outside / "base_dir").write_text(f"{home}/tmp/remote-runner.of_another\n")
    (home / "tmp/remote-runner.of_another").mkdir()
    notes = {
        "home": home,
        "root": Path("/"),
        "link": home / "tmp/remote-runner.linklinkli",
        "good": home / "tmp/remote-runner.0123456789",
    }
    for name, folder in notes.items():
        (state / name / "base_dir").write_text(f"{folder}\n")
    notes["link"].symlink_to(outside)
    notes["good"].mkdir()
    (notes["good"] / "-rf ~\n").write_text("12345")
    (notes["good"] / "out").symlink_to(outside)
    listed = [each for each in answers(sh, home, None) if each.startswith("temporary ")]
    assert [each.split(" ", 2)[2] for each in listed] == [str(notes["good"])]
    assert answers(sh, home, ["s"]) == ["looked", "done"]
    assert not state.exists() and not notes["good"].exists()
    assert (outside / "kept").exists() and notes["link"].is_symlink()
    assert (home / "tmp/remote-runner.of_another").is_dir()
    assert sorted(path.name for path in home.iterdir()) == [".local", "screens", "tmp"]


@pytest.mark.root
def test_other_file_system_is_kept(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    state = state_in(home)
    data.mkdir()
    (state / "good/mnt").mkdir()
    mounted = state / "good/mnt"
    found = answers(
        "sh", home, ["s"], f"mount -t tmpfs tmpfs {mounted}; touch {mounted}/kept", f"ls {mounted} >{data}/found"
    )
    assert found[-2:] == ["looked", "done"] and found[0].startswith("problem rm: ")
    assert (data / "found").read_text() == "kept\n"


def test_answers_of_clean_are_read() -> None:
    own = Component(name="a b", executable="/x", host="h", start_index=1)
    records = [
        "session old 2 5000 ended",
        "temporary 70 /tmp/x y",
        "foreign 1 0 me",
        "running r a=20b",
        "running q a=20b c",
    ]
    found = read_remains("s", [own], [*records, "surviving z 1 2", "problem p q"])
    assert found.sessions == (OldSession("old", 2, 5000, False),)
    assert (found.temporary, found.problems, found.size) == ((("/tmp/x y", 70),), ("p q",), 5070)
    assert found.busy[0].text.startswith('session "r" belongs to me since ')
    assert found.busy[1].text == 'session "q": 2 components run: a b, c'
    assert found.busy[2] == Busy(
        'session "z": 2 processes of ended components still run: 1, 2', "use remote-runner kill"
    )
    assert read_remains("s", [own], []) == Remains()


@pytest.mark.parametrize("sh", ["dash", "bash"])
def test_folders_of_others_are_kept(tmp_path: Path, sh: str) -> None:
    for name in ("home", "sticky", "full/x", "empty/ a\n", "real/empty"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "sticky").chmod(0o1777)
    (tmp_path / "link").symlink_to("real")
    folders = ["home", "sticky", "full", "empty/ a\n", "empty", "link", "link/empty", "-none"]
    script = [sh, "-c", read_script("remove_folders.sh"), sh, str(tmp_path), *folders]
    done = subprocess.run(script, env=os.environ | {"HOME": str(tmp_path / "home")}, capture_output=True)
    assert done.stdout == b"removed\nremoved\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "home", "link", "real", "sticky"]
    assert (tmp_path / "real/empty").exists()
