"""The end of processes, by a script that the local sh runs."""

from pathlib import Path

import pytest

from tests.support.scripts import answers_of, script_of

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
    assert answers_of("sh", script_of(f"{BODY}{end}\nanswer over", "end_processes")).endswith(b"\0over\0done\0")


# The only child of the screen server is one process. It has no sign of a component, and is younger than `a`.
STRANGER = """
cd {0} && state={0} folders=a servers=1
mkdir a && echo 0 >a/begun && echo 'sleep 3; :' >a/launcher
{1} &
child=$!
list_children() {{ children=$child; }}
(check_strangers)
kill -KILL "$child"
answer over
"""


@pytest.mark.parametrize("sh", ["dash", "bash"])
@pytest.mark.parametrize(
    ("process", "is_stranger"),
    [("exec sleep 0.5", False), ('exec sh "$state/a/launcher" record 7', False), ("exec sleep 1000", True)],
    ids=["ending", "launcher", "other"],
)
def test_strangers_are_asked_again(tmp_path: Path, sh: str, process: str, is_stranger: bool) -> None:
    """A process that ends soon is none, and neither is a launcher, which outlives its closed window."""
    values = {"controller_program": "fab", "session": "runner"}
    answers = answers_of(sh, script_of(STRANGER.format(tmp_path, process), "stop", **values))
    assert answers.endswith(b"\0over\0done\0")
    assert (b"processes of an unknown component are left: " in answers) == is_stranger
    assert (b" (sleep); end them by hand, or all of the session with: fab kill\0" in answers) == is_stranger
