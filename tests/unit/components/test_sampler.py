"""The sampler of a session, run by real shells and awks without screen."""

import contextlib
import csv
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from fabfile.remote.script import read_script
from tests.support.waiting import eventually

PIPE = subprocess.PIPE
LEAST_TAG = 1 << 52  # KiB
RUN = f'{read_script("sampler.sh")}\nid=1.runner\ncd "$1" || exit\nrun_sampler'


@attrs.define
class Sampled:
    """A state directory with a component, and the sampler that measures it."""

    state: Path
    command: list[str]
    environment: dict[str, str]
    lies: Path  # a folder for the answers of `date` and `stat`
    tag: int = attrs.field(factory=lambda: LEAST_TAG + time.monotonic_ns() % LEAST_TAG)
    programs: list["subprocess.Popen[bytes]"] = attrs.field(factory=list)
    samplers: list["subprocess.Popen[bytes]"] = attrs.field(factory=list)

    @property
    def sampler(self) -> "subprocess.Popen[bytes]":
        return self.samplers[-1]

    def begin(self, script: str) -> "subprocess.Popen[bytes]":
        """Start the program of the component, as its launcher does."""
        process = subprocess.Popen(
            ["bash", "-c", f"ulimit -S -m {self.tag}; {script}"], stdin=PIPE, start_new_session=True
        )
        self.programs.append(process)
        born = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()[19]
        (self.state / "one").mkdir(exist_ok=True)
        for name, value in {"begun": born, "born": born, "pid": process.pid, "tag": self.tag * 1024}.items():
            (self.state / "one" / name).write_text(f"{value}\n")
        return process

    def begin_samples(self) -> None:
        self.samplers.append(subprocess.Popen(self.command, stdin=PIPE, env=self.environment))

    def tick(self, word: str = "tick") -> None:
        assert self.sampler.stdin
        self.sampler.stdin.write(f"{word}\n".encode())
        self.sampler.stdin.flush()

    def next_row(self, word: str = "tick", name: str = "one/usage.csv") -> dict[str, str]:
        """Return the row of the next sample. The sampler ignores a word that follows another within 0.5 s."""
        before = len(self.rows(name))

        self.tick(word)

        def is_longer() -> bool:
            self.tick()
            return len(self.rows(name)) > before

        eventually(is_longer, "a row")
        return self.rows(name)[-1]

    def rows(self, name: str = "one/usage.csv") -> list[dict[str, str]]:
        path = self.state / name
        return list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []


@pytest.fixture(params=["dash mawk", "busybox busybox"])
def sampled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sampled]:
    programs, state = tmp_path / "programs", tmp_path / "state $HOME *'"
    for folder in (programs, state):
        folder.mkdir()
    for name, program in zip(("sh", "awk"), request.param.split(), strict=True):
        (programs / name).symlink_to(str(shutil.which(program)))
    for name in ("date", "stat"):
        program = f'[ ! -e {tmp_path}/{name} ] || exec cat {tmp_path}/{name}\nexec {shutil.which(name)} "$@"'
        (programs / name).write_text(f"#!/bin/sh\n{program}\n")
        (programs / name).chmod(0o755)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "LC_ALL": "C"}
    made = Sampled(state, [str(programs / "sh"), "-c", RUN, "sh", str(state)], environment, tmp_path)
    try:
        yield made
    finally:
        for process in made.programs:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in (*made.programs, *made.samplers):
            process.kill()
            process.communicate()


def test_children_count_until_they_end(sampled: Sampled) -> None:
    program = sampled.begin("sleep 1000 & read -r line; kill $!; wait; read -r line")
    sampled.begin_samples()
    row = sampled.next_row("look")
    assert (row["processes"], row["threads"], row["cpu_cores"]) == ("2", "2", "0.000")
    assert abs(datetime.fromisoformat(row["time"]) - datetime.now(UTC)).total_seconds() < 3
    assert program.stdin
    program.stdin.write(b"\n")
    program.stdin.flush()
    eventually(lambda: sampled.next_row()["processes"] == "1", "the end of the child")
    program.communicate()
    count = len(sampled.rows())
    (sampled.lies / "date").write_text("1000000000.5\n")  # the clock was set
    assert sampled.next_row("look", ".usage.csv")["time"].startswith("2001-09-09T01:46:40.")
    assert len(sampled.rows()) == count
    sampled.sampler.communicate(timeout=5)  # it ends with its standard input
    assert sampled.sampler.returncode == 0


def test_use_of_ended_children_counts_once(sampled: Sampled) -> None:
    loop = "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done"
    program = sampled.begin(f"for n in 1 2 3; do ({loop}); done; read -r line")
    sampled.begin_samples()
    sampled.next_row("look")
    eventually(lambda: sampled.next_row()["cpu_cores"] == "0.000", "the end of the work")
    rows = sampled.rows()
    begin = datetime.fromisoformat(rows[0]["time"]).timestamp()
    stat = Path(f"/proc/{program.pid}/stat").read_text().rpartition(") ")[2].split()
    ticks_per_second = os.sysconf("SC_CLK_TCK")
    birth = datetime.now(UTC).timestamp() - float(Path("/proc/uptime").read_text().split()[0])
    before, used = birth + int(stat[19]) / ticks_per_second, 0.0
    for row in rows:
        now = datetime.fromisoformat(row["time"]).timestamp()
        used, before = used + float(row["cpu_cores"]) * (now - before), now
    assert begin < before
    assert used == pytest.approx(sum(map(int, stat[11:15])) / ticks_per_second, rel=0.15, abs=0.05)


def test_new_program_begins_new_file(sampled: Sampled) -> None:
    program = sampled.begin("read -r line")
    sampled.begin_samples()
    sampled.next_row("look")
    sampled.next_row()
    program.communicate()
    sampled.begin("sleep 1000 & wait")
    sampled.tick("look")

    def is_measured() -> bool:
        time = sampled.next_row(name=".usage.csv")["time"]
        return time in [row["time"] for row in sampled.rows()]

    eventually(is_measured, "a row of the new program")
    assert {row["processes"] for row in sampled.rows()} == {"2"}


def test_later_sampler_continues_files(sampled: Sampled) -> None:
    """It removes a row that is incomplete, because the disk was full. After an hour of rows, the interval doubles."""
    sampled.begin("read -r line")
    sampled.begin_samples()
    sampled.next_row("look")
    sampled.next_row()
    sampled.sampler.kill()
    before = sampled.rows()
    with (sampled.state / ".usage.csv").open("a") as file:
        file.write("2026-11-30T21:05:40.00Z,2,0.010,1,1,1,1,1,1\n" * 3600)
    for name in (".usage.csv", "one/usage.csv"):
        with (sampled.state / name).open("a") as file:
            file.write("2026-11-30T21:05:4")
    sampled.begin_samples()
    after = sampled.next_row("look")
    assert sampled.rows()[: len(before)] == before
    assert None not in [value for row in sampled.rows() for value in row.values()]
    assert float(after["read_bytes"]) < 10_000  # since the new sampler began
    times = [datetime.fromisoformat(row["time"]) for row in (after, sampled.next_row(name=".usage.csv"))]
    assert (times[1] - times[0]).total_seconds() >= 0.95, "two intervals"
    assert None not in [value for row in sampled.rows(".usage.csv") for value in row.values()]


def test_no_row_exceeds_the_limits(sampled: Sampled) -> None:
    sampled.begin("read -r line")
    (sampled.lies / "stat").write_text("12206 4096\n")  # 49,995,776 free bytes
    sampled.begin_samples()
    for _ in range(2):
        sampled.tick("look")
        time.sleep(0.7)
    assert not sampled.rows(".usage.csv") and not sampled.rows(), "the disk is almost full"
    sampled.sampler.kill()
    (sampled.lies / "stat").unlink()
    sampled.command[2] = RUN.replace("most_at_once = 0.1", "most_at_once = -1")
    sampled.begin_samples()
    sampled.next_row("look", ".usage.csv")
    assert not sampled.rows(), "the CPU time is used up"
