"""The console: lines of stdout and stderr stay whole on one terminal."""

import os
import subprocess
import sys

import pytest

from fabfile.ui.live import Live
from fabfile.ui.stdio import Stdio
from tests.support.checkout import ROOT

LINES_OF_MANY = """
import threading
from fabfile.ui.console import Console

console = Console("INFO")
def says(say, text):
    for number in range(1000):
        say(text)
threads = [threading.Thread(target=says, args=args) for args in [(console.error, "wrong"), (console.write, b"right\\n")] * 2]
for thread in threads:
    thread.start()
"""


def test_lines_of_both_streams_stay_whole() -> None:
    """Also where Python writes every piece at once."""
    command, environment = [sys.executable, "-c", LINES_OF_MANY], os.environ | {"PYTHONUNBUFFERED": "1"}
    both = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, cwd=ROOT, text=True
    )
    assert sorted(both.stdout.splitlines()) == ["right"] * 2000 + ["wrong"] * 2000


LEVELS = """
import logging
from fabfile.ui.console import Console

console = Console({level!r})
for level in ("debug", "info", "warning", "error"):
    getattr(logging.getLogger("fabfile.x"), level)("a: %s", "b")
"""


@pytest.mark.parametrize(
    ("level", "lines"),
    [
        ("DEBUG", ["DEBUG: a: b", "INFO: a: b", "WARNING: a: b", "ERROR: a: b"]),
        ("INFO", ["INFO: a: b", "WARNING: a: b", "ERROR: a: b"]),
        ("ERROR", ["ERROR: a: b"]),
    ],
)
def test_log_lines_begin_with_their_level(level: str, lines: list[str]) -> None:
    command = [sys.executable, "-c", LEVELS.format(level=level)]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, text=True)
    assert (done.stdout, done.stderr.splitlines()) == ("", lines)


def test_live_line_omits_failed_hosts() -> None:
    """A host that has failed in an earlier stage takes no part in later ones, so nothing is awaited there."""
    live = Live(Stdio(is_quiet=True))
    live.awaits("start 1", ["node1/a", "u@node2:22/a", "node3/a"], 60)
    live.begins("start 1", ["node1", "u@node2:22"])
    assert list(live.waiting) == ["node1/a", "u@node2:22/a"]
    live.end()
