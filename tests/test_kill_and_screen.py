"""Whole runs of `fab kill` and `fab screen`: which sessions and processes end, and which are there afterwards."""

import contextlib
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.remote.script import read_script

from .conftest import Lab, eventually
from .throwaway import ThrowawayHost

ONE_PROGRAM = """
config.add_component(Component(name="one", host="node1", start_index=1, executable="one.sh", files={"one.sh": "one.sh"}))
"""
NOTES_ITS_PID = 'sh -c "echo \\$\\$ >~/pid.%s; exec sleep 1000"'

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
echo $$ >~/pid.program
wait
"""


def noted(host: ThrowawayHost) -> dict[str, int]:
    """The process ids that programs have written to ~/pid.NAME."""
    found = {path.suffix[1:]: path.read_text() for path in host.home.glob("pid.*")}
    return {name: int(text) for name, text in found.items() if text.endswith("\n")}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def alive(host: ThrowawayHost) -> set[str]:
    """The names of the noted processes that still run."""
    return {name for name, pid in noted(host).items() if is_alive(pid)}


def kill_server(id_: str) -> None:
    """End the screen behind PID.NAME in a way that leaves its socket there."""
    pid = int(id_.partition(".")[0])
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_alive(pid), "the screen server has ended")


def start_session(host: ThrowawayHost, session: str, noted_as: str) -> None:
    """A session, made without Remote Runner, with one program."""
    host.run(f"screen -dmS {session} {NOTES_ITS_PID % noted_as}")
    eventually(lambda: noted_as in noted(host), f"a program in the session {session}")


def ids(host: ThrowawayHost, session: str = "runner") -> list[str]:
    """PID.NAME of each living or dead session of that name."""
    listed = (line.split("\t")[1] for line in host.run("screen -ls; true").splitlines() if line.startswith("\t"))
    return [id_ for id_ in listed if id_.partition(".")[2] == session]


def titles(host: ThrowawayHost, session: str = "runner") -> list[str]:
    """What `screen -Q windows` says, one entry a window without its number and flags."""
    (id_,) = ids(host, session)
    return host.run(f"screen -S {id_} -Q windows").split()[1::2]


FORKS_ON = r"""#!/usr/bin/env python3
import os, pathlib, signal, time
for name in ("SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
while True:
    if os.fork():
        os._exit(0)
    os.setsid()
    time.sleep(0.03)  # or it would fill the process table
    pathlib.Path("~/generations").expanduser().open("a").write("x")
"""


def test_kill_ends_all_sessions_of_exactly_that_name_and_no_other(lab: Lab) -> None:
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


def test_kill_ends_what_forks_faster_than_it_looks(lab: Lab) -> None:
    lab.config(ONE_PROGRAM)
    lab.write("one.sh", FORKS_ON, 0o755)
    lab.run("run")
    generations = lab.node1.home / "generations"
    eventually(lambda: generations.exists() and generations.stat().st_size > 3, "some generations")
    lab.run("kill")
    after = generations.stat().st_size
    with pytest.raises(pytest.fail.Exception):
        eventually(lambda: generations.stat().st_size > after, "another generation", seconds=0.5)


def test_kill_leaves_a_session_alone_that_has_been_given_another_name(lab: Lab) -> None:
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


@pytest.mark.parametrize("stage", ["screen", "start"])
def test_one_of_several_sessions_of_that_name_is_not_chosen(lab: Lab, stage: str) -> None:
    for noted_as in ("first", "second"):
        start_session(lab.node1, "runner", noted_as)
    lab.config(ONE_PROGRAM)
    lab.write("one.sh", "")
    done = lab.fab(stage, "--config", "cfg.py")
    assert done.returncode == 1
    assert "there are 2 screen sessions named runner; end all of them with: fab kill" in done.stderr


def test_kill_ends_what_ignores_signals_and_what_has_left_its_window(lab: Lab) -> None:
    lab.config(ONE_PROGRAM)
    lab.write("one.sh", STUBBORN, 0o755)
    start_session(lab.node1, "bystander", "bystander")
    lab.run("run")
    eventually(lambda: len(noted(lab.node1)) == 10, f"ten processes, not {noted(lab.node1)}")
    assert len(alive(lab.node1)) == 10
    lab.run("kill")
    assert alive(lab.node1) == {"bystander"}
    assert lab.node1.sessions() == ["bystander"]


@pytest.mark.parametrize("how", ["-dmS", "-DmS"])
def test_kill_leaves_alone_a_session_that_was_started_in_a_window(lab: Lab, how: str) -> None:
    lab.config(ONE_PROGRAM)
    inner = f"screen {how} other {NOTES_ITS_PID % 'inner'}"
    lab.write("one.sh", f"#!/bin/sh\n{inner} &\necho $$ >~/pid.outer\nexec sleep 1000\n", 0o755)
    lab.run("run")
    eventually(lambda: alive(lab.node1) == {"inner", "outer"}, "both sessions")
    lab.run("kill")
    assert alive(lab.node1) == {"inner"}
    assert lab.node1.sessions() == ["other"]


def test_kill_ends_a_program_that_is_called_screen(lab: Lab) -> None:
    lab.config(ONE_PROGRAM.replace("one.sh", "screen"))
    lab.write("screen", "#!/bin/sh\necho $$ >~/pid.program\nwhile :; do sleep 1; done\n", 0o755)
    lab.run("run")
    eventually(lambda: alive(lab.node1) == {"program"}, "the program")
    assert Path(f"/proc/{noted(lab.node1)['program']}/comm").read_text() == "screen\n"
    lab.run("kill")
    assert alive(lab.node1) == set()


@pytest.mark.parametrize("origin", ["by fab", "by hand"])
def test_kill_clears_what_a_killed_screen_server_has_left(lab: Lab, origin: str) -> None:
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


def test_screen_makes_one_session_a_host_and_uses_the_one_that_is_there(lab: Lab) -> None:
    start_session(lab.node1, "runner-prod", "bystander")
    lab.config(ONE_PROGRAM + ONE_PROGRAM.replace('"one"', '"two"') + ONE_PROGRAM.replace("node1", "node2"))
    lab.write("one.sh", "#!/bin/sh\nexec sleep 1000\n", 0o755)
    lab.run("screen")
    before = ids(lab.node1), ids(lab.node2)
    assert lab.node1.sessions() == ["runner", "runner-prod"]
    assert lab.node2.sessions() == ["runner"]
    lab.run("screen", "--no-zombie")
    lab.run("run", "--no-kill")
    assert (ids(lab.node1), ids(lab.node2)) == before
    assert sorted(titles(lab.node1)) == ["one", "shell", "two"]
    assert len(titles(lab.node1, "runner-prod")) == 1
    lab.run("run")
    assert lab.node1.sessions() == ["runner", "runner-prod"]
    assert not set(ids(lab.node1)) & set(before[0]), "a run without --no-kill has a new session"


def test_screen_makes_a_session_where_that_of_the_same_name_was_killed(lab: Lab) -> None:
    lab.config(ONE_PROGRAM)
    lab.write("one.sh", "#!/bin/sh\nexec sleep 1000\n", 0o755)
    lab.run("screen")
    (before,) = ids(lab.node1)
    kill_server(before)
    lab.run("screen")
    (after,) = set(ids(lab.node1)) - {before}
    lab.run("sync")
    lab.run("start")
    assert lab.node1.run(f"screen -S {after} -p 1 -Q title") == "one"


def test_a_finished_window_stays_until_q_is_pressed_unless_no_zombie(lab: Lab) -> None:
    lab.config(ONE_PROGRAM + ONE_PROGRAM.replace("node1", "node2").replace("one.sh", "two.sh"))
    lab.write("one.sh", "#!/bin/sh\necho over\n", 0o755)
    lab.write("two.sh", "#!/bin/sh\nsleep 0.3\n", 0o755)
    lab.run("run", "--no-zombie")
    for host in (lab.node1, lab.node2):
        eventually(lambda host=host: "one" not in titles(host), "the window is gone")  # type: ignore[misc]
        assert host.sessions() == ["runner"]
    lab.run("run")
    for host in (lab.node1, lab.node2):
        eventually(lambda host=host: (host.state() / "one/status").exists(), "its end")  # type: ignore[misc]
        assert "one" in titles(host)
    press_q(lab.node1, window="one")


def press_q(host: ThrowawayHost, window: str) -> None:
    """Press q in a window, as a person would, and see it gone."""
    with attached(host, "-p", window) as terminal:
        os.write(terminal, b"q")
        eventually(lambda: window not in titles(host), "q closes the window")


@contextlib.contextmanager
def attached(host: ThrowawayHost, *arguments: str) -> Iterator[int]:
    """Attach to the session as a person would; the file descriptor of the terminal."""
    ours, theirs = pty.openpty()
    environment = os.environ | host.environment | {"TERM": "xterm"}
    command = ["screen", "-r", ids(host)[0], *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, env=environment, start_new_session=True) as screen:
        os.close(theirs)
        assert os.read(ours, 1)  # it has drawn something
        yield ours
        screen.kill()
    os.close(ours)


def test_kill_leaves_other_sessions_alone_though_a_program_ignores_term(lab: Lab) -> None:
    """The servers of sessions that were started from a window have its session in their environment."""
    lab.config(ONE_PROGRAM)
    other = "screen -dmS other sh -c 'echo $$ >~/pid.other; exec sleep 1000'"
    stubborn = "(trap '' TERM HUP; echo $$ >~/pid.stubborn; while :; do sleep 1; done)"
    lab.write("one.sh", f"#!/bin/sh\n{other}\n{stubborn}\n", 0o755)
    lab.run("run")
    eventually(lambda: noted(lab.node1).keys() == {"stubborn", "other"}, "both programs")
    lab.run("kill")
    assert alive(lab.node1) == {"other"}


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_process_that_has_got_the_id_of_one_of_ours_is_left_alone(shell: str, tmp_path: Path) -> None:
    """As it may, while one that had that id is waited for: of 32,768, ids are soon given again. So is its child."""
    child = tmp_path / "child"
    begin = f"(sleep 1000 & echo $! >{child}; wait) >/dev/null & roots=$!\nuntil [ -s {child} ]; do :; done\n"
    look = 'echo $(not_ended "$roots" | wc -l) $(members | wc -l)\n'
    script = f"{read_script('processes.sh')}marks= screens=' '\n{begin}{look}note_births $roots\n{look}births=\" $roots.1 \"\n{look}"
    done = subprocess.run([shell, "-c", f"{script}kill $roots $(cat {child})"], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1 2\n1 2\n0 0\n", "")
