"""Settings files and `--extra-args`, with `fab` as a subprocess."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.checkout import FAB, ROOT
from tests.support.configs import COMPLETE, write
from tests.support.soak import often


@pytest.mark.parametrize(
    ("name", "text", "words", "message"),
    often(
        [
            ("fabric.yaml", "remote_runner: [\n", [], 'in "{folder}/fabric.yaml", line 2, column 1'),
            ("fabric.json", "{", [], "fabric.yaml in {folder}/: invalid Fabric settings: "),
            ("x.py", "1/0", ["-f", "x.py"], "x.py: invalid Fabric settings: division by zero"),
            ("x.py", "", ["-f", "y.py"], "-f/--config: y.py: no such file"),
        ],
        [
            ("fabric.yaml", "- a\n", [], "fabric.yaml in {folder}/: invalid Fabric settings: "),
            ("x.txt", "", ["-f", "x.txt"], "x.txt: invalid Fabric settings: Config files of type 'txt'"),
        ],
    ),
)
def test_unreadable_settings_are_reported(tmp_path: Path, name: str, text: str, words: list[str], message: str) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "fabfile").symlink_to(ROOT / "fabfile")
    done = subprocess.run([FAB, *words, "run"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert message.format(folder=tmp_path) in done.stderr


@pytest.mark.parametrize("text", ["--user", "--config=x", "-c 3"])
def test_extra_args_arrive_unchanged(tmp_path: Path, text: str) -> None:
    write(tmp_path / "cfg.py", COMPLETE)
    write(tmp_path / "p.py", "def parse_args(extra_args, ssh_user):\n    raise ValueError(f'<{extra_args}>')\n")
    command: list[str | Path] = [FAB, "-r", ROOT, "run", "-c", "cfg.py", "-a", "p.py", "--extra-args", text]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})
    assert (done.returncode, f"ValueError: <{text}>" in done.stderr) == (2, True)
