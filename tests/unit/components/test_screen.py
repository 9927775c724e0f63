"""Processes that look like ours and are not: reused process ids, and launchers."""

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
    script = f"is_evaluated=yes; is_whole=yes; {read_script('end_processes.sh')}marks= all_servers=' '\n{begin}{look}note_births $roots\n{look}births=\" $roots.1 \"\n{look}"
    # A member that has ended before we could look at its birth: whoever has its id later is another process.
    gone = 'true & gone=$!; wait $gone; note_births $gone; echo ${births#* $gone.}\nbirths=" $roots.ended "\n'
    done = subprocess.run(
        [shell, "-c", f"{script}births=' '\n{gone}{look}kill $roots $(cat {child})"], capture_output=True, text=True
    )
    assert (done.stdout.rpartition("\0")[2], done.stderr) == ("1 2\n1 2\n0 0\nended\n0 0\n", "")  # after the greeting


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_launcher_is_no_running_program(shell: str, tmp_path: Path) -> None:
    """It notes its process id before it becomes the program, which may still fail to start."""
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "launcher").write_text("echo $$ >pid\nread -r _\nexec sleep 1000\n")
    script = f"""
cd {tmp_path}; state=$PWD; mkfifo go; (cd a && exec {shell} "$state/a/launcher" <../go) & exec 3>go
until [ -s a/pid ]; do :; done
read_stat "$(cat a/pid)"; echo "$stat_birth" >a/born
is_running a && echo early
echo >&3
until grep -qs sleep "/proc/$pid/cmdline"; do :; done
is_running a && echo running
kill "$pid"
"""
    library = f"is_evaluated=yes; is_whole=yes; {read_script('component_state.sh')}"
    done = subprocess.run([shell, "-c", library + script], capture_output=True, text=True, timeout=20)
    assert (done.stdout.rpartition("\0")[2], done.stderr) == ("running\n", "")
