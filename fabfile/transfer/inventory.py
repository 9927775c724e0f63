"""What a host says that it has of a tree, read. Pure."""

import os
import stat
from collections.abc import Iterable, Mapping

import attrs

from .tree import Tree


@attrs.frozen
class RemoteEntry:
    """What a host has at a path."""

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

    def permits(self, mode: int) -> bool:
        """Whether it has these permission bits. A folder may have setgid and sticky, too, from where it is."""
        return stat.S_IMODE(self.mode) & (0o777 | mode if self.is_dir else 0o7777) == mode


@attrs.frozen
class Inventory:
    """What a host has of a tree.

    `differing` are the files whose size or permissions are not the right ones, each with what is in its
    place, or None; `folders` are those that have something in their place.
    """

    differing: Mapping[str, RemoteEntry | None]
    folders: Mapping[str, RemoteEntry]


def read_inventory(tree: Tree, records: Iterable[bytes]) -> Inventory:
    """What `stat --printf '%f %s %n'` says of the files and folders of a tree."""
    answered = frozenset(records)
    found = read_stat(answered - tree.records.keys())
    differing = {path: found.get(path) for record, path in tree.records.items() if record not in answered}
    return Inventory(differing, {path: there for path, there in found.items() if path in tree.folders})


def read_stat(records: Iterable[bytes]) -> dict[str, RemoteEntry]:
    """What `stat --printf '%f %s %n'` says of each path; one that is not there is left out."""
    found = {}
    for record in records:
        mode, size, path = record.split(b" ", 2)
        found[os.fsdecode(path)] = RemoteEntry(int(mode, 16), int(size))
    return found


def to_hash(tree: Tree, inventory: Inventory) -> list[str]:
    """The files whose content has to be compared: those that the host has with the same size."""

    def has_its_size(path: str) -> bool:
        found = inventory.differing.get(path)
        return found is not None and found.is_file and found.size == tree.files[path].size

    return [path for path in tree.files if path not in inventory.differing or has_its_size(path)]


def is_unreadable(found: RemoteEntry | None) -> bool:
    """Whether the owner of what a host has may not read it."""
    return found is not None and not found.mode & stat.S_IRUSR


def hash_line(path: str, sha1: str) -> bytes:
    r"""What `openssl dgst -sha1 -r` says of a file: `HASH *PATH`, or `\HASH *PATH` with `\n` for a newline.

    OpenSSL before 3.0 lets newlines through, so that such a file counts as another one, and is sent.
    """
    name = os.fsencode(path)
    if b"\n" in name:
        return b"\\%s *%s" % (sha1.encode(), name.replace(b"\n", b"\\n"))
    return b"%s *%s" % (sha1.encode(), name)


def piece_line(path: str, number: int, sha1: str) -> bytes:
    """What the host says of one piece of a large file."""
    return b"%s %d %s" % (sha1.encode(), number, os.fsencode(path))
