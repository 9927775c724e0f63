"""Which files have the same content on a host as here: by SHA-1, of each piece of a file that is large.

Both sides hash at the same time. Of a file of which only some pieces differ, only those need be sent.
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
    """A file of which the host has some pieces: the numbers of those that `differ`, and when it was changed there."""

    differ: tuple[int, ...]
    stamp: str

    def parts(self, size: int) -> list[tuple[int, int]]:
        """Where the pieces that differ begin in a file of `size` bytes, and how long they are."""
        return [(number * PIECE, min(PIECE, size - number * PIECE)) for number in self.differ]


@attrs.frozen
class Comparison:
    """The files of a tree that a host has with the same content, and those that it has in part."""

    same: frozenset[str]
    partial: Mapping[str, PartialFile]


class LocalHashes:
    """The SHA-1 of the pieces of local files, each file read once however many hosts ask, from any thread."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, ...]] = {}
        self._lines: dict[Tree, dict[str, bytes]] = defaultdict(dict)
        self._locks: dict[Hashable, threading.Lock] = defaultdict(threading.Lock)

    def lines(self, tree: Tree, paths: Iterable[str]) -> Mapping[str, bytes]:
        """What a host says of at least these files of a tree, by path, if it has the same there.

        Hosts that should have the same wait for one of them, which is faster than to take turns at each file.
        """
        lines = self._lines[tree]
        with self._locks[tree]:
            for path in paths:
                if path not in lines:
                    lines[path] = hash_line(path, "".join(self(tree.files[path])))
        return lines

    def __call__(self, local: LocalFile) -> tuple[str, ...]:
        """The hash of each piece, as hexadecimal digits; of one, of nothing, if the file is empty."""
        if local.path not in self._known:
            with self._locks[local.path]:
                if local.path not in self._known:
                    self._known[local.path] = _hashes(local.path)
            self._locks.pop(local.path, None)
        return self._known[local.path]


def _hashes(path: str) -> tuple[str, ...]:
    digests = [hashlib.sha1(usedforsecurity=False)]
    left = PIECE
    file = os.open(path, os.O_RDONLY)  # takes half the time of open(), which counts where files are small
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
    orders: RemoteCommands,
    trees: Mapping[str, Tree],
    inventories: Mapping[str, Inventory],
    hashes: LocalHashes,
    may_change: bool = True,
) -> dict[str, Comparison]:
    """What the host has of the content of `trees`, by root.

    What its owner cannot read there has its permission bits set; or counts as differing, unless it `may_change` them.
    """
    questions = [_Question(root, trees[root], inventories[root], may_change) for root in trees]
    asked = [question for question in questions if question.small or question.large]
    for question in asked:
        question.ask(orders)
    for question in asked:
        question.look_up(hashes)
    return {question.root: question.compared(orders) for question in questions}


class _Question:
    """What is asked about one root."""

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

    def ask(self, orders: RemoteCommands) -> None:
        orders.enter(self.root)
        orders.tell_modes(self._unreadable)
        self._hashed = orders.tell("hash", self.small)
        if self.large:
            self._counts = counts = {path: -(-self._tree.files[path].size // PIECE) for path in self.large}
            self._stamped = orders.tell("stamp", self.large)
            self._pieces = orders.tell_pairs("pieces", ((n, path) for path in self.large for n in range(counts[path])))

    def look_up(self, hashes: LocalHashes) -> None:
        self._lines = hashes.lines(self._tree, self.small)
        self._piece_lines = {
            path: [piece_line(path, number, sha1) for number, sha1 in enumerate(hashes(self._tree.files[path]))]
            for path in self.large
        }

    def compared(self, orders: RemoteCommands) -> Comparison:
        same: set[str] = set()
        partial: dict[str, PartialFile] = {}
        if self.small:
            there = frozenset(b"".join(orders.answer(self._hashed)).split(b"\n"))
            same.update(path for path in self.small if self._lines[path] in there)
        if self.large:
            stamps = dict(os.fsdecode(record).split(" ", 1)[::-1] for record in orders.answer(self._stamped))
            there = frozenset(orders.answer(self._pieces))
            for path, lines in self._piece_lines.items():
                differ = tuple(number for number, line in enumerate(lines) if line not in there)
                if len(lines) != self._counts[path]:
                    continue  # it has changed here since it was listed; that is noticed when it is sent
                if not differ:
                    same.add(path)
                elif len(differ) < len(lines) and path in stamps:
                    partial[path] = PartialFile(differ, stamps[path])
        return Comparison(frozenset(same), partial)
