"""The script of `fab doctor` and its answers."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from fabfile.diagnosis.packages import Manager
from fabfile.diagnosis.probe import Facts, RootState, probe_script, read_facts
from fabfile.remote.script import command


def test_answers_are_read() -> None:
    answers = ["has screen", "has tar", "user me too 1000", "manager dnf install", "sudo yes", "processes 7000 12"]
    answers += ["terminals  ", "root there /home/me", "root new /a b", "lacks strace", "lacks a b"]
    found = read_facts(["~", "temporary:c"], answers)
    assert found == Facts(
        "me too",
        ("openssl", "coreutils", "findutils", "grep", "sed", "gawk"),
        ("strace", "a b"),
        Manager("dnf install", is_root=False, has_sudo=True),
        (7000, 12),
        None,
        {"~": RootState("there", "/home/me"), "temporary:c": RootState("new", "/a b")},
    )
    assert not found.can_tell_of_files
    answers[2:6] = ["user root 0", "manager ", "processes unlimited 5"]
    found = read_facts(["~", "temporary:c"], answers)
    assert (found.manager, found.processes) == (None, (None, 5))


@pytest.mark.parametrize("sh", ["dash", "bash"])
def test_script_survives_odd_roots(sh: str, tmp_path: Path) -> None:
    (tmp_path / "-a 'b'\n$c").write_text("1234")
    (tmp_path / "there").mkdir()
    state_folder = tmp_path / "state/remote-runner" / os.uname().nodename / "s" / "known"
    state_folder.mkdir(parents=True)
    (state_folder / "base_dir").write_text(f"{tmp_path}/there\n")
    script = probe_script("s", [], ["~", "~no-such-user", "temporary:known", "temporary:new"]).sent_by()
    listed = b"-a 'b'\n$c\0none\0"
    lost = b"none\0" * 100_000  # more than a pipe holds: all of it has to be taken in
    orders = b"folders 2 %d\n%sfiles 1 %d\n%sfolders 1 2\n.\0clock\nend\n" % (len(lost), lost, len(listed), listed)
    own = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    done = subprocess.run(
        [sh, "-c", command(script)], input=script + orders, env=os.environ | own, capture_output=True, check=True
    )
    assert done.stderr == b""
    greeting, rest = done.stdout.split(b"looked\0")
    assert (
        b"root there %s\0root lost ~no-such-user\0root there %s/there\0root new %s\0" % ((os.fsencode(tmp_path),) * 3)
        in greeting
    )
    nothing, of_file, end, of_folder, end_of_folders, clock, *last = rest.split(b"\0")
    assert (nothing, end, end_of_folders, last) == (b"", b"", b"", [b"done", b""])
    assert of_file == b"81a4 4 -a 'b'\n$c"
    assert re.fullmatch(rb"\w+/\d+ \d+ \d+ \d+ \d+ \.", of_folder)
    assert re.fullmatch(rb"\d+\.\d{9}", clock)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["-a 'b'\n$c", "state", "there"]
