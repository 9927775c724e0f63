"""The progress of a transfer: numbers of all hosts, the slowest ones, and lines that fit the terminal."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.ui.progress import Look, Picture, Share, Transfers
from tests.support.checkout import ROOT
from tests.support.waiting import eventually

MB = 1_000_000


class Seconds:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


def transfers(clock: Seconds, *hosts: str) -> Transfers:
    return Transfers(hosts, "sending", clock)


# ---- all hosts


def test_total_of_hosts_to_come_is_estimated(clock: Seconds) -> None:
    four = transfers(clock, "n1", "n2", "n3", "n4")
    four.move("n1", 5 * MB, 10 * MB)
    four.move("n2", 0, 20 * MB)
    look = four.look()
    assert look.all == Share(5 * MB, 60 * MB, 0, is_estimate=True)
    assert str(look.all) == "5.0/~60.0 MB  0 B/s  -:--:--"
    assert look.counts == "0 done, 2 sending, 2 to come"


def test_total_is_exact_when_all_have_told_it(clock: Seconds) -> None:
    two = transfers(clock, "n1", "n2")
    two.move("n1", 0, 800 * MB)
    two.move("n2", 0, 480 * MB)
    two.look()
    clock.now = 4
    two.move("n1", 160 * MB, 800 * MB)
    two.move("n2", 60 * MB, 480 * MB)
    assert str(two.look().all) == "0.22/1.28 GB  55 MB/s  0:00:20"


def test_host_that_needs_nothing_counts_as_done(clock: Seconds) -> None:
    two = transfers(clock, "n1", "n2")
    two.end("n1", has_failed=False)
    look = two.look()
    assert look.counts == "1 done, 1 to come"
    assert look.all.total == 0


def test_failed_host_leaves_the_total(clock: Seconds) -> None:
    """Its missing bytes will never come, so the bar would not reach its end."""
    three = transfers(clock, "n1", "n2", "n3")
    for host in ("n1", "n2"):
        three.move(host, 4 * MB, 10 * MB)
    three.end("n1", has_failed=True)
    look = three.look()
    assert look.counts == "1 failed, 0 done, 1 sending, 1 to come"
    assert look.all.total == 4 * MB + 10 * MB + 10 * MB


def test_speed_is_that_of_the_last_10_s(clock: Seconds) -> None:
    one = transfers(clock, "n1")
    for second in range(41):
        clock.now = second
        one.move("n1", min(second, 20) * MB, 100 * MB)
        one.look()
    assert str(one.look().all) == "20.0/100.0 MB  0 B/s  -:--:--"


def test_host_that_sends_again_is_measured_anew(clock: Seconds) -> None:
    one = transfers(clock, "n1")
    one.move("n1", 0, 100 * MB)
    one.look()
    clock.now = 10
    one.move("n1", 100 * MB, 100 * MB)
    one.look()
    one.move("n1", 0, 8 * MB)
    assert one.look().all.speed == 0


# ---- the slowest hosts


def test_hosts_with_most_time_left_are_shown(clock: Seconds) -> None:
    names = [f"n{number}" for number in range(1, 61)]
    many = transfers(clock, *names)
    for name in names:
        many.move(name, 0, 20 * MB)
    many.look()
    clock.now = 2
    for number, name in enumerate(names, 1):
        many.move(name, number * 100_000, 20 * MB)
    many.move("n40", 0, 20 * MB)
    assert [host for host, _ in many.look().slowest] == ["n40", "n1", "n2"]
    assert many.look().slowest[1][1] == "0.1/20.0 MB  50 kB/s  0:06:38"


def test_hosts_that_are_over_are_not_slow(clock: Seconds) -> None:
    three = transfers(clock, "n1", "n2", "n3")
    for host in ("n1", "n2", "n3"):
        three.move(host, 0, MB)
    three.end("n1", has_failed=True)
    three.end("n2", has_failed=False)
    assert [host for host, _ in three.look().slowest] == ["n3"]


def test_last_hosts_without_a_byte_are_named(clock: Seconds) -> None:
    many = transfers(clock, *(f"n{number}" for number in range(1, 61)))
    for number in range(1, 59):
        many.end(f"n{number}", has_failed=False)
    assert many.look().slowest == (("n59", "no byte yet"), ("n60", "no byte yet"))


def test_one_host_is_not_repeated(clock: Seconds) -> None:
    one = transfers(clock, "n1")
    one.move("n1", 0, MB)
    assert one.look().slowest == ()


# ---- lines

COUNTS = "23 done, 30 sending, 7 to come"
SLOW = (("node43", "6.8/21.3 MB  1.3 MB/s  0:00:11"), ("n" * 100, "8.4/21.3 MB  1.6 MB/s  0:00:09"))


def picture(width: int, total: int = 1_280_000_000) -> Picture:
    return Picture("sync", Look(Share(820_000_000, total, 55 * MB), COUNTS, SLOW), width)


def test_wide_terminal_has_counts_behind_the_bytes() -> None:
    wide = picture(119)
    assert wide.numbers == f"{'0.82/1.28 GB  55 MB/s  0:00:09':36}{COUNTS}"
    assert (wide.bar_width, len(wide.below)) == (30, 2)


def test_80_columns_have_counts_below_the_bar() -> None:
    narrow = picture(79)
    assert narrow.numbers == "0.82/1.28 GB  55 MB/s  0:00:09"
    assert narrow.bar_width == 30
    assert narrow.below[:2] == [f"      {COUNTS}", f"  slowest  node43{' ' * 26}  6.8/21.3 MB  1.3 MB/s  0:00:11"]
    assert narrow.below[2] == f"           {'n' * 29}...  8.4/21.3 MB  1.6 MB/s  0:00:09"


@pytest.mark.parametrize("width", [60, 79, 100, 119, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    seen = picture(width)
    assert len("sync  ") + seen.bar_width + 2 + len(seen.numbers) <= width
    assert max(map(len, seen.below)) <= width


def test_very_narrow_terminal_has_no_bar() -> None:
    assert picture(45).bar_width == 0


def test_nothing_to_send_shows_only_counts() -> None:
    nothing = picture(79, total=0)
    assert (nothing.bar_width, nothing.numbers) == (0, COUNTS)


# ---- a terminal with a scrollback

MANY = """
import logging, pathlib, time
from fabfile.transfer.sync import SyncResult
from fabfile.ui.console import Console

hosts = [f"node{number}" for number in range(1, 61)]
console = Console("INFO")
for number in range(40):
    console.news(f"before {number}")
console.begins("sync", hosts)
for host in hosts:
    console.progress("sync", host, 1000, 20000)
logging.getLogger("fabfile.x").warning("hello")
console.error("node7: sync: connection reset; reconnecting")
while not pathlib.Path("go").exists():
    time.sleep(0.05)
for host in hosts:
    console.result("sync", host, SyncResult(1, 1, 20000, 0, ()))
console.ends("sync")
console.news("after")
pathlib.Path("done").touch()
time.sleep(60)
"""


@pytest.fixture
def screen(tmp_path: Path) -> Iterator["Screen"]:
    opened = Screen(tmp_path)
    yield opened
    opened.run("-X", "quit")


class Screen:
    """A terminal of 80 x 24 characters with a scrollback, in which MANY runs: a detached window of GNU screen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        sockets = folder / "sockets"
        sockets.mkdir(mode=0o700)
        left_out = ("STY", "COLUMNS", "LINES", "TERM")
        own = {name: value for name, value in os.environ.items() if name not in left_out}
        self.environment = own | {"SCREENDIR": str(sockets), "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
        self.run("-U", "-h", "1000", "-c", "/dev/null", "-dm", sys.executable, "-c", MANY)
        eventually(lambda: any(".progress" in path.name for path in sockets.iterdir()), "the socket of the session")

    def run(self, *words: str) -> None:
        command = ["screen", "-S", "progress", *words]
        subprocess.run(command, cwd=self.folder, env=self.environment | {"TERM": "xterm"}, check=True)

    def lines(self) -> list[str]:
        """Return the lines of the scrollback and of the screen."""
        copy = self.folder / "copy"
        copy.unlink(missing_ok=True)
        self.run("-X", "hardcopy", "-h", str(copy))
        eventually(lambda: copy.exists() and copy.stat().st_size > 0, "a copy of the window")
        return [line.rstrip() for line in copy.read_text(errors="replace").splitlines()]


def test_60_hosts_leave_nothing_in_the_scrollback(screen: Screen) -> None:
    eventually(lambda: any("slowest" in line for line in screen.lines()), "the slowest hosts")
    eventually(lambda: any("reconnecting" in line for line in screen.lines()), "the error")
    during = [line for line in screen.lines() if line]
    assert sum("/20.0 kB" in line for line in during) == 3, during
    (screen.folder / "go").touch()
    eventually((screen.folder / "done").exists, "the end")
    said = [f"before {number}" for number in range(40)]
    said += ["WARNING: hello", "node7: sync: connection reset; reconnecting", "after"]
    eventually(lambda: "after" in screen.lines(), "the last line")
    *shown, stage, after = [line for line in screen.lines() if line]
    assert [*shown, after] == said
    assert stage.startswith("sync     60/60    sent  ")
