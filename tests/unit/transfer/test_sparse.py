"""The parts of sparse files that hold data."""

import os
from pathlib import Path

from fabfile.transfer.sparse import MOST_PARTS, DataParts
from rr_config.files.local_files import LocalFile

STEP = 1 << 18


def sparse(path: Path, size: int, *offsets: int) -> LocalFile:
    with path.open("wb") as file:
        for offset in offsets:
            file.seek(offset)
            file.write(b"data")
        file.truncate(size)
    return LocalFile(str(path), 0o644, size)


def test_small_holes_are_data(tmp_path: Path) -> None:
    local = sparse(tmp_path / "f", 10 * STEP, 0, 9000, 5 * STEP, 10 * STEP - 4)
    parts = DataParts()(local)
    assert parts is not None and [start for start, _ in parts] == [0, 5 * STEP, parts[2][0]]
    assert parts[0][1] >= 9004 and sum(parts[2]) == 10 * STEP
    assert DataParts()(sparse(tmp_path / "hole", STEP)) == []


def test_file_without_holes_has_no_parts(tmp_path: Path) -> None:
    """So it is sent as a whole."""
    (tmp_path / "f").write_bytes(os.urandom(STEP))
    assert DataParts()(LocalFile(str(tmp_path / "f"), 0o644, STEP)) is None
    assert DataParts()(LocalFile(str(tmp_path / "gone"), 0o644, STEP)) is None


def test_many_parts_are_joined(tmp_path: Path) -> None:
    """The host runs a program for each."""
    count = 3 * MOST_PARTS
    local = sparse(tmp_path / "f", count * STEP, *range(0, count * STEP, STEP))
    parts = DataParts()(local) or [(0, count * STEP)]
    assert len(parts) <= MOST_PARTS
    assert all(any(start <= offset < start + size for start, size in parts) for offset in range(0, count * STEP, STEP))
