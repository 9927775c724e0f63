"""The cgroup of a session."""

import subprocess
from pathlib import Path

import pytest

from fabfile.remote.script import read_script


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_cgroups_of_sessions_are_not_nested(shell: str, tmp_path: Path) -> None:
    """A session that is started in a window of another one must outlive it."""
    script = f"""
cd {tmp_path}; state=$PWD
session=outer; enter_cgroup
session=inner; enter_cgroup
"""
    library = f"is_evaluated=yes; {read_script('cgroup.sh')}"
    subprocess.run([shell, "-c", library + script], capture_output=True, check=True)
    outer, inner = map(Path, (tmp_path / ".cgroups").read_text().splitlines())
    try:
        assert outer.parent == inner.parent
    finally:
        for cgroup in (inner, outer):
            cgroup.rmdir()
