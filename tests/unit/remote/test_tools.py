"""Tools that a host lacks: the function `need` with the programs of BusyBox, and without some programs."""

import os
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

import pytest

from fabfile.remote.script import DONE, FAILED, command
from tests.support.scripts import script_of

BUSYBOX = ("cat", "grep", "head", "readlink", "sed", "awk", "stat", "dd", "find", "xargs", "tar")
OTHERS = "chmod cp cut date mkdir mktemp mv realpath rm rmdir sha1sum sleep sort tail tee timeout tr wc"
ALL = (*BUSYBOX, *OTHERS.split(), "screen", "openssl")
GNU = "not installed, or not the GNU version"


def answer(sh: str, folder: Path, lacking: Collection[str] = (), busybox: Collection[str] = (), own: str = "") -> str:
    """Return the last answer of `need screen tar` on a host with this PATH; `own` are programs for a user or for root."""
    folder.mkdir()
    for name in ALL:
        if name not in lacking:
            (folder / name).symlink_to(str(shutil.which("busybox" if name in busybox else name)))
    (folder / "sh").symlink_to(str(shutil.which(sh)))
    for name in own.split():
        (folder / name).touch(mode=0o755)
    (folder / "id").write_text(f"#!/bin/sh\necho {1000 if 'sudo' in own or 'dnf' in own else 0}\n")
    (folder / "id").chmod(0o755)
    script = script_of("need screen tar", "tools").sent_by()
    done = subprocess.run(
        ["/bin/sh", "-c", command(script)], input=script, env={"PATH": str(folder)}, capture_output=True
    )
    return os.fsdecode(done.stdout).split("\0")[-2].removeprefix(FAILED)


@pytest.mark.parametrize("sh", ["dash", "bash", "busybox"])
def test_lacking_tools_are_reported(tmp_path: Path, sh: str) -> None:
    assert answer(sh, tmp_path / "1") == DONE
    assert answer(sh, tmp_path / "2", ["screen"]) == "screen: not installed; install it on the host"
    assert answer(sh, tmp_path / "3", ["screen", "sed", "stat"], own="apk") == (
        f"screen, sed: not installed; coreutils: {GNU}; install them with: apk add screen sed coreutils"
    )
    assert answer(sh, tmp_path / "4", ["awk"], own="dnf") == (
        "gawk: not installed; install it with: dnf install gawk, as root"
    )
    assert answer(sh, tmp_path / "5", ["awk"], own="apk sudo").endswith("; install it with: sudo apk add gawk")
    found = answer(sh, tmp_path / "6", busybox=BUSYBOX)
    assert found == f"tar, coreutils, findutils, grep: {GNU}; install them on the host"
    assert answer(sh, tmp_path / "7", busybox=["awk", "sed", "tar"]) == f"tar: {GNU}; install it on the host"
    assert answer(sh, tmp_path / "8", busybox=["awk", "sed"]) == DONE
    for number, name in enumerate(["cat", *OTHERS.split()], 9):
        assert answer(sh, tmp_path / str(number), [name]) == f"coreutils: {GNU}; install it on the host"
