"""The tutorial: every code block runs, and prints what the page says."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.documents import Reader, blocks, follow
from tests.support.farm import Farm


@pytest.mark.long
def test_tutorial_does_what_it_says(tmp_path: Path) -> None:
    """Run it in a copy of the checkout, so that hosts of the real one keep running."""
    project, home = tmp_path / "project", tmp_path / "home"
    shutil.copytree(ROOT / "tests/support", project / "tests/support")
    for name in ("dev", "tasks.py", "pyproject.toml"):
        shutil.copy(ROOT / name, project)
    environment = Path(sys.prefix)
    (project / ".venv").symlink_to(environment)
    home.mkdir()
    path = f"{environment / 'bin'}:{os.environ['PATH']}"
    reader = Reader(project, os.environ | {"HOME": str(home), "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "200"})
    page = ROOT / "docs/tutorial.md"
    try:
        done = list(follow(reader, page))
    finally:
        reader.close()
        if (project / ".hosts").exists():
            Farm.at((project / ".hosts").resolve()).close()
    assert done == blocks(page) and len(done) > 10
