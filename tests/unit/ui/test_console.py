"""The console: lines of stdout and stderr stay whole on one terminal."""

import os
import subprocess
import sys

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
