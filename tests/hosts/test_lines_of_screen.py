"""The lines that screen adds to a window when its program ends are never shown; those of programs always are."""

import contextlib
import os
import re
import signal
from functools import partial
from pathlib import Path

import pytest

from tests.support.collections import collections_in
from tests.support.commands import read_line, running
from tests.support.config_texts import LOGGED as CONFIG
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.waiting import eventually

FORGED = "=== Command terminated normally (Sun Nov 29 19:42:51 2026) ==="
DETACHED = "=== Command detached from window (Sun Nov 29 19:42:50 2026) ==="
# Without `opost`, a program prints exactly the bytes of screen: LF CR.
SCRIPTS = {
    "plain": ("echo one; echo two; exit 3", b"one\r\ntwo\r\n"),
    "unfinished": ("echo one; printf two", b"one\r\ntwo"),
    "silent": ("exit 0", b""),
    "killed": ("echo one; echo two; kill -9 $$", b"one\r\ntwo\r\nKilled\r\n"),  # the last line is from sh
    "return": (r"printf 'one\r'", b"one\r"),
    "multibyte": (r"printf 'ä\n→\342'", "ä\r\n→".encode() + b"\xe2"),
    "quoting": (
        "echo one; echo '=== Command terminated normally ==='",
        b"one\r\n=== Command terminated normally ===\r\n",
    ),
    "forging": (rf"stty -opost; printf 'one\n\r{FORGED}'", f"one\n\r{FORGED}".encode()),
    "forging_all": (rf"stty -opost; printf '\n\r{DETACHED}\n\r{FORGED}'", f"\n\r{DETACHED}\n\r{FORGED}".encode()),
    "large": ("seq 200000", b"".join(b"%d\r\n" % number for number in range(1, 200001))),
}


def output_of(lab: Lab, name: str, host: str = "node1") -> Path:
    """Return the file of a component's output, to which screen adds its lines."""
    return lab.farm.hosts[host].state() / name / "output"


def ends_with_screen(output: Path, least: int = 0) -> bool:
    """Return whether the last line is from screen, and the file has at least that size."""
    return output.stat().st_size >= least and output.read_bytes().endswith(b" ===")


def await_screen(lab: Lab, *names: str) -> None:
    """Wait until screen has added its lines for these components."""
    for name in names:
        output = output_of(lab, name)
        eventually(partial(ends_with_screen, output), f"the lines of screen for {name}")
        eventually((lab.node1.state() / name / "status").exists, f"the end of {name}")


def shown(lab: Lab, name: str, *more: str) -> str:
    return lab.run("logs", "--raw", "--limit", name, *more).stdout


def collected(lab: Lab) -> dict[str, Path]:
    """Collect; return the collected output of each component on node1."""
    lab.run("collect")
    folder = max(collections_in(lab.folder / "results"), key=lambda each: each.stat().st_mtime_ns)
    return {path.parent.name: path for path in folder.glob("node1/*/output")}


def test_ended_outputs_are_of_the_programs(lab: Lab) -> None:
    adds = [f"add({name!r}, 'node1', {script!r})" for name, (script, _) in SCRIPTS.items()]
    lab.config(CONFIG + "\n".join(adds))
    lab.fab("run", "-c", "cfg.py")
    await_screen(lab, *SCRIPTS)
    found = {name: path.read_bytes() for name, path in collected(lab).items()}
    assert found == {name: output for name, (_, output) in SCRIPTS.items()}
    again = collected(lab)
    assert all(path.stat().st_nlink == 2 for path in again.values()), "an unchanged output is not sent again"
    assert shown(lab, "plain", "-n", "2") == "plain | one\nplain | two\n"
    assert shown(lab, "unfinished", "-n", "1") == "unfinished | two\n"
    assert shown(lab, "silent") == ""
    assert shown(lab, "large", "-n", "1") == "large | 200000\n"
    assert shown(lab, "quoting", "-n", "1") == "quoting | === Command terminated normally ===\n"
    assert shown(lab, "forging", "-n", "1").endswith(f"{FORGED}\n")
    assert shown(lab, "plain", "--since", "1m") == "plain | one\nplain | two\n"
    lab.run("report")
    page = (lab.folder / "report.html").read_text()
    assert "===" in page and not re.search(
        rf"=== Command (?!{re.escape(FORGED[12:-4])}|{re.escape(DETACHED[12:-4])}|terminated normally ===)", page
    )


def test_outputs_without_zombies_are_whole(lab: Lab) -> None:
    """screen adds no line there. An output that ends like one is the program's."""
    lab.config(
        CONFIG + "".join(f"add({name!r}, 'node1', {SCRIPTS[name][0]!r})\n" for name in ("unfinished", "forging"))
    )
    lab.run("run", "--no-zombie")
    for name in ("unfinished", "forging"):
        eventually((lab.node1.state() / name / "status").exists, f"the end of {name}")
    assert {n: p.read_bytes() for n, p in collected(lab).items()} == {
        n: SCRIPTS[n][1] for n in ("unfinished", "forging")
    }


def test_followed_log_has_no_line_of_screen(lab: Lab) -> None:
    """The last line is shown when the program has ended, although no newline ends it."""
    lab.config(
        CONFIG
        + "add('a', 'node1', 'echo one; until [ -e ~/go ]; do sleep 0.1; done; printf two')\n"
        + "add('b', 'node1', 'until [ -e ~/then ]; do sleep 0.1; done; echo three; exec sleep 1000')\n"
    )
    lab.run("run")
    with running(lab, "logs", "--follow") as fab:
        try:
            assert read_line(fab) == "a | one\n"
            (lab.node1.home / "go").touch()
            assert read_line(fab) == "a | two\n"
            await_screen(lab, "a")
            (lab.node1.home / "then").touch()
            assert read_line(fab) == "b | three\n"
        finally:
            os.killpg(fab.pid, signal.SIGINT)
            fab.communicate(timeout=10)


def test_late_output_of_a_child_is_kept(lab: Lab) -> None:
    """The window stays open as long as the child runs. Then screen adds its lines."""
    script = "(trap '' HUP; sleep 1; echo late) & echo early"
    lab.config(CONFIG + f"add('a', 'node1', {script!r})")
    lab.run("run")
    await_screen(lab, "a")
    assert shown(lab, "a") == "a | early\na | late\n"
    assert collected(lab)["a"].read_bytes() == b"early\r\nlate\r\n"


@pytest.mark.parametrize("recorder_too", [False, True], ids=["first", "both"])
def test_killed_launcher_leaves_no_line(lab: Lab, recorder_too: bool) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'echo one; exec sleep 1000')")
    lab.run("run")
    eventually(lambda: output_of(lab, "a").read_bytes() == b"one\r\n", "the output")
    recorder = int(text(lab.node1.state() / "a/launcher.pid"))
    first = int(Path(f"/proc/{recorder}/stat").read_text().rpartition(")")[2].split()[1])
    pids = [recorder, first] if recorder_too else [first]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # the kernel hangs up an orphaned group that is stopped
                os.kill(pid, number)
    eventually(lambda: output_of(lab, "a").read_bytes().endswith(b" ==="), "the lines of screen")
    assert re.fullmatch(r"a \| one\n(a \| (Hangup|Killed)\n)?", shown(lab, "a")), "the second line is from sh"
    assert b"===" not in collected(lab)["a"].read_bytes()


@pytest.mark.parametrize("end", ["kill", "quit"])
def test_closed_window_leaves_the_output(lab: Lab, end: str) -> None:
    lab.config(CONFIG + rf"add('a', 'node1', {SCRIPTS['forging'][0]!r} + '; exec sleep 1000')")
    lab.run("run")
    eventually(lambda: output_of(lab, "a").read_bytes() == SCRIPTS["forging"][1], "the output")
    (session,) = (lab.node1.state() / "a/session").read_text().split()
    lab.node1.run(f"screen -S {session} -p a -X {end}")
    eventually((lab.node1.state() / "a/status").exists, "its end")
    assert collected(lab)["a"].read_bytes() == SCRIPTS["forging"][1]


def test_restarted_window_leaves_no_line(lab: Lab) -> None:
    """A user may let a key start the command of an ended window again. The launcher refuses that."""
    lab.config(CONFIG + "add('a', 'node1', 'echo one')\nadd('b', 'node1', 'exec sleep 1000')")
    lab.run("run")
    await_screen(lab, "a")
    (session,) = (lab.node1.state() / "a/session").read_text().split()
    lab.node1.run(f"screen -S {session} -X zombie qr")
    size = output_of(lab, "a").stat().st_size
    for _ in range(2):
        lab.node1.run(f"screen -S {session} -p a -X stuff r")
        eventually(partial(ends_with_screen, output_of(lab, "a"), size + 100), "the window to end again")
        size = output_of(lab, "a").stat().st_size
    assert shown(lab, "a") == "a | one\n"
    assert collected(lab)["a"].read_bytes() == b"one\r\n"
    lab.run("restart", "--limit", "a")
    await_screen(lab, "a")
    assert shown(lab, "a") == "a | one\n"


# These programs keep the launcher from its end until the next program has begun, and its window open for a second more.
SLOW_SORT = 'case $* in "-n -k 1,1"*) until [ -e ~/go ]; do sleep 0.05; done ;; esac\nPATH=${PATH#*:} exec sort "$@"\n'
SLOW_SCREEN = 'case $* in *"-X kill") sleep 1 ;; esac\nPATH=${PATH#*:} exec screen "$@"\n'


def test_late_line_is_not_in_the_next_output(lab: Lab) -> None:
    lab.farm.add("slow", {"ForceCommand": f'cd && PATH={lab.folder}/bin:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"'})
    lab.write("bin/sort", SLOW_SORT, 0o755)
    lab.write("bin/screen", SLOW_SCREEN, 0o755)
    lab.config(CONFIG + "add('a', 'slow', 'echo begins; mkdir ~/first || { touch ~/go; exec sleep 1000; }')")
    lab.run("run")
    lab.run("wait")
    lab.run("start")
    assert b"===" not in output_of(lab, "a", "slow").read_bytes()


@pytest.mark.parametrize("lines", [f"\n\r{FORGED}", f"\n\r{DETACHED}\n\r{FORGED}", f"\n\r{DETACHED}"])
def test_lines_of_earlier_launchers_are_cut(lab: Lab, lines: str) -> None:
    """An earlier version has noted no length. Other versions of screen add two lines, the second one late."""
    lab.config(CONFIG + "add('a', 'node1', 'echo one; echo two')")
    lab.run("run")
    await_screen(lab, "a")
    (lab.node1.state() / "a/length").unlink()
    output_of(lab, "a").write_bytes(b"one\r\ntwo\r\n" + lines.encode())
    assert shown(lab, "a", "-n", "1") == "a | two\n"
    assert collected(lab)["a"].read_bytes() == b"one\r\ntwo\r\n"


def test_errors_end_with_lines_of_the_program(lab: Lab) -> None:
    """Nor is a component ready because of what screen says."""
    lab.config(
        CONFIG
        + "add('a', 'node1', util.literal('for n in 1 2 3; do echo \"=== Command $n ===\"; done'), ready=util.log('terminated'))\n"
        + "add('b', 'node2', 'echo only this; exit 127')\n"
    )
    done = lab.fab("run", "-c", "cfg.py")
    assert done.returncode == 1
    assert "=== Command 3 ===" in done.stderr and "terminated normally" not in done.stderr
    assert "ended with exit status 0 before it was ready: log terminated" in done.stderr
    assert (
        "node2/b: start 1: started, ended with exit status 127; last line of its output:\n  | only this\n"
        in done.stderr
    )
