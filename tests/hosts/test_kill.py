"""`fab kill`: the sessions and processes that end, and those that stay."""

from pathlib import Path

import pytest

from tests.support.config_texts import ONE_PROGRAM
from tests.support.lab import Lab
from tests.support.processes import alive, noted
from tests.support.sessions import NOTES_ITS_PID, ids, kill_server, start_session
from tests.support.waiting import eventually

# Each line leaves the process id of one process, that somebody might fail to end, in ~/pid.NAME.
STUBBORN = r"""#!/bin/sh
sh -c 'trap "" HUP TERM; echo $$ >~/pid.ignores_hup_and_term; while :; do sleep 1; done' &
sh -c 'trap "" HUP; echo $$ >~/pid.ignores_hup; while :; do sleep 1; done' &
nohup sh -c 'echo $$ >~/pid.nohup; exec sleep 1000' >/dev/null 2>&1 &
setsid sh -c 'echo $$ >~/pid.setsid; exec sleep 1000' &
( (setsid sh -c 'echo $$ >~/pid.daemon; exec sleep 1000' </dev/null >/dev/null 2>&1 &) & )
env -u STY setsid sh -c 'echo $$ >~/pid.without_sty; exec sleep 1000' &
env -i HOME="$HOME" MARK="$REMOTE_RUNNER_THROWAWAY" REMOTE_RUNNER_THROWAWAY="$REMOTE_RUNNER_THROWAWAY" PATH="$PATH" \
  setsid sh -c 'echo $$ >~/pid.cleared_environment; exec sleep 1000' &
( (env -i HOME="$HOME" REMOTE_RUNNER_THROWAWAY="$REMOTE_RUNNER_THROWAWAY" PATH="$PATH" \
  setsid sh -c 'echo $$ >~/pid.daemon_with_cleared_environment; exec sleep 1000' </dev/null >/dev/null 2>&1 &) & )
screen -dmS other sh -c 'echo $$ >~/pid.other; exec sleep 1000'
echo $$ >~/pid.program
wait
"""


@pytest.mark.transports
def test_kill_ends_sessions_of_exact_name(lab: Lab) -> None:
    names = {"first": "runner", "second": "runner", "longer": "runner-prod", "shorter": "runne", "dotted": "runner.x"}
    names |= {"inner": "my.runner", "upper": "RUNNER"}
    for noted_as, session in names.items():
        start_session(lab.node1, session, noted_as)
    start_session(lab.node3, "runner", "elsewhere")
    lab.config(
        ONE_PROGRAM + 'config.add_component(Component(name="two", host="node2", start_index=1, executable="/bin/true"))'
    )
    lab.write("one.sh", "")
    lab.run("kill")
    assert alive(lab.node1) == names.keys() - {"first", "second"}
    assert lab.node1.sessions() == sorted(set(names.values()) - {"runner"})
    assert lab.node2.sessions() == []  # where there was nothing to kill
    assert alive(lab.node3) == {"elsewhere"}, "node3 is not in the config"
    lab.run("kill")
    lab.run("kill", "--screen", "runner-prod")
    assert alive(lab.node1) == names.keys() - {"first", "second", "longer"}


def test_kill_spares_renamed_session(lab: Lab) -> None:
    lab.config(ONE_PROGRAM)
    lab.write("one.sh", "")
    lab.run("screen")
    (id_,) = ids(lab.node1)
    lab.node1.run("echo 'echo $$ >~/pid.renamed; exec sleep 1000' >note")
    lab.node1.run(f"screen -S {id_} -X screen sh note")
    eventually(lambda: alive(lab.node1) == {"renamed"}, "a program")
    lab.node1.run(f"screen -S {id_} -X sessionname mine")
    lab.run("screen")
    lab.run("kill")
    assert (lab.node1.sessions(), alive(lab.node1)) == (["mine"], {"renamed"})


def test_kill_hangs_up_interactive_shells(lab: Lab) -> None:
    """They ignore TERM. Without HUP, each of them would be killed after five seconds."""
    lab.config(ONE_PROGRAM)
    lab.write("one.sh", "")
    lab.run("screen")
    (id_,) = ids(lab.node1)
    (lab.node1.home / "rc").write_text("trap 'echo $$ >~/pid.hung-up' EXIT; echo $$ >~/pid.shell\n")
    lab.node1.run(f"screen -S {id_} -X screen bash --rcfile {lab.node1.home}/rc -i")
    eventually(lambda: "shell" in noted(lab.node1), "the shell")
    lab.run("kill")
    assert noted(lab.node1)["hung-up"] == noted(lab.node1)["shell"]


def test_kill_ends_stubborn_programs(lab: Lab) -> None:
    """The server of `other`, which was started from a window, has that session in its environment, and goes on."""
    lab.config(ONE_PROGRAM)
    lab.write("one.sh", STUBBORN, 0o755)
    start_session(lab.node1, "bystander", "bystander")
    lab.run("run")
    eventually(lambda: len(noted(lab.node1)) == 11, f"eleven processes, not {noted(lab.node1)}")
    assert len(alive(lab.node1)) == 11
    lab.run("kill")
    assert alive(lab.node1) == {"bystander", "other"}
    assert lab.node1.sessions() == ["bystander", "other"]


def test_kill_spares_session_in_a_window(lab: Lab) -> None:
    """Its server is a child of the program in the window."""
    lab.config(ONE_PROGRAM)
    inner = f"screen -DmS other {NOTES_ITS_PID % 'inner'}"
    lab.write("one.sh", f"#!/bin/sh\n{inner} &\necho $$ >~/pid.outer\nexec sleep 1000\n", 0o755)
    lab.run("run")
    eventually(lambda: alive(lab.node1) == {"inner", "outer"}, "both sessions")
    lab.run("kill")
    assert alive(lab.node1) == {"inner"}
    assert lab.node1.sessions() == ["other"]


def test_kill_ends_program_named_screen(lab: Lab) -> None:
    lab.config(ONE_PROGRAM.replace("one.sh", "screen"))
    lab.write("screen", "#!/bin/sh\necho $$ >~/pid.program\nwhile :; do sleep 1; done\n", 0o755)
    lab.run("run")
    eventually(lambda: alive(lab.node1) == {"program"}, "the program")
    assert Path(f"/proc/{noted(lab.node1)['program']}/comm").read_text() == "screen\n"
    lab.run("kill")
    assert alive(lab.node1) == set()


@pytest.mark.parametrize("origin", ["by fab", "by hand"])
def test_kill_clears_dead_server(lab: Lab, origin: str) -> None:
    lab.config(ONE_PROGRAM)
    program = lab.write("one.sh", "#!/bin/sh\ntrap '' HUP\necho $$ >~/pid.orphan\nwhile :; do sleep 1; done\n", 0o755)
    if origin == "by fab":
        lab.run("run")
    else:
        lab.node1.run(f"screen -dmS runner {program}")
    eventually(lambda: "orphan" in noted(lab.node1), "the program")
    start_session(lab.node1, "runner-prod", "bystander")
    (id_,) = ids(lab.node1)
    kill_server(id_)
    assert ids(lab.node1) == [id_], "its socket is still there"
    assert alive(lab.node1) == {"orphan", "bystander"}
    lab.run("kill")
    assert alive(lab.node1) == {"bystander"}
    assert lab.node1.sessions() == ["runner-prod"]
