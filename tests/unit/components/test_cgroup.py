"""The cgroup of a session."""

import subprocess
from pathlib import Path

import pytest

from fabfile.remote.script import read_script


@pytest.mark.root
@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_cgroups_of_sessions_are_not_nested(shell: str, tmp_path: Path) -> None:
    """A session that is started in a window of another one must outlive it."""
    script = f"""
cd {tmp_path}; state=$PWD
session=outer; enter_cgroup
session=inner; enter_cgroup
"""
    library = f"is_evaluated=yes; is_whole=yes; {read_script('cgroup.sh')}"
    subprocess.run([shell, "-c", library + script], capture_output=True, check=True)
    outer, inner = map(Path, (tmp_path / ".cgroups").read_text().splitlines())
    try:
        assert outer.parent == inner.parent
    finally:
        for cgroup in (inner, outer):
            cgroup.rmdir()


@pytest.mark.root
def test_cgroup_belongs_to_one_machine(tmp_path: Path) -> None:
    """Containers may share a tree of cgroups. Each of them counts its processes from 1."""
    cgroups = []
    for machine in ("a", "b"):
        state = tmp_path / machine
        state.mkdir()
        script = f"is_evaluated=yes; is_whole=yes; {read_script('cgroup.sh')}\ncd {state}; state=$PWD session=s machine={machine}\n"
        command = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", f"{script}enter_cgroup; echo $$"]
        done = subprocess.run(command, capture_output=True, check=True)
        assert done.stdout.rpartition(b"\0")[2] == b"1\n", "both have the same process id"
        if (state / ".cgroups").exists():
            cgroups += (state / ".cgroups").read_text().splitlines()
    for cgroup in cgroups:
        Path(cgroup).rmdir()
    assert len(set(cgroups)) == 2
