"""The state of a component, read from a host's answers."""

import subprocess
from pathlib import Path

import pytest

from fabfile.components.status import NOT_READY, State, Status, in_states, read_status, states_named
from fabfile.remote.script import command
from rr_config import Component, ConfigError
from rr_config.values.ready import port
from tests.support.scripts import answers_of, script_of

COMPONENTS = [
    Component(name=name, host="h", executable="x", start_index=1, ready=port(80) if name in "def" else None)
    for name in "abcdefgh"
]


def test_answers_are_read() -> None:
    answers = [
        "units 1000 4096",
        "component a running 11  900     ",
        "component b ended 21 137 800 960  late  ",
        "component c waiting        ",
        "component d ended 22 0 800 970 830   ",
        "component e ending 12  900  930   ",
        "component f running 13  900   late  ",
        "component g ended 23 143 800 970   stopped ",
        "component h ended 24  800     reboot",
        "output b one\n\rtwo\x1b[1m!\n\nKilled\n",
        "output h x\n",
        "output d not asked for\n",
        "sample 50.00 a,11,100,50,3 a,12,0,0,4 b,77,7,0,9 b,78,1,0,9",
        "sample 50.50 a,11,120,60,5 a,13,10,0,6 b,77,9,8,9",
    ]
    a, b, c, d, e, f, g, h = COMPONENTS
    assert read_status(COMPONENTS, answers) == [
        Status(a, State.RUNNING, 11, None, 100, cpu=0.8, memory=11 * 4096, runs=True, started=900),
        Status(
            b,
            State.FAILED,
            21,
            137,
            40,
            cpu=0.2,
            memory=9 * 4096,
            last_line="two!",
            survivors=1,
            started=800,
            ended=960,
        ),
        Status(c, State.WAITING),
        Status(d, State.ENDED, 22, 0, 30, started=800, ready=830, ended=970),
        Status(e, State.READY, 12, None, 70, cpu=0, memory=0, runs=True, started=900, ready=930),
        Status(f, State.FAILED, 13, None, 100, cpu=0, memory=0, problem=NOT_READY, runs=True, started=900),
        Status(g, State.STOPPED, 23, 143, 30, started=800, ended=970),
        Status(h, State.LOST, 24, problem="the host was restarted", last_line="x", started=800),
    ]
    assert read_status([b], answers)[0].signal == "SIGKILL"


def test_named_states_are_parsed() -> None:
    assert states_named("Failed, lost") == {State.FAILED, State.LOST}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runing", "--state: unknown state 'runing'; did you mean running?"),
        ("failed,", "--state: unknown state ''; must be one of waiting, starting, "),
        ("up,failed", "--state: unknown state 'up'; must be one of waiting, starting, "),
    ],
)
def test_unknown_state_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        states_named(text)
    assert str(caught.value).startswith(message)


def test_unknown_components_are_in_any_state() -> None:
    found = [Status(COMPONENTS[0], State.UNKNOWN), Status(COMPONENTS[1], State.READY)]
    assert in_states(found, {State.FAILED}) == found[:1]
    assert in_states(found, {State.READY}) == found


# mawk ends with an error if it cannot read a file that it has opened. It does so twice here: before it lists the processes,
# and before it takes samples. /proc/self/mem cannot be read from its start.
UNREADABLE = """
awk() {
  echo >>"$HOME/looks"
  case $(grep -c '' "$HOME/looks") in
    1 | 3) command awk 'BEGIN { exit (getline <"/proc/self/mem") < 0 ? 2 : 0 }' ;;
    *) command awk "$@" ;;
  esac
}
state=/ since=5 members="start a $$
"
list_sessions
report_usage
"""


def test_processes_that_end_meanwhile_are_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    answers = answers_of("sh", script_of(UNREADABLE, "status", folders="", with_origins=False))
    assert answers.count(b"\0sample ") == answers.count(b" a,") == 2
    assert (tmp_path / "looks").read_text() == "\n" * 4


def test_look_that_never_succeeds_is_an_error() -> None:
    """For `stop`, a look that finds no process means that none is left."""
    body = 'awk() { return 2; }\nlist_sessions\nfound=$(descendants "start a $$")\nanswer over'
    assert b"over" not in answers_of("sh", script_of(body, "status", folders="", with_origins=False))


def test_end_before_the_sample_does_not_hang() -> None:
    """The component has ended since the script saw it, and the controller keeps the standard input open."""
    body = "state=/ since='' members='tag a 4194304\n'\nlist_sessions\nreport_usage"
    script = script_of(body, "status", folders="", with_origins=False).sent_by("me", born=5, group=1)
    with subprocess.Popen(["sh", "-c", command(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        process.stdin.write(script)
        process.stdin.flush()
        try:
            process.wait(10)
            assert process.stdout.read().endswith(b"\0done\0")
        finally:
            process.kill()
