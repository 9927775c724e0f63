"""Volumes: the file systems of a host that get files, and how much a sync would send to each.

Pure, except for the holes of local files.
"""

import posixpath
from collections.abc import Mapping
from itertools import chain

import attrs

from rr_config.files.local_files import LocalFile

from ..transfer.inventory import RemoteEntry
from ..transfer.sparse import DataParts
from ..transfer.tree import TEMPORARY, ByRoot, Tree, above, locate
from .probe import Facts

Files = Mapping[str, RemoteEntry]
# The file system of each folder, by its number, and the free bytes and inodes there.
Folders = Mapping[str, tuple[bytes, int, int | None]]


@attrs.frozen
class Volume:
    """A file system of a host: a path in it, its free bytes, and the bytes that a sync would send to it.

    `inodes` are free, or None without inodes, and `entries` are the files and folders that a sync would create.
    """

    place: str
    free: int
    wanted: int
    inodes: int | None = None
    entries: int = 0


def folders_to_ask(tree: Tree) -> list[str]:
    """Return the folders of a tree and all folders above them, sorted.

    A folder that does not exist will be created on the file system of the nearest folder above it.
    """
    return sorted({*tree.folders, *chain.from_iterable(map(above, tree.folders))})


def volumes_of(facts: Facts, trees: ByRoot, answers: Mapping[str, tuple[Files, Folders]]) -> list[Volume]:
    """Return the file systems that hold the trees, with the bytes that a sync would send to each.

    A file that is there with the right size does not count. `answers` holds the existing files and folders by root.
    """
    volumes: dict[bytes, Volume] = {}
    for root, tree in trees.items():
        files, folders = answers[root]
        for folder, (size, new) in _to_come(tree, files).items():
            known = _nearest(folder, folders)
            if known is None:
                continue  # the root is missing, which `disk_checks` reports
            number, free, inodes = known
            place = locate(facts.roots[root].path if root.startswith(TEMPORARY) else root, folder)
            volume = volumes.setdefault(number, Volume(place, free, 0, inodes))
            entries = volume.entries + new + (folder not in folders)
            volumes[number] = attrs.evolve(volume, wanted=volume.wanted + size, entries=entries)
    return list(volumes.values())


def _nearest(folder: str, known: Folders) -> tuple[bytes, int, int | None] | None:
    """Return the file system of a folder, or of the nearest known folder above it."""
    for path in (folder, *above(folder)):
        if path in known:
            return known[path]
    return None


def _to_come(tree: Tree, files: Files) -> dict[str, tuple[int, int]]:
    """Return for each folder of a tree how many bytes a sync would send to it, and how many files are new."""
    coming = dict.fromkeys(tree.folders, (0, 0))
    for path, local in tree.files.items():
        found = files.get(path)
        if found is None or not found.is_file or found.size != local.size:
            size, new = coming[posixpath.dirname(path)]
            coming[posixpath.dirname(path)] = (size + _data_size(local), new + (found is None))
    return coming


def _data_size(local: LocalFile) -> int:
    """Return the size of a local file without its holes, which a sync does not send."""
    parts = DataParts()(local)
    return local.size if parts is None else sum(size for _, size in parts)
