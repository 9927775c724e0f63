"""Batches: the loads that bring files to a host."""

import itertools
from collections import Counter

from fabfile.transfer.inventory import PIECE
from fabfile.transfer.root import Root
from fabfile.transfer.tree import Tree
from fabfile.transfer.upload import LARGE, Upload, batches
from rr_config.files.local_files import LocalFile

SIZES = [0, 10, 5000, 200_000, LARGE, 3 << 20, PIECE, 2 * PIECE + 1]
FILES = [
    (f"./d{number % 7}/f{number}", size) for number, size in enumerate(itertools.islice(itertools.cycle(SIZES), 800))
]


def uploads(lacking: list[tuple[str, int]]) -> list[Upload]:
    root = Root("~", Tree())
    return [Upload((root, path), path, LocalFile(path, 0o644, size)) for path, size in lacking]


def test_batches_hold_everything_once() -> None:
    for are_shared in (False, True):
        written: Counter[str] = Counter()
        for batch in batches(uploads(FILES), are_shared):
            assert batch.size <= PIECE and batch.loads
            for load in batch.loads:
                assert load.size == (
                    sum(item.local.size for item in load.items) if load.items[0].is_small else load.size
                )
                for item in load.items:
                    written[item.staged] += item.local.size if item.is_small else load.size
        assert written == dict(FILES)
    parts = uploads([("./f", 2 * PIECE + 1)])[0].parts()
    assert parts == [(0, PIECE), (PIECE, PIECE), (2 * PIECE, 1)]


def test_hosts_that_lack_other_files_share_batches() -> None:
    """A host has a file already, or a hundred. Most of its batches are still equal to those of the others."""
    small = [(f"./d{number % 7}/f{number}", 20_000) for number in range(3000)]
    every = {batch.key(): batch.size for batch in batches(uploads(small), are_shared=True)}
    assert 10 < len(every) < 30
    for there in (small[:1], small[1000:1100]):
        lacking = [file for file in small if file not in there]
        found = {batch.key(): batch.size for batch in batches(uploads(lacking), are_shared=True)}
        assert sum(size for key, size in found.items() if key not in every) < 0.35 * sum(every.values())
