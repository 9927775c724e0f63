"""Run the harness of publishers as a host would run it."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.configs import complete, component_of, write
from tests.support.harness import brought_to, stamped
from tests.support.waiting import eventually

HARNESS = ROOT / "muddlers/harness/harness.py"


def in_harness(folder: Path, *command: str, name: str = "n") -> subprocess.Popen[bytes]:
    """Start `command` under the harness."""
    whole: list[str | Path] = [sys.executable, HARNESS, "--logs", "logs", "--name", name, "--", *command]
    return subprocess.Popen(whole, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("status", [0, 1, 77, 255])
def test_harness_passes_exit_status(tmp_path: Path, status: int) -> None:
    harness = in_harness(tmp_path, "/bin/sh", "-c", f"exit {status}")
    assert harness.communicate() == (b"", b"")
    assert harness.returncode == status


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
def test_harness_passes_signal(tmp_path: Path, number: signal.Signals) -> None:
    harness = in_harness(tmp_path, "/bin/sh", "-c", f"ulimit -c 0; kill -{number.value} $$")
    harness.communicate()
    assert harness.returncode in (-number, 128 + number)


def test_harness_does_not_wait_for_leftovers(tmp_path: Path) -> None:
    """The harness also prints no error."""
    harness = in_harness(tmp_path, "/bin/sh", "-c", "yes & echo $! >&2; exit 5")
    assert harness.stderr and harness.stdout
    child = int(harness.stderr.readline())
    try:
        while harness.stdout.read(1 << 20):
            if harness.poll() is not None:
                break
        assert (harness.wait(timeout=10), harness.stderr.read()) == (5, b"")
    finally:
        with contextlib.suppress(ProcessLookupError):  # SIGPIPE may have ended it
            os.kill(child, signal.SIGKILL)
        harness.communicate()


def test_unwritable_log_does_not_stop_harness(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/n.out").symlink_to("/dev/full")
    harness = in_harness(tmp_path, "/bin/sh", "-c", "seq 60000; exit 4")
    output, errors = harness.communicate(timeout=20)
    assert (len(output.splitlines()), harness.returncode) == (60_000, 4)
    assert errors == b"harness: logs/n.out: No space left on device; log is incomplete from here on\n"


def test_missing_log_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")
    harness = in_harness(tmp_path, "/bin/true")
    assert harness.communicate() == (b"", b"harness: logs: File exists\n")
    assert harness.returncode == 126


def test_text_without_shebang_runs_in_sh(tmp_path: Path) -> None:
    write(tmp_path / "text", 'echo "$1"; exit 3\n').chmod(0o755)
    harness = in_harness(tmp_path, "./text", "a b")
    assert (harness.communicate(), harness.returncode) == ((b"a b\n", b""), 3)


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "ALRM", "PROF", "IO", "PWR", "RTMIN"])
def test_signals_are_passed_on(tmp_path: Path, name: str) -> None:
    script = f"trap 'echo got {name}; exit 9' {name}; echo ready; while :; do sleep 0.02; done"
    harness = in_harness(tmp_path, "/bin/sh", "-c", script)
    assert harness.stdout and harness.stdout.readline() == b"ready\n"
    harness.send_signal(getattr(signal, f"SIG{name}"))
    output, _ = harness.communicate(timeout=10)
    assert (output, harness.returncode) == (f"got {name}\n".encode(), 9)


def test_program_has_default_signals(tmp_path: Path) -> None:
    plain = subprocess.run(["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"], capture_output=True)
    output, _ = in_harness(tmp_path, "/bin/grep", "-E", "Sig(Blk|Ign)", "/proc/self/status").communicate()
    assert output == plain.stdout


def test_output_is_shown_and_logged(tmp_path: Path) -> None:
    harness = in_harness(tmp_path, "/bin/sh", "-c", "printf 'one\\n\\ntwo \\377\\n'; echo oops >&2; printf last")
    assert harness.communicate() == (b"one\n\ntwo \xff\nlast", b"oops\n")
    assert stamped(tmp_path / "logs/n.out") == [b"one", b"", b"two \xff", b"last"]
    assert stamped(tmp_path / "logs/n.err") == [b"oops"]


def test_logs_are_kept_between_runs(tmp_path: Path) -> None:
    for word in ("first", "second"):
        in_harness(tmp_path, "/bin/echo", word).communicate()
    assert stamped(tmp_path / "logs/n.out") == [b"first", b"second"]


@pytest.mark.parametrize("text", ["line\\n", "a prompt without an end: "])
def test_output_is_shown_at_once(tmp_path: Path, text: str) -> None:
    harness = in_harness(tmp_path, "/bin/sh", "-c", f"printf '{text}'; exec sleep 100")
    assert harness.stdout
    shown = b""
    os.set_blocking(harness.stdout.fileno(), False)

    def is_shown() -> bool:
        nonlocal shown
        shown += harness.stdout.read() or b"" if harness.stdout else b""
        return shown == text.replace("\\n", "\n").encode()

    try:
        eventually(is_shown, "the output is shown", seconds=2)
    finally:
        harness.terminate()
        harness.communicate()


def test_line_is_stamped_once(tmp_path: Path) -> None:
    program = "printf 'no newline'; until [ -e go ]; do sleep 0.02; done; printf ', and on\\nlast'"
    with in_harness(tmp_path, "sh", "-c", program) as harness:
        log = tmp_path / "logs/n.out"
        eventually(lambda: log.exists() and log.read_bytes().endswith(b" no newline"), "the beginning of the line")
        (tmp_path / "go").touch()
        harness.communicate(timeout=10)
    assert stamped(log) == [b"no newline, and on", b"last"]


def test_long_line_takes_linear_time(tmp_path: Path) -> None:
    """Log 64 MB. A harness that buffers the whole line would copy it a thousand times."""
    with in_harness(tmp_path, "head", "-c", "67108864", "/dev/zero") as harness:
        assert harness.stdout
        while harness.stdout.read(1 << 20):
            pass
    with (tmp_path / "logs/n.out").open("rb") as log:
        assert log.read(34).endswith(b" \0")
    assert (tmp_path / "logs/n.out").stat().st_size == 33 + 67108864 + 1


@pytest.mark.parametrize("names", [("publisher/a", "publisher_a"), ("p" * 300, "p" * 300 + "q")])
def test_logs_have_separate_files(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        in_harness(tmp_path, "echo", name, name=name).communicate(timeout=10)
    assert sorted(len(stamped(log)) for log in (tmp_path / "logs").glob("*.out")) == [1, 1]


def test_logs_may_be_in_the_home(tmp_path: Path) -> None:
    command: list[str | Path] = [sys.executable, HARNESS, "--logs", "~/logs", "--name", "n", "--", "true"]
    subprocess.run(command, cwd=tmp_path, env=os.environ | {"HOME": str(tmp_path / "home")}, check=True)
    assert (tmp_path / "home/logs/n.out").exists()


def test_both_streams_are_kept_whole(tmp_path: Path) -> None:
    harness = in_harness(tmp_path, "/bin/sh", "-c", "seq 30000; seq 30000 >&2; exit 4")
    output, errors = harness.communicate(timeout=20)
    expected = "".join(f"{number}\n" for number in range(1, 30001)).encode()
    assert (output, errors, harness.returncode) == (expected, expected, 4)
    assert len(stamped(tmp_path / "logs/n.out")) == len(stamped(tmp_path / "logs/n.err")) == 30_000


def test_logs_are_whole_without_a_reader(tmp_path: Path) -> None:
    harness = in_harness(tmp_path, "/bin/sh", "-c", "seq 30000; exit 4")
    try:
        assert harness.stdout
        harness.stdout.close()
        eventually(lambda: harness.poll() is not None, "the harness ends", seconds=5)
        assert harness.returncode == 4
        assert len(stamped(tmp_path / "logs/n.out")) == 30_000
    finally:
        harness.terminate()
        harness.wait()
        if harness.stderr:
            harness.stderr.close()


@pytest.mark.parametrize(("program", "status"), [("/no/such", 127), ("no-such", 127), ("/etc/passwd", 126), ("/", 126)])
def test_failed_start_is_reported(tmp_path: Path, program: str, status: int) -> None:
    harness = in_harness(tmp_path, program)
    _, errors = harness.communicate()
    assert harness.returncode == status
    assert program in errors.decode()
    assert b"Traceback" not in errors


def test_program_reads_standard_input(tmp_path: Path) -> None:
    whole: list[str | Path] = [sys.executable, HARNESS, "--logs", "logs", "--name", "n", "--", "/bin/cat"]
    done = subprocess.run(whole, cwd=tmp_path, input=b"typed\n", capture_output=True)
    assert done.stdout == b"typed\n"


@pytest.mark.parametrize("name", ["a/b", "..", "a b", "-x", "é"])
def test_log_names_stay_in_their_folder(tmp_path: Path, name: str) -> None:
    whole: list[str | Path] = [sys.executable, HARNESS, "--logs", "logs", f"--name={name}", "--", "/bin/true"]
    assert subprocess.run(whole, cwd=tmp_path).returncode == 0
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {tmp_path / "logs"}


@pytest.mark.parametrize("name", ["publisher -x", "publisher/é", "publisher --", "publisher\n"])
def test_publisher_may_have_any_name(tmp_path: Path, name: str) -> None:
    text = complete(name=name, executable="/bin/sh", args=["-c", "exit 6"], base_dir="/b")
    command = brought_to(tmp_path / "host", component_of(tmp_path, text, muddler=["ta3"]))
    assert subprocess.run(command, cwd=tmp_path / "host").returncode == 6
