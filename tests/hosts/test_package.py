"""The package: what it holds, what it says, and that the usual programs install it without root."""

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from readme_renderer import markdown

from tests.support.checkout import ROOT, source_files

pytestmark = [pytest.mark.package, pytest.mark.timeout(300)]
BIN = Path(sys.executable).parent
CONFIG = """\
config.add_component(Component(name="a", host=localhost, start_index=1, executable="/bin/echo", args=["hello"]))
"""


def run(*words: str | Path, **options: object) -> str:
    """Run a command, and return its output. Show its output if it fails."""
    done = subprocess.run(words, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the source archive, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "-o", folder, ROOT)
    return folder


def test_archive_is_complete_and_passes_tests(built: Path, tmp_path: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    found = {str(each.relative_to(source)) for each in source.rglob("*") if not each.is_dir()}
    assert found == {*source_files(), "PKG-INFO"}
    assert os.access(source / "dev", os.X_OK)
    chosen = ["tests/unit/config", "tests/unit/test_plain_english.py", "tests/unit/test_docs.py"]
    run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", *chosen, cwd=source)


def test_metadata_is_valid_and_has_no_dead_links(built: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", *built.iterdir())
    (wheel,) = built.glob("*.whl")
    run(sys.executable, "-m", "zipfile", "-e", wheel, tmp_path)
    (metadata,) = tmp_path.glob("*.dist-info/METADATA")
    head, _, description = metadata.read_text().partition("\n\n")
    for line in ("License-Expression: MIT", "Author: Remote Runner developers", "Requires-Python: >=3.11"):
        assert line in head.splitlines()
    assert "Classifier: Programming Language :: Python :: 3.14" in head
    page = markdown.render(description)
    assert page
    assert "<img" not in page and "$ fab run" in page  # the picture is there as text
    assert re.findall(r'href="(?!https?:|#)[^"]*"', page) == []


@pytest.mark.parametrize("installer", ["pip", "pipx", "uv"])
def test_wheel_is_installed_without_root(built: Path, tmp_path: Path, installer: str) -> None:
    (wheel,) = built.glob("*.whl")
    python = sys.executable
    environment = {**os.environ, "HOME": str(tmp_path), "PIPX_HOME": str(tmp_path / "pipx"), "XDG_DATA_HOME": ""}
    program = tmp_path / ".local/bin/remote-runner"
    if installer == "pip":
        run(python, "-m", "venv", tmp_path / ".local")
        run(tmp_path / ".local/bin/pip", "install", "-q", f"{wheel}[report]", env=environment)
    elif installer == "pipx":
        run(BIN / "pipx", "install", "--python", python, f"{wheel}[report]", env=environment)
    else:
        run(BIN / "uv", "tool", "install", "--python", python, f"{wheel}[report]", env=environment)
    (tmp_path / "cfg.py").write_text(CONFIG)
    (tmp_path / "fabfile.py").write_text("raise RuntimeError('the fabfile of the user')\n")
    assert "name='a'" in run(program, "config", "-c", "cfg.py", cwd=tmp_path, env=environment)
    assert "| `--relay`" in run(program, "docs", "commands", cwd=tmp_path, env=environment)
    assert list(tmp_path.rglob("share/man/man1/remote-runner-sync.1"))
