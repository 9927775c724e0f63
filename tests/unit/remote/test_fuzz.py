"""Readers of answers, fuzzed for a moment."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.soak import often


@pytest.mark.long
@pytest.mark.parametrize("runs", often([1_000], [100_000]))
def test_readers_refuse_nonsense(tmp_path: Path, runs: int) -> None:
    """`inv fuzz` does it for as long as one likes."""
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.answers", f"-runs={runs}", "-seed=1", f"-artifact_prefix={tmp_path}/"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
