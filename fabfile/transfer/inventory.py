"""The inventory of a host: which entries of a `tree` exist there. Parses the output of `stat` and `openssl`. Pure.

`diff` compares an inventory with its tree.
"""

import os
import stat
from collections.abc import Iterable, Mapping, Set

import attrs

from .tree import Tree

# A larger file is compared piece by piece.
PIECE_MB = 32
PIECE = PIECE_MB << 20


@attrs.frozen
class RemoteEntry:
    """A file, folder or other entry on a host. `mode` is its st_mode; `size` is in bytes."""

    mode: int
    size: int

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link. Only for paths that are exact in their tree, a link is not followed."""
        return stat.S_ISLNK(self.mode)

    def permits(self, mode: int) -> bool:
        """Return whether it has these permission bits.

        A folder may have more special bits, such as setgid, which it inherits from the folder above.
        """
        return stat.S_IMODE(self.mode) & (0o777 | mode if self.is_dir else 0o7777) == mode


@attrs.frozen
class Inventory:
    """The entries of a tree that exist on a host.

    `differing` maps each file with another size, type or mode to the entry at its path, or to None if it is missing.
    `folders` maps each folder of the tree to the entry at its path, which may be no folder. It omits missing folders.
    `obstacles` are entries that have to be moved away, because rename(2) would not replace them. Everything below them
    counts as missing. `broken` are broken links at the paths of folders of the tree, or of folders above these.
    """

    differing: Mapping[str, RemoteEntry | None]
    folders: Mapping[str, RemoteEntry]
    obstacles: Mapping[str, RemoteEntry] = attrs.field(factory=dict)
    broken: Set[str] = frozenset()


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


def read_inventory(
    tree: Tree, records: Iterable[bytes], links: Iterable[bytes] = (), broken: Iterable[bytes] = ()
) -> Inventory:
    """Return the inventory of a tree from the records of `stat --printf '%f %s %n'` for its files and folders.

    `links` are the records of its kept links. `broken` are the paths of broken links.
    """
    answered = frozenset(records)
    found = read_stat(answered - tree.records.keys())
    differing = {path: found.get(path) for record, path in tree.records.items() if record not in answered}
    if tree.link_records:
        there = frozenset(links)
        differing |= {path: found.get(path) for record, path in tree.link_records.items() if record not in there}
    folders = {path: found[path] for path in found.keys() & tree.folders.keys()}
    return Inventory(*_without_obstacles(tree, differing, folders), frozenset(map(os.fsdecode, broken)))


Entries = dict[str, RemoteEntry]


def _without_obstacles(
    tree: Tree, differing: dict[str, RemoteEntry | None], folders: Entries
) -> tuple[dict[str, RemoteEntry | None], Entries, Entries]:
    """Return files and folders as if the obstacles were missing, and the obstacles."""
    obstacles: Entries = {}
    if not tree.mirrors:
        return differing, folders, obstacles
    for path, at in folders.items():
        is_replaced = at.is_link and tree.is_exact(path) and tree.replaces_links(path)
        if is_replaced or (not at.is_dir and tree.deletes(path)):
            obstacles[path] = at
    for path, entry in differing.items():
        if entry is not None and entry.is_dir and tree.deletes(path):
            obstacles[path] = entry
    if obstacles:
        below = tuple(f"{path}/" for path in obstacles)
        differing |= {path: None for path in tree.files if path in obstacles or path.startswith(below)}
        folders = {p: at for p, at in folders.items() if p not in obstacles and not p.startswith(below)}
    return differing, folders, {p: at for p, at in obstacles.items() if not p.startswith(below)} if obstacles else {}


def read_stat(records: Iterable[bytes]) -> dict[str, RemoteEntry]:
    """Parse records of `stat --printf '%f %s %n'`; return the entry at each path. Missing paths have no record."""
    found = {}
    for record in records:
        mode, size, path = record.split(b" ", 2)
        found[os.fsdecode(path)] = RemoteEntry(int(mode, 16), int(size))
    return found


def to_hash(tree: Tree, inventory: Inventory) -> list[str]:
    """Return the files whose content has to be compared: regular files that the host has with the same size."""
    paths = []
    for path, local in tree.files.items():
        if local.link is not None:
            continue
        found = inventory.differing.get(path)
        has_size = found is not None and found.is_file and found.size == local.size
        if has_size or path not in inventory.differing:
            paths.append(path)
    return paths


def is_unreadable(found: RemoteEntry | None) -> bool:
    """Return whether the entry exists and its owner may not read it."""
    return found is not None and not found.mode & stat.S_IRUSR


def hash_line(path: str, sha1: str) -> bytes:
    r"""Return the line that `openssl dgst -sha1 -r` prints for a file.

    The line is `HASH *PATH`, or `\HASH *PATH` with `\n` for each newline in the path. OpenSSL before 3.0 does not
    escape newlines. A file with a newline in its path then counts as different, and is sent.
    """
    name = os.fsencode(path)
    if b"\n" in name:
        return b"\\%s *%s" % (sha1.encode(), name.replace(b"\n", b"\\n"))
    return b"%s *%s" % (sha1.encode(), name)


def piece_line(path: str, number: int, sha1: str) -> bytes:
    """Return the record in which the host reports the hash of one piece of a large file."""
    return b"%s %d %s" % (sha1.encode(), number, os.fsencode(path))


def read_stamps(records: Iterable[bytes]) -> dict[str, str]:
    """Parse records of `stat --printf '%.9Z %n'`; return the ctime of each path, as text."""
    stamps = {}
    for record in records:
        stamp, path = os.fsdecode(record).split(" ", 1)
        stamps[path] = stamp
    return stamps
