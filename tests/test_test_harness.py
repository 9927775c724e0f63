"""The master and slave harnesses, without a host: test scripts, what they talk, and what becomes of programs."""

import ast
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from .configs import write
from .conftest import ROOT, eventually, text
from .test_example import free_ports
from .test_kill_and_screen import is_alive
from .test_shell import AWKWARD

FOLDER = ROOT / "muddlers/harness"
sys.path.append(str(FOLDER))
import script  # type: ignore[import-not-found]  # noqa: E402 - it is not installed, but brought to hosts

ECHO = """#!/bin/sh
echo "hello $1"
while IFS= read -r line; do
  case $line in die*) exit "${line#die}" ;; esac
  echo "got $line"
done
"""


@attrs.define
class Bench:
    """A folder, in which harnesses are run."""

    folder: Path
    port: int
    processes: list["subprocess.Popen[str]"] = attrs.field(factory=list)
    by: list[str] = attrs.field(factory=list)

    def begin(self, kind: str, name: str, *options: str, programs: dict[str, list[str]]) -> "subprocess.Popen[str]":
        """Start a harness, whose logs are in a folder of its name."""
        own = ["--port", str(self.port), "--test", "t", "--logs", name, "--timeout", "10", *options]
        words = [
            w
            for n, command in programs.items()
            for w in ("-n", n, "-p", command[0], "-a", str(len(command) - 1), *command[1:])
        ]
        python = [*self.by, "/usr/bin/python3"] if self.by else [sys.executable]
        command: list[str | Path] = [*python, FOLDER / f"{kind}.py", *own, "--", *words]
        with (self.folder / f"{name}.said").open("w") as said:
            process = subprocess.Popen(command, cwd=self.folder, stdout=said, stderr=subprocess.STDOUT, text=True)
        self.processes.append(process)
        return process

    def slave(self, name: str = "s", **programs: list[str]) -> "subprocess.Popen[str]":
        return self.begin("slave", name, "--name", name, "--master", "127.0.0.1", programs=programs)

    def master(self, steps: str, slaves: str = "s", **programs: list[str]) -> "subprocess.Popen[str]":
        write(self.folder / "t.txt", steps)
        return self.begin("master", "m", "--script", "t.txt", "--slaves", slaves, programs=programs)

    def verdict(self, steps: str, slaves: str = "s", **programs: list[str]) -> tuple[int, str]:
        """How a master ends, and its last line, without times."""
        process = self.master(steps, slaves, **programs)
        process.wait(timeout=40)
        said = text(self.folder / "m.said")
        assert "Traceback" not in said, said
        return process.returncode, re.sub(r" in \S+ s$", "", said.splitlines()[-1].partition(" ")[2])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, free_ports(1))
    write(tmp_path / "echo.sh", ECHO).chmod(0o755)
    try:
        yield made
    finally:
        for process in made.processes:
            if process.poll() is None:
                process.terminate()
            process.wait(timeout=20)


# -- scripts


def test_steps_are_read_with_what_they_take() -> None:
    steps = script.parse("# c\n\nsend a,b* 'x y' # c\nend a with 3 within 1.5\nstop a by USR1\nshutdown\n", "f")
    assert [(step.verb, step.taken) for step in steps] == [
        ("send", {"names": ["a", "b*"], "text": "x y", "within": 60.0}),
        ("end", {"names": ["a"], "with": 3, "within": 1.5}),
        ("stop", {"names": ["a"], "by": "SIGUSR1", "within": 10.0}),
        ("shutdown", {"within": 10.0}),
    ]
    assert steps[1].where == "f:4"


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("send a x#y", "x#y"),
        ("send a '#x'#", "#x#"),
        ("send a x\t#y", "x"),
        ("send a \\#x", "#x"),
        ("send a x\u2028y", "x\u2028y"),
        ("send a 'x # y' # z", "x # y"),
    ],
)
def test_comment_begins_where_a_word_would(line: str, sent: str) -> None:
    (step,) = script.parse(line + "\n", "f")
    assert step.taken["text"] == sent


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "begin a",
            "f:1: 'begin' is no step; there are start, wait, send, feed, close, await, refuse, end, stop, shutdown",
        ),
        ("send a", "f:1: send takes: NAMES TEXT"),
        ("start a b", "f:1: start cannot be followed by 'b'"),
        ("await a x within", "f:1: await cannot be followed by 'within'"),
        ("start 'a", "f:1: No closing quotation"),
        ("wait soon", "f:1: seconds: 'soon': could not convert string to float: 'soon'"),
        ("feed a b within x", "f:1: within: 'x': could not convert string to float: 'x'"),
        ("wait -1", "f:1: seconds: '-1': is no time"),
        ("await a ( within 3", "f:1: regex: '(': missing ), unterminated subpattern at position 0"),
        ("stop a by NOPE", "f:1: by: 'NOPE': 'SIGNOPE'"),
        ("", "f: has no steps"),
        ("start ''", "f:1: names: '': names nothing"),
        ("end ,", "f:1: names: ',': names nothing"),
    ],
)
def test_what_is_no_step_is_named(line: str, message: str) -> None:
    with pytest.raises(script.ScriptError) as caught:
        script.parse(line, "f")
    assert str(caught.value) == message


@pytest.mark.parametrize("file", ["/etc/passwd", "../x", "a/../../x"])
def test_files_that_are_fed_are_beside_the_script(tmp_path: Path, file: str) -> None:
    with pytest.raises(script.ScriptError) as caught:
        script.check(script.parse(f"feed a {file}\n", "f"), ["a"], str(tmp_path))
    assert str(caught.value) == f"f:1: {file}: leads away from the script; put it beside that"


def test_language_is_documented_as_it_is() -> None:
    page = (ROOT / "docs/muddlers.md").read_text()
    assert re.findall(
        r"^\| `(\w+)[^|]*` \|", page.partition("### Test scripts")[2].partition("## Writing")[0], re.MULTILINE
    ) == list(script.FORMS)
    assert list(script.FORMS) == re.findall(r"^    (\w+) ?", script.__doc__.replace("    FILE", ""), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_harness_is_python_3_8_with_its_standard_library(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    own = {other.stem for other in FOLDER.glob("*.py")}
    assert {name.partition(".")[0] for name in imported} <= own | sys.stdlib_module_names
    assert not re.search(
        r"\.removeprefix|\.removesuffix|asyncio\.(to_thread|TaskGroup|timeout|Runner)", path.read_text()
    )


# -- tests


def test_all_steps_over_two_slaves_and_the_master(bench: Bench) -> None:
    write(bench.folder / "lines", "one\n  two\n\nlast")
    first = bench.slave("s1", a=["./echo.sh", "A"], b=["./echo.sh", "B"])
    second = bench.slave("s2", c=["./echo.sh", "C C"])
    steps = """
        start own
        await own ready
        start a,b,c
        await * hello within 5
        send a,c 'a line'
        await a,c '^got a line$'
        feed c lines
        await c 'got last'
        refuse * nonsense
        stop b by KILL
        send a die4
        end a with 4
        close c
        end c
        wait 0.1
        """
    own = ["sh", "-c", "echo ready; exec sleep 100"]
    assert bench.verdict(steps.replace("await * hello", "await a,b,c hello"), "s1,s2", own=own) == (
        0,
        "PASSED: 15 steps",
    )
    assert [slave.wait(timeout=10) for slave in (first, second)] == [0, 0]
    lines = [line.partition(" ") for line in text(bench.folder / "s2/c.out").splitlines()]
    assert [line for _, _, line in lines] == ["hello C C", "got a line", "got one", "got   two", "got ", "got last"]
    assert sorted(time for time, _, _ in lines) == [time for time, _, _ in lines]


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ("start a\nsend a die3\nwait 10\n", "a: has ended with exit status 3"),
        (
            "start a\nawait a never within 0.3\n",
            "t.txt:2: await a never within 0.3: a: has put out no line like 'never' within 0.3 s",
        ),
        (
            "start a\nclose a\nawait a never\n",
            "t.txt:3: await a never: a: has ended with exit status 0, without a line like 'never'",
        ),
        ("start a\nawait a hello\nrefuse a A\n", "t.txt:3: refuse a A: a: has put out: hello A"),
        ("start a\nend a within 0.3\n", "t.txt:2: end a within 0.3: a: has not ended within 0.3 s"),
        ("start a\nclose a\nend a with 3\n", "t.txt:3: end a with 3: a: has ended with exit status 0, and not 3"),
        ("send a x\n", "t.txt:1: send a x: a: has not been started, and cannot be sent a line"),
        ("start a\nstart a\n", "t.txt:2: start a: a: has been started already"),
        ("start bad\n", "t.txt:1: start bad: bad: ./none: No such file or directory"),
        ("start zz\n", "t.txt:1: zz: no program is named so; there are a, bad"),
        ("feed a none\n", "t.txt:1: none: there is no such file beside the script"),
        (
            "start a\nsend a die0\nend a\nsend a x\n",
            "t.txt:4: send a x: a: has ended with exit status 0, and cannot be sent a line",
        ),
    ],
)
def test_what_goes_wrong_fails_the_test_and_is_named(bench: Bench, steps: str, problem: str) -> None:
    slave = bench.slave(a=["./echo.sh", "A"], bad=["./none"])
    status, verdict = bench.verdict(steps)
    assert status == 1 and verdict.startswith("FAILED: t.txt:") and verdict.endswith(problem), verdict
    assert slave.wait(timeout=15) == 1


def test_wrong_script_is_exit_status_2(bench: Bench) -> None:
    process = bench.master("start\n")
    assert process.wait(timeout=10) == 2
    assert "t.txt:1: start takes: NAMES" in text(bench.folder / "m.said")


def test_regex_that_never_ends_fails_the_step(bench: Bench) -> None:
    hopeless = ["sh", "-c", f"echo {'a' * 40}b; exec sleep 60"]
    for verb in ("await", "refuse"):
        steps = f"start a\nawait a aab\n{verb} a ^(a+)+$\n"
        if verb == "await":
            steps = steps.replace("await a aab\n", "")
        status, verdict = bench.verdict(steps, "", a=hopeless)
        assert status == 1 and verdict.endswith("'^(a+)+$' takes more than 1 s on one line; make it simpler"), verdict


def test_line_of_some_length_is_looked_at_as_a_whole(bench: Bench) -> None:
    by_pieces = "import time; print('x' * 9000 + 'nee', end='', flush=True); time.sleep(0.3); print('dle')"
    program = [sys.executable, "-c", by_pieces + "; import sys; sys.stdin.read()"]
    assert bench.verdict("start a\nawait a xneedle$\nclose a\nstop a\n", "", a=program)[0] == 0
    status, verdict = bench.verdict("start a\nawait a ^needle|^dle within 2\n", "", a=program)
    assert (status, verdict[-15:]) == (1, "dle' within 2 s"), verdict


def test_line_that_is_refused_is_shown_in_part_however_long(bench: Bench) -> None:
    program = [sys.executable, "-c", "print('boom' + '\\1' * 6_000_000)"]
    slave = bench.slave(a=program)
    status, verdict = bench.verdict("start a\nend a\nrefuse a boom\n")
    assert (status, slave.wait(timeout=15)) == (1, 1)
    assert "refuse a boom: a: has put out: boom" in verdict and len(verdict) < 5000, verdict[:200]
    assert bench.verdict("start a\nend a\nrefuse a ^[0-9]\n", "", a=program)[0] == 0, "the time is no part of it"
    program = ["sh", "-c", "head -c 70000 /dev/zero | tr '\\0' x; echo needle in hay"]
    status, verdict = bench.verdict("start a\nend a\nrefuse a needle\n", "", a=program)
    assert status == 1 and "refuse a needle: a: has put out: xxx" in verdict, verdict[:200]


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_port_is_a_port(bench: Bench, port: str) -> None:
    write(bench.folder / "t.txt", "start a\n")
    master = bench.begin("master", "m", "--script", "t.txt", "--slaves", "", "--port", port, programs={"a": ["true"]})
    assert master.wait(timeout=10) == 2
    assert f"argument --port: '{port}' must be a number from 1 to 65535" in text(bench.folder / "m.said")


def test_times_of_lines_are_in_order_though_the_clock_is_put_back_in_autumn(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    before = 1792889999  # the last second of summer time in 2026
    monkeypatch.setenv("AT", str(before))
    code = "import harness, os, time; at = float(os.environ['AT'])\nfor n in range(3):\n"
    code += "    harness.AHEAD = at + n - time.monotonic(); print(harness.stamp())"
    told = subprocess.run([sys.executable, "-c", code], cwd=FOLDER, capture_output=True, text=True, check=True)
    times = told.stdout.split()
    assert times == sorted(times) and times[0].endswith("+00:00")


def test_slaves_that_do_not_come_are_named(bench: Bench) -> None:
    slave = bench.slave("s1", a=["./echo.sh"])
    write(bench.folder / "t.txt", "start a\n")
    master = bench.begin("master", "m", "--script", "t.txt", "--slaves", "s1,s2", "--timeout", "1", programs={})
    assert master.wait(timeout=20) == 1
    assert text(bench.folder / "m.said").splitlines()[-1].endswith("FAILED: within 1 s, these slaves have not come: s2")
    assert slave.wait(timeout=15) == 1


def pids(bench: Bench, count: int) -> list[int]:
    """The process ids that programs have written down."""
    eventually(lambda: len(list(bench.folder.glob("pid.*"))) == count, "all programs")
    return [int(path.read_text()) for path in bench.folder.glob("pid.*")]


STUBBORN = [
    "sh",
    "-c",
    'trap "" TERM; sleep 1000 & echo $! >tmp; mv tmp pid.child; echo $$ >tmp; mv tmp pid.own; while :; do sleep 0.1; done',
]


@pytest.mark.parametrize("ended", ["master", "slave"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGKILL])
def test_nothing_runs_on_when_a_harness_is_ended(bench: Bench, ended: str, number: signal.Signals) -> None:
    program = ["sh", "-c", "echo $$ >tmp; mv tmp pid.own; exec sleep 1000"]
    slave = bench.slave(a=program)
    master = bench.master("start a\nwait 100\n")
    (pid,) = pids(bench, 1)
    {"master": master, "slave": slave}[ended].send_signal(number)
    for process in (master, slave):
        process.wait(timeout=40)
    eventually(lambda: not is_alive(pid), "the end of the program")
    assert master.returncode == (-number if ended == "master" and number == signal.SIGKILL else 1)


def test_what_ignores_its_signal_is_killed_with_what_it_has_started(bench: Bench) -> None:
    bench.slave(a=STUBBORN)
    assert bench.verdict("start a\nwait 0.5\nstop a within 0.5\n")[0] == 0
    for pid in pids(bench, 2):
        eventually(lambda pid=pid: not is_alive(pid), "its end")  # type: ignore[misc]


@pytest.mark.parametrize("steps", ["start a\nwait 0.5\n", "start a\nend a\n", "start a\nend a\nshutdown\n"])
@pytest.mark.parametrize(
    "child",
    [
        '(trap "" TERM; exec sleep 1000) &',
        "setsid sleep 1000 &",
        "(setsid sh -c 'sleep 1000 & sleep 1000' &);",
        "exec sleep 1 &",
    ],
)
def test_what_a_program_leaves_behind_does_not_run_on(bench: Bench, child: str, steps: str) -> None:
    program = ["sh", "-c", f"echo $PPID >tmp; mv tmp pid.harness; {child} sleep 0.2"]
    slave = bench.slave(b=["true"])
    mark = f"{bench.port + 1000}"
    status, verdict = bench.verdict(steps, a=["env", f"MARK_OF_TEST={mark}", *program])
    assert status == 0, verdict
    slave.wait(timeout=15)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            assert f"MARK_OF_TEST={mark}\0".encode() not in (process / "environ").read_bytes(), process


@pytest.mark.parametrize("name", ["own", "a"])
@pytest.mark.parametrize("steps", ["start NAME\nwait 0.5\n", "start NAME\nwait 0.5\nstop NAME\nwait 1\n"])
def test_program_that_has_crashed_fails_the_test_though_its_child_holds_its_output(
    bench: Bench, steps: str, name: str
) -> None:
    crashes = ["sh", "-c", "sleep 20 & exit 3"]
    bench.slave(a=crashes)
    status, verdict = bench.verdict(steps.replace("NAME", name), own=crashes)
    assert status == 1 and verdict.endswith(f"{name}: has ended with exit status 3"), verdict


BECOMES_ROOT = "import os, sys, time; os.setuid(0); print('root', flush=True); time.sleep(4)"


@pytest.mark.parametrize("name", ["own", "a"])
def test_what_has_become_another_user_is_told(bench: Bench, name: str) -> None:
    """As by sudo. Run by somebody who is not root."""
    with tempfile.TemporaryDirectory() as folder:  # where others may go
        bench.folder = Path(folder)
        bench.folder.chmod(0o777)
        shutil.copy("/usr/bin/python3", bench.folder / "python")
        (bench.folder / "python").chmod(0o4755)
        bench.by = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        program = ["./python", "-c", BECOMES_ROOT]
        slave = bench.slave(a=program)
        status, verdict = bench.verdict(f"start {name}\nawait {name} root\n", own=program)
        slave.wait(timeout=15)
        said = text(bench.folder / ("m.said" if name == "own" else "s.said"))
    assert "of another user, and run on: " in said
    assert status == 1 and f"{name}: runs as another user, and cannot be ended by this one" in verdict, verdict


def test_line_that_is_too_long_is_named(bench: Bench) -> None:
    write(bench.folder / "long", "x").write_text("x" * 1_000_000 + "\n" + "\u20ac" * 1_000_000 + "\n")
    bench.slave(a=["wc", "-c"])
    assert bench.verdict("start a\nfeed a long\nclose a\nawait a '^4000002$'\n") == (0, "PASSED: 4 steps")
    (bench.folder / "long").write_text("x" * 2_000_000)
    bench.slave(a=["wc", "-c"])
    _, verdict = bench.verdict("start a\nfeed a long\n")
    assert verdict == "FAILED: t.txt:2: feed a long: long: has a line of 2000000 characters; 1048576 are the most"


def test_slave_that_is_ended_while_it_starts_programs_leaves_none(bench: Bench) -> None:
    many = {f"p{number}": ["sh", "-c", f"echo >up.{number}; exec sleep 1000"] for number in range(60)}
    slave = bench.slave("s", **many)
    master = bench.master("start *\nwait 30\n")
    eventually(lambda: "| started" in text(bench.folder / "s.said"), "the first")
    slave.terminate()
    assert (slave.wait(timeout=20), master.wait(timeout=20)) == (1, 1)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            assert (process / "cwd").readlink() != bench.folder, process


def test_peer_that_is_frozen_is_given_up(bench: Bench) -> None:
    slave = bench.slave(a=["sleep", "1000"])
    master = bench.master("start a\nwait 1000\n")
    eventually(lambda: "| started" in text(bench.folder / "s.said"), "the program")
    master.send_signal(signal.SIGSTOP)
    try:
        assert slave.wait(timeout=40) == 1
        assert text(bench.folder / "s.said").splitlines()[-1].endswith("the master is gone") or "| ended" in text(
            bench.folder / "s.said"
        )
    finally:
        master.send_signal(signal.SIGCONT)
    assert master.wait(timeout=20) == 1


def test_tests_are_judged_by_their_own_output(bench: Bench) -> None:
    for word, verdict in (("BAD", 1), ("good", 0)):
        slave = bench.slave(b=["true"])
        assert bench.verdict("start a\nend a\nrefuse a BAD\n", a=["echo", word])[0] == verdict
        slave.wait(timeout=15)
    assert text(bench.folder / "m/a.out").endswith(" good\n")


def test_feed_takes_the_time_of_who_is_fed(bench: Bench) -> None:
    """A slow reader, a file larger than a message may be, and one who never reads."""
    write(bench.folder / "large", "x" * 79 + "\n").write_text(("x" * 79 + "\n") * 100_000)
    bench.slave(a=["sh", "-c", "sleep 1; wc -c; echo done"], b=["sleep", "1000"])
    steps = "start *\nfeed a large\nclose a\nawait a '^8000000$'\nfeed b large within 0.5\n"
    assert bench.verdict(steps) == (
        1,
        "FAILED: t.txt:5: feed b large within 0.5: b: has not taken its lines within 0.5 s",
    )


def test_input_that_has_ended_takes_no_lines(bench: Bench) -> None:
    bench.slave(a=["cat"])
    status, verdict = bench.verdict("start a\nclose a\nsend a x\n")
    assert status == 1 and re.search("a: (takes no more lines|has ended with exit status 0)", verdict), verdict


def test_what_cannot_be_shown_or_written_hinders_no_program(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    (bench.folder / "s").mkdir()
    bench.slave(a=["sh", "-c", "printf '\\377\\303\\251\\n'; seq 100000; echo last"], b=["./no-shebang", "x"])
    write(bench.folder / "no-shebang", 'echo "plain $1"; exit 4').chmod(0o755)
    steps = "start * # \u00e9\nawait a last within 20\nend b with 4\nawait b 'plain x'\nend a\n"
    status, verdict = bench.verdict(steps)
    assert (status, verdict) == (0, "PASSED: 5 steps")
    assert len((bench.folder / "s/a.out").read_bytes().splitlines()) == 100_002


def test_strangers_are_turned_away(bench: Bench) -> None:
    write(bench.folder / "t.txt", "wait 1\nstart a\nend a\n")
    master = bench.begin("master", "m", "--script", "t.txt", "--slaves", "s", programs={})
    with socket.socket() as silent, socket.socket() as stranger:
        for each in (silent, stranger):
            eventually(lambda each=each: each.connect_ex(("127.0.0.1", bench.port)) in (0, 106), "the master")  # type: ignore[misc]
        stranger.sendall(b"[" * 200_000 + b"\n")
        other = socket.create_connection(("127.0.0.1", bench.port))
        other.sendall(json.dumps({"hello": "s", "test": "other", "programs": ["a"], "now": 0}).encode() + b"\n")
        assert other.recv(1) == b"", "hung up"
        other.close()
        bench.slave(a=["true"])
        master.wait(timeout=20)
    said = text(bench.folder / "m.said")
    assert said.splitlines()[-1].split(" ", 1)[1].startswith("PASSED: 3 steps"), said


def test_port_that_is_taken_is_named(bench: Bench) -> None:
    with socket.create_server(("", bench.port)):
        status, verdict = bench.verdict("start a\n")
    assert (status, verdict.partition(":")[0]) == (1, "FAILED")
    assert f"port {bench.port} cannot be listened on: " in verdict


def test_arguments_and_odd_output_arrive_unharmed(bench: Bench) -> None:
    show = write(bench.folder / "show", "#!/bin/sh\nprintf '%s\\0' \"$@\" >args\nprintf 'one\\377\\n\\ntwo'\n")
    show.chmod(0o755)
    args = [arg for arg in AWKWARD if len(arg) < 100_000]
    bench.slave(a=[str(show), *args], b=["sh", "-c", "yes flood | head -n 300000; echo last"])
    assert bench.verdict("start *\nawait b last within 30\nend a,b within 30\n") == (0, "PASSED: 3 steps")
    assert os.fsdecode((bench.folder / "args").read_bytes()).split("\0")[:-1] == args
    lines = (bench.folder / "s/a.out").read_bytes().splitlines()
    assert [line.partition(b" ")[2] for line in lines] == [b"one\xff", b"", b"two"]
    assert len((bench.folder / "s/b.out").read_bytes().splitlines()) == 300_001


def test_words_of_a_command_line_are_programs_or_an_error(bench: Bench) -> None:
    for words in (["-n", "a"], ["-n", "a", "-p", "x", "-a", "2", "one"], ["-n", "a", "-p", "x", "-a", "0"] * 2):
        own = ["--name", "s", "--master", "h", "--port", "1", "--test", "t", "--logs", "l"]
        done = subprocess.run(
            [sys.executable, FOLDER / "slave.py", *own, "--", *words], cwd=bench.folder, capture_output=True
        )
        assert done.returncode == 2 and b"slave.py: error: " in done.stderr, shlex.join(words)
