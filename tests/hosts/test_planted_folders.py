"""Files on hosts: private to their user, and safe from planted folders and links."""

import os
import shutil
import stat
import subprocess

import pytest

from tests.support.config_texts import IN_WORK as CONFIG
from tests.support.lab import Lab
from tests.support.waiting import eventually


def test_state_is_private_to_its_user(lab: Lab) -> None:
    script = "umask >mask; echo said; exec sleep 1000"
    lab.write("f", "content")
    lab.config(
        CONFIG
        + f"add('a', 'node1', {script!r}, files={{'f': 'new/f'}})\n"
        + f"add('b', 'node1', {script!r}, base_dir=None, files={{'f': 'f'}}, ready=util.command('umask >check; true'))\n"
        + "add('c', 'node1', 'exit 0')"
    )
    lab.run("run")
    lab.run("sync", "--always-copy")
    lab.run("stop", "--limit", "a")
    state = lab.node1.home / ".local/state/remote-runner"
    eventually(lambda: (lab.node1.state() / "a/times").exists(), "notes")
    kept = [state, *state.rglob("*")]
    assert {"output", "origin", "launcher", "pid", "status", "times", "check.output", "base_dir"} <= {
        p.name for p in kept
    }
    assert [str(path) for path in kept if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    own = f"{read_umask():04o}\n"
    (temporary,) = lab.node1.tmp.glob("remote-runner.*")
    work = lab.node1.home / "work"
    assert [path.read_text() for path in (work / "mask", temporary / "mask", temporary / "check")] == [own] * 3
    assert stat.S_IMODE((work / "new").stat().st_mode) == 0o777 & ~read_umask()


def read_umask() -> int:
    """Return the permission bits that new files do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


SOME = ("run", "status")
ALL = (*SOME, "sync", "start", "stop", "logs", "plan", "doctor", "collect", "kill", "wait")


@pytest.mark.root
@pytest.mark.parametrize(
    ("folder", "kind", "commands"),
    [
        ("", "link", SOME),
        ("MACHINE", "of another user", SOME),
        ("MACHINE/runner", "link", ALL),
        ("MACHINE/runner", "of another user", SOME),
    ],
)
def test_planted_folder_is_refused(lab: Lab, folder: str, kind: str, commands: tuple[str, ...]) -> None:
    planted = lab.node1.home / ".local/state/remote-runner" / folder.replace("MACHINE", os.uname().nodename)
    elsewhere = lab.node1.home / "elsewhere"
    elsewhere.mkdir()
    planted.parent.mkdir(parents=True, exist_ok=True)
    if kind == "link":
        planted.symlink_to(elsewhere)
    else:
        planted.mkdir()
        os.chown(planted, 65534, 65534)
    lab.write("f", "content")
    lab.config(CONFIG + "add('a', 'node1', files={'f': 'f'})")
    for command in commands:
        done = lab.fab(command, "-c", "cfg.py")
        assert done.returncode == 1, command
        words = done.stdout + done.stderr
        assert f"{planted} belongs to another user, or is a symbolic link; remove it" in words
    assert lab.node1.sessions() == []
    assert list(elsewhere.iterdir()) == []


@pytest.mark.root
@pytest.mark.parametrize("kind", ["link", "of another user"])
def test_planted_component_is_refused(lab: Lab, kind: str) -> None:
    """As could be done where an older version, or the user, has left the folder above open."""
    lab.node1.state().mkdir(parents=True)
    elsewhere = lab.node1.home / "elsewhere"
    elsewhere.mkdir()
    planted = lab.node1.state() / "a"
    if kind == "link":
        planted.symlink_to(elsewhere)
    else:
        planted.mkdir()
        os.chown(planted, 65534, 65534)
    for folder in (lab.node1.state(), lab.node1.state().parent):
        folder.chmod(0o777)
    lab.config(CONFIG + "add('a', 'node1')")
    done = lab.fab("run", "-c", "cfg.py")
    assert done.returncode == 1
    assert f"{planted} belongs to another user, or is a symbolic link; remove it" in done.stderr
    assert list(planted.iterdir()) == []
    assert [stat.S_IMODE(path.stat().st_mode) for path in (lab.node1.state(), lab.node1.state().parent)] == [0o700] * 2


def test_planted_staging_folder_is_refused(lab: Lab) -> None:
    lab.write("f", "content")
    lab.config(CONFIG + "add('a', 'node1', files={'f': 'f'})")
    staging = staging_name(lab)
    (lab.node1.home / "elsewhere").mkdir()
    (lab.node1.home / "work" / staging).symlink_to(lab.node1.home / "elsewhere")
    done = lab.fab("sync", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"node1: sync: {lab.node1.home}/work/{staging} belongs to another user, but is a staging folder of the files"
    )
    assert list((lab.node1.home / "elsewhere").iterdir()) == []


@pytest.mark.root
@pytest.mark.parametrize("kind", ["link", "of another user"])
def test_planted_temporary_folder_is_unused(lab: Lab, kind: str) -> None:
    lab.write("f", "content")
    lab.config(CONFIG + "add('a', 'node1', 'pwd >~/where; exec sleep 1000', base_dir=None, files={'f': 'f'})")
    lab.run("sync")
    (temporary,) = lab.node1.tmp.glob("remote-runner.*")
    shutil.rmtree(temporary)
    elsewhere = lab.node1.home / "elsewhere"
    elsewhere.mkdir()
    if kind == "link":
        temporary.symlink_to(elsewhere)
    else:
        temporary.mkdir()
        os.chown(temporary, 65534, 65534)
    lab.run("run")
    eventually(lambda: (lab.node1.home / "where").exists(), "the program")
    assert (lab.node1.home / "where").read_text().strip() not in (str(temporary), str(elsewhere))
    assert list(elsewhere.iterdir()) == list(temporary.iterdir()) == []


def staging_name(lab: Lab) -> str:
    """How staging folders are called there: as they are seen while one is in use."""
    (lab.folder / "f").write_bytes(bytes(300_000_000))
    work = lab.node1.home / "work"
    work.mkdir()
    with subprocess.Popen(lab.command("sync", "-c", "cfg.py"), cwd=lab.folder, env=lab.environment) as fab:
        eventually(lambda: any(work.iterdir()), "a staging folder")
        (name,) = [path.name for path in work.iterdir()]
        fab.kill()
    eventually(lambda: not any(work.iterdir()), "its end")
    (lab.folder / "f").write_text("content")
    return name
