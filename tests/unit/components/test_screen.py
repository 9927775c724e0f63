"""Process ids that Linux has given to another process."""

import subprocess
from pathlib import Path

import pytest

from fabfile.remote.script import read_script


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_reused_process_id_is_spared(shell: str, tmp_path: Path) -> None:
    """As it may, while one that had that id is waited for: of 32,768, ids are soon given again. So is its child."""
    child = tmp_path / "child"
    begin = f"(sleep 1000 & echo $! >{child}; wait) >/dev/null & roots=$!\nuntil [ -s {child} ]; do :; done\n"
    look = 'echo $(not_ended "$roots" | wc -l) $(members | wc -l)\n'
    script = f"is_evaluated=yes; {read_script('end_processes.sh')}marks= screens=' '\n{begin}{look}note_births $roots\n{look}births=\" $roots.1 \"\n{look}"
    done = subprocess.run([shell, "-c", f"{script}kill $roots $(cat {child})"], capture_output=True, text=True)
    assert (done.stdout.rpartition("\0")[2], done.stderr) == ("1 2\n1 2\n0 0\n", "")  # after the greeting
