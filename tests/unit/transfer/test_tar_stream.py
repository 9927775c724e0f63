"""Tar streams of small files: their content for tar, and how often each file is read."""

import os
import stat
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fabfile.transfer.protocol import tar_stream
from fabfile.transfer.protocol.tar_stream import END, Member, TarStreams, length
from rr_config.files.local_files import LocalFile

NAMES = [b"f", b"a b", b"-x", b"new\nline", b"\xff", "é".encode(), b"o" * 100, b"p" * 101, b"q" * 255, b"d/e/f"]


def local(path: Path) -> LocalFile:
    """A file as it is now."""
    status = path.stat()
    return LocalFile(str(path), stat.S_IMODE(status.st_mode), status.st_size, mtime_ns=status.st_mtime_ns)


def members(folder: Path, count: int) -> list[Member]:
    """So many files, each of some bytes more than the one before."""
    folder.mkdir()
    for number in range(count):
        (folder / str(number)).write_bytes(os.urandom(number * 100))
    return [Member(f"there/{number}", local(folder / str(number))) for number in range(count)]


def stream(archives: TarStreams, wanted: Sequence[Member]) -> bytes:
    """The whole of it."""
    return b"".join(piece.content for piece in archives.pieces(wanted)) + END


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the files that are read, each time."""
    found: list[str] = []
    read = tar_stream.read

    def noted_read(file: LocalFile, *args: int) -> Iterator[bytes]:
        found.append(file.path)
        return read(file, *args)

    monkeypatch.setattr(tar_stream, "read", noted_read)
    return found


@pytest.mark.root
def test_tar_restores_names_and_modes(tmp_path: Path) -> None:
    wanted = []
    for number, name in enumerate(NAMES):
        path = tmp_path / f"file{number}"
        path.write_bytes(name * number)
        path.chmod([0o644, 0o4755, 0o1777, 0][number % 4])
        wanted.append(Member(os.fsdecode(b"./" + name), local(path)))
    content = stream(TarStreams(), wanted)
    assert len(content) == length(wanted)
    there = tmp_path / "there"
    (there / "d/e").mkdir(parents=True)
    subprocess.run(["tar", "-xPpmof", "-"], input=content, cwd=there, check=True)
    for number, name in enumerate(NAMES):
        found = there / os.fsdecode(name)
        assert found.read_bytes() == name * number
        assert found.stat().st_mode == (tmp_path / f"file{number}").stat().st_mode


def test_stream_is_made_once_for_all(tmp_path: Path, reads: list[str]) -> None:
    archives, wanted = TarStreams(), members(tmp_path / "files", 20)
    assert stream(archives, wanted) == stream(archives, [*wanted])
    assert len(reads) == len(set(reads)) == 20
    stream(archives, [Member(f"elsewhere/{each.path}", each.local) for each in wanted])
    assert len(reads) == 40


def test_last_wanted_pieces_are_kept(tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_stream, "PIECE", 1)
    monkeypatch.setattr(tar_stream, "KEPT", 3)
    archives, wanted = TarStreams(), members(tmp_path / "files", 5)
    stream(archives, wanted[:3])
    stream(archives, wanted[:1])
    stream(archives, wanted[3:4])  # in place of the second
    stream(archives, (wanted[0], wanted[2]))
    assert [Path(path).name for path in reads] == ["0", "1", "2", "3"]
    stream(archives, wanted[1:2])
    assert Path(reads[-1]).name == "1"


def test_empty_files_do_not_grow_a_piece(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    wanted = [Member(f"there/{number}", local(tmp_path / "empty")) for number in range(2000)]
    pieces = list(TarStreams().pieces(wanted))
    assert max(len(piece.content) for piece in pieces) <= tar_stream.PIECE
    assert sum(len(piece.content) for piece in pieces) + len(END) == length(wanted)


@pytest.mark.parametrize("change", [b"", b"longer than it was, by a piece of text", None])
def test_changed_file_is_reported(tmp_path: Path, change: bytes | None) -> None:
    wanted = members(tmp_path / "files", 3)
    changed = Path(wanted[1].local.path)
    changed.unlink() if change is None else changed.write_bytes(change)
    (piece,) = TarStreams().pieces(wanted)
    assert piece.changed == {"there/1"}
    assert len(piece.content) + len(END) == length(wanted)
    (tmp_path / "there").mkdir()
    subprocess.run(["tar", "-xf", "-"], input=piece.content + END, cwd=tmp_path, check=True)
    for number in (0, 2):
        assert (tmp_path / f"there/{number}").read_bytes() == (tmp_path / f"files/{number}").read_bytes()
