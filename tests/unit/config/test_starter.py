"""The config that `init` writes."""

import sys
from pathlib import Path

import pytest

from rr_config import ConfigError, Options, load
from rr_config.starter import TEXT, write_config


def test_written_config_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["remote-runner"])
    monkeypatch.chdir(tmp_path)
    assert write_config("my config.py") == Path("my config.py")
    text = Path("my config.py").read_text()
    assert "#     remote-runner run --config 'my config.py' " in text
    assert "PROGRAM" not in text and "FILE" not in text
    components = load(Options(config_file="my config.py")).all_components()
    assert [each.label for each in components] == ["localhost/server", "localhost/client"]


def test_commented_lines_are_valid(tmp_path: Path) -> None:
    start = TEXT.index("# for host in")
    lines = [line.removeprefix("# ") for line in TEXT[start:].splitlines()]
    (tmp_path / "worker.sh").touch(0o755)
    (tmp_path / "data").mkdir()
    (tmp_path / "cfg.py").write_text("\n".join([TEXT[:start], *lines]))
    config = load(Options(config_file=str(tmp_path / "cfg.py")))
    assert [each.host for each in config.all_remote_components()] == ["node1", "alice@node2:2222"]


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_existing_file_stays(tmp_path: Path, make: object) -> None:
    path = tmp_path / "config.py"
    make(path)  # type: ignore[operator]
    before = path.lstat()
    with pytest.raises(ConfigError, match=rf"^init: {path}: already exists; choose another name: "):
        write_config(str(path))
    assert path.lstat() == before
    assert not (tmp_path / "nowhere").exists()


def test_unwritable_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^init: .*/no/config.py: No such file or directory$"):
        write_config(str(tmp_path / "no/config.py"))
