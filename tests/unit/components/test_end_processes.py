"""The end of processes, by a script that the local sh runs."""

import os
import subprocess

import pytest

from fabfile.remote.script import command
from tests.support.scripts import script_of

# No time is left after KILL, as if the script had stood still. `members` looks at the one process.
BODY = """
trap '' TERM
sleep 1000 &
pid=$!
members() { ! is_alive "$pid" || echo "$pid"; }
members_born_since() { :; }
list_children() { children=; }
kill_marked() { :; }
kill_children() { :; }
after_term=0 after_kill=-1 whole_session='' found='' servers=$pid
"""


@pytest.mark.parametrize("end", ["await_end 0", "end_servers"])
def test_killed_processes_are_asked_again(end: str) -> None:
    script = script_of(f"{BODY}{end}\nanswer over", "end_processes").sent_by("me", born=5, group=1)
    done = subprocess.run(["sh", "-c", command(script)], input=script, env=os.environ, capture_output=True)
    assert done.stdout.endswith(b"\0over\0done\0"), done
