"""Readers of answers, fuzzed for a moment."""

import subprocess
import sys
from pathlib import Path

from tests.support.checkout import ROOT


def test_readers_refuse_nonsense(tmp_path: Path) -> None:
    """`inv fuzz` does it for as long as one likes."""
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.answers", "-runs=20000", "-seed=1", f"-artifact_prefix={tmp_path}/"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=80,
    )
    assert done.returncode == 0, done.stderr[-3000:]
