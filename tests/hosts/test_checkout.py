"""Promises of the README about a checkout."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.checkout import ROOT


def test_demo_sends_nothing_twice() -> None:
    here = Path(tempfile.gettempdir())
    before = set(here.glob("rr-demo.*"))
    done = subprocess.run([sys.executable, "-m", "invoke", "demo"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("node1", "node2", "node3", "localhost"):
        assert f"\n{name}: screen -ls; and the end of what each window shows\n" in done.stdout
    assert done.stdout.count(".runner\t") == 4
    assert done.stdout.count("==> worker-") == 4
    assert done.stdout.count(", nothing sent\n") == 5  # localhost never gets anything
    assert set(here.glob("rr-demo.*")) == before
