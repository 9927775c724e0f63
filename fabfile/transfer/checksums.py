"""Compare the content of files on a host with the local files, by SHA-1 checksums.

Small files are hashed as a whole, and larger ones piece by piece: only the pieces that differ are sent again. Host and
controller hash at the same time.
"""

import hashlib
import os
import threading
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Set
from functools import cache

from rr_config.files.local_files import LocalFile

from .inventory import PIECE, PartialFile, hash_line, is_unreadable, piece_line, read_stamps, to_hash
from .protocol.remote_commands import RemoteCommands
from .root import Root
from .sparse import is_hole
from .tree import Tree

BLOCK = 1 << 18


class LocalHashes:
    """A thread-safe cache of the SHA-1 of local files, by piece. Each file is read once for all hosts."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, ...]] = {}
        self._lines: dict[Tree, dict[str, bytes]] = defaultdict(dict)
        self._locks: dict[Hashable, threading.Lock] = defaultdict(threading.Lock)

    def lines(self, tree: Tree, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Return the line that a host with the same content prints for each file, for at least these `paths` of a tree.

        There is one lock for the whole tree: the first host hashes all files, and the others wait. One lock for each
        file would be slower.
        """
        lines = self._lines[tree]
        with self._locks[tree]:
            for path in paths:
                if path not in lines:
                    lines[path] = hash_line(path, "".join(self(tree.files[path])))
        return lines

    def __call__(self, local: LocalFile) -> tuple[str, ...]:
        """Return the hash of each piece, as hexadecimal digits. An empty file has one empty piece."""
        if local.path not in self._known:
            with self._locks[local.path]:
                if local.path not in self._known:
                    self._known[local.path] = _hashes(local.path)
            self._locks.pop(local.path, None)
        return self._known[local.path]


def _hashes(path: str) -> tuple[str, ...]:
    file = os.open(path, os.O_RDONLY)  # half the time of open(), which matters for many small files
    try:
        size = os.fstat(file).st_size
        return tuple(_piece_hash(file, start, min(PIECE, size - start)) for start in range(0, size or 1, PIECE))
    finally:
        os.close(file)


def _piece_hash(file: int, start: int, size: int) -> str:
    """Return the hash of `size` bytes. Do not read a whole piece that is a hole; list_pieces.sh does the same."""
    if size == PIECE and is_hole(file, start, size):
        return _hash_of_zeros(size)
    digest = hashlib.sha1(usedforsecurity=False)
    os.lseek(file, start, os.SEEK_SET)
    while block := os.read(file, min(BLOCK, size)):
        digest.update(block)
        size -= len(block)
    return digest.hexdigest()


@cache
def _hash_of_zeros(size: int) -> str:
    return hashlib.sha1(bytes(size), usedforsecurity=False).hexdigest()


def compare(commands: RemoteCommands, roots: Iterable[Root], hashes: LocalHashes, may_change: bool = True) -> None:
    """Compare the content of files on the host with the local files; set `same` and `partial` of each root.

    Files on the host that their owner cannot read get their permission bits first, if `may_change`. Otherwise they
    count as different.
    """
    questions = []
    for root in roots:
        root.same = set(root.tree.link_records.values()) - root.inventory.differing.keys()
        question = _Question(root, may_change)
        if question.small or question.large:
            questions.append(question)
    for question in questions:
        question.ask(commands)
    for question in questions:
        question.look_up(hashes)
    for question in questions:
        question.compare(commands)


class _Question:
    """The comparison of one root: commands to the host first, then the local hashes, then the answers.

    So host and controller hash at the same time.
    """

    def __init__(self, root: Root, may_change: bool) -> None:
        self._root = root
        self._unreadable: dict[str, int] = {}
        self.small: list[str] = []
        self.large: list[str] = []
        for path in to_hash(root.tree, root.inventory):
            local = root.tree.files[path]
            if is_unreadable(root.inventory.differing.get(path)):
                if not may_change:
                    continue
                self._unreadable[path] = local.mode
            (self.small if local.size <= PIECE else self.large).append(path)

    def ask(self, commands: RemoteCommands) -> None:
        commands.enter(self._root.name)
        commands.send_chmods(self._unreadable)
        self._hashed = commands.send_command("hash", self.small)
        if not self.large:
            return
        self._stamped = commands.send_command("stamp", self.large)
        self._pieces = commands.send_command("pieces", self.large)

    def look_up(self, hashes: LocalHashes) -> None:
        files = self._root.tree.files
        self._lines = hashes.lines(self._root.tree, self.small)
        self._piece_hashes = {path: hashes(files[path]) for path in self.large}

    def compare(self, commands: RemoteCommands) -> None:
        same: set[str] = set(self._root.same)
        if self.small:
            there = frozenset(b"".join(commands.answer(self._hashed)).split(b"\n"))
            same.update(path for path in self.small if self._lines[path] in there)
        if self.large:
            stamps = read_stamps(commands.answer(self._stamped))
            there = frozenset(commands.answer(self._pieces))
            for path in self.large:
                self._compare_large(path, stamps.get(path), there, same)
        self._root.same = same

    def _compare_large(self, path: str, stamp: str | None, there: Set[bytes], same: set[str]) -> None:
        """Add a large file to `same`, or to the partial files of the root, or to none of both."""
        sha1s = self._piece_hashes[path]
        if len(sha1s) != -(-self._root.tree.files[path].size // PIECE):
            return  # it has changed here since it was listed; upload reports that
        differ = [n for n, sha1 in enumerate(sha1s) if piece_line(path, n, sha1) not in there]
        if not differ:
            same.add(path)
        elif len(differ) < len(sha1s) and stamp is not None:
            self._root.partial[path] = PartialFile(tuple(differ), stamp)
