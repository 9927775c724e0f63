"""Hashes of local files: computed once, by pieces, and shared by hosts."""

import hashlib
from pathlib import Path

import pytest

from fabfile.transfer.checksums import LocalHashes
from fabfile.transfer.inventory import hash_line
from fabfile.transfer.tree import Tree
from rr_config.files.local_files import LocalFile


@pytest.mark.parametrize(
    ("content", "pieces"),
    [(b"", [b""]), (b"abc", [b"abc"]), (b"abcdefgh", [b"abcd", b"efgh"]), (b"abcdefghi", [b"abcd", b"efgh", b"i"])],
)
def test_large_file_is_hashed_by_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, pieces: list[bytes]
) -> None:
    monkeypatch.setattr("fabfile.transfer.checksums.PIECE", 4)
    monkeypatch.setattr("fabfile.transfer.checksums.BLOCK", 3)
    (tmp_path / "f").write_bytes(content)
    found = LocalHashes()(LocalFile(str(tmp_path / "f"), 0o644, len(content)))
    assert list(found) == [hashlib.sha1(piece).hexdigest() for piece in pieces]


def test_local_file_is_hashed_once(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"first")
    local = LocalFile(str(path), 0o644, 5)
    sha1 = LocalHashes()
    assert sha1(local) == (hashlib.sha1(b"first").hexdigest(),)
    path.unlink()
    assert sha1(local) == (hashlib.sha1(b"first").hexdigest(),)


def test_hosts_share_hashes(
    tmp_path: Path,
) -> None:
    for name in ("f", "g"):
        (tmp_path / name).write_text(name)
    tree = Tree({f"./{name}": LocalFile(str(tmp_path / name), 0o644, 1) for name in ("f", "g")})
    hashes = LocalHashes()
    expected = {f"./{name}": hash_line(f"./{name}", hashlib.sha1(name.encode()).hexdigest()) for name in ("f", "g")}
    assert hashes.lines(tree, ["./f"])["./f"] == expected["./f"]
    (tmp_path / "f").unlink()
    assert hashes.lines(tree, ["./f", "./g"]) == expected
