"""Hashes of local files: computed once, by pieces, and shared by hosts."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from fabfile.remote.script import read_script
from fabfile.transfer.checksums import LocalHashes
from fabfile.transfer.inventory import hash_line, piece_line
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


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox sh"])
def test_holes_have_the_hash_of_zeros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    """The last file has more parts than are looked at, and `fake` contains the words of a header of tar."""
    mb = 1 << 20
    parts = {
        "hole": (3 * mb, [], b""),
        "it's a file": (9 * mb + 7, [5 * mb - 1, 7 * mb], b"data"),
        "end": (3 * mb, [3 * mb - 1], b"x"),
        "dense": (2 * mb + 1, [0], os.urandom(2 * mb + 1)),
        "fake": (4 * mb, [mb], b"\nustar\n12 GNU.sparse.map=%d,0\n" % (4 * mb)),
        "many": (90 * mb, range(0, 80 * mb, 8192), b"x"),
    }
    for name, (size, offsets, data) in parts.items():
        with (tmp_path / name).open("wb") as file:
            for offset in offsets:
                file.seek(offset)
                file.write(data)
            file.truncate(size)
    command = f'{{ xargs -0 -n 1 {shell} -c "$1" sh 1 | xargs -0 -r -n 2 {shell} -c "$2" sh 1; }} 3>&1'
    scripts = [read_script("list_pieces.sh"), read_script("hash_piece.sh")]
    done = subprocess.run(
        ["sh", "-c", command, "sh", *scripts], cwd=tmp_path, input="\0".join(parts).encode(), capture_output=True
    )
    monkeypatch.setattr("fabfile.transfer.checksums.PIECE", mb)
    expected, ours = set(), set()
    for name in parts:
        content = (tmp_path / name).read_bytes()
        pieces = [hashlib.sha1(content[start : start + mb]).hexdigest() for start in range(0, len(content), mb)]
        expected |= {piece_line(name, number, sha1) for number, sha1 in enumerate(pieces)}
        found = LocalHashes()(LocalFile(str(tmp_path / name), 0o644, len(content)))
        ours |= {piece_line(name, number, sha1) for number, sha1 in enumerate(found)}
    assert set(done.stdout.split(b"\0")[:-1]) == expected == ours
    assert done.stderr == b""


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
