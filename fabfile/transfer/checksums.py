"""Compare the content of files on a host with the local files, by SHA-1 checksums.

Small files are hashed as a whole, and larger ones piece by piece: only the pieces that differ are sent again. Host and
controller hash at the same time.
"""

import hashlib
import os
import threading
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping

import attrs

from rr_config.local_files import LocalFile

from .inventory import Inventory, hash_line, is_unreadable, piece_line, to_hash
from .remote_commands import PIECE, RemoteCommands
from .tree import Tree

BLOCK = 1 << 18


@attrs.frozen
class PartialFile:
    """A large file that the host has in part.

    `differ` are the numbers of the pieces that differ. `stamp` is its ctime there, as `stat --printf %.9Z` prints it.
    The agent does not copy a file whose stamp has changed.
    """

    differ: tuple[int, ...]
    stamp: str

    def parts(self, size: int) -> list[tuple[int, int]]:
        """Return offset and length of each differing piece of a file of `size` bytes, in bytes."""
        return [(number * PIECE, min(PIECE, size - number * PIECE)) for number in self.differ]


@attrs.frozen
class Comparison:
    """The files of a tree that a host has with the same content, and the files that it has in part."""

    same: frozenset[str]
    partial: Mapping[str, PartialFile]


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
    digests = [hashlib.sha1(usedforsecurity=False)]
    left = PIECE
    file = os.open(path, os.O_RDONLY)  # half the time of open(), which matters for many small files
    try:
        while block := os.read(file, min(BLOCK, left or PIECE)):
            if not left:
                digests.append(hashlib.sha1(usedforsecurity=False))
                left = PIECE
            digests[-1].update(block)
            left -= len(block)
    finally:
        os.close(file)
    return tuple(digest.hexdigest() for digest in digests)


def compare(
    commands: RemoteCommands,
    trees: Mapping[str, Tree],
    inventories: Mapping[str, Inventory],
    hashes: LocalHashes,
    may_change: bool = True,
) -> dict[str, Comparison]:
    """Compare the content of `trees` on the host with the local files; return the result by root.

    Files on the host that their owner cannot read get their permission bits first, if `may_change`. Otherwise they
    count as different.
    """
    questions = [_Question(root, trees[root], inventories[root], may_change) for root in trees]
    asked = [question for question in questions if question.small or question.large]
    for question in asked:
        question.ask(commands)
    for question in asked:
        question.look_up(hashes)
    return {question.root: question.compared(commands) for question in questions}


class _Question:
    """The comparison of one root: commands to the host first, then the local hashes, then the answers.

    So host and controller hash at the same time.
    """

    def __init__(self, root: str, tree: Tree, inventory: Inventory, may_change: bool) -> None:
        self.root, self._tree = root, tree
        paths = to_hash(tree, inventory)
        self._unreadable = {
            path: tree.files[path].mode for path in paths if is_unreadable(inventory.differing.get(path))
        }
        if not may_change:
            paths = [path for path in paths if path not in self._unreadable]
            self._unreadable = {}
        self.small = [path for path in paths if tree.files[path].size <= PIECE]
        self.large = [path for path in paths if tree.files[path].size > PIECE]

    def ask(self, commands: RemoteCommands) -> None:
        commands.enter(self.root)
        commands.send_chmods(self._unreadable)
        self._hashed = commands.send_command("hash", self.small)
        if self.large:
            self._counts = counts = {path: -(-self._tree.files[path].size // PIECE) for path in self.large}
            self._stamped = commands.send_command("stamp", self.large)
            self._pieces = commands.send_command_with_pairs(
                "pieces", ((n, path) for path in self.large for n in range(counts[path]))
            )

    def look_up(self, hashes: LocalHashes) -> None:
        self._lines = hashes.lines(self._tree, self.small)
        self._piece_lines = {
            path: [piece_line(path, number, sha1) for number, sha1 in enumerate(hashes(self._tree.files[path]))]
            for path in self.large
        }

    def compared(self, commands: RemoteCommands) -> Comparison:
        same: set[str] = set()
        partial: dict[str, PartialFile] = {}
        if self.small:
            there = frozenset(b"".join(commands.answer(self._hashed)).split(b"\n"))
            same.update(path for path in self.small if self._lines[path] in there)
        if self.large:
            stamps = dict(os.fsdecode(record).split(" ", 1)[::-1] for record in commands.answer(self._stamped))
            there = frozenset(commands.answer(self._pieces))
            for path, lines in self._piece_lines.items():
                differ = tuple(number for number, line in enumerate(lines) if line not in there)
                if len(lines) != self._counts[path]:
                    continue  # it has changed here since it was listed; upload reports that
                if not differ:
                    same.add(path)
                elif len(differ) < len(lines) and path in stamps:
                    partial[path] = PartialFile(differ, stamps[path])
        return Comparison(frozenset(same), partial)
