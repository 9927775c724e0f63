"""Removal of files on a host that a local folder of `util.tree` no longer has. Pure.

The host lists such a folder. Everything that the tree lacks is removed, except for excluded names and the folders that
hold them.
"""

import os
import posixpath
from collections.abc import Iterable, Mapping, Set

import attrs

from .tree import Mirror, Tree, above, beginning

MOST = 100  # removals on one host without --delete


@attrs.frozen
class Surplus:
    """The entries below a folder that the tree lacks.

    `entries` maps each one to whether it is a folder. `kept` are folders that hold excluded entries, or other files.
    """

    entries: Mapping[str, bool] = attrs.field(factory=dict)
    kept: Set[str] = frozenset()


def find_surplus(tree: Tree, top: str, mirror: Mirror, records: Iterable[bytes]) -> Surplus:
    """Return the surplus below the folder `top`, from the records `KIND PATH` of everything below it."""
    entries: dict[str, bool] = {}
    kept: set[str] = set()
    start = beginning(top)
    for record in records:
        kind, _, below = os.fsdecode(record).partition(" ")
        path, is_dir = start + below, kind == "d"
        if path in tree.files or path in tree.folders:
            continue
        if mirror.local.ignore.covers(below, is_dir):
            keep(posixpath.dirname(path), kept)
        else:
            entries[path] = is_dir
    for path in (*tree.files, *tree.folders):
        if path.startswith(start) and posixpath.dirname(path) in entries:
            keep(posixpath.dirname(path), kept)
    return Surplus({path: is_dir for path, is_dir in entries.items() if path not in kept}, kept)


def keep(folder: str, kept: set[str]) -> None:
    """Add a folder and the folders above it to `kept`."""
    for path in (folder, *above(folder)):
        if path in kept:
            return
        kept.add(path)


def listed(entries: Mapping[str, bool], top: str, gone: Iterable[str]) -> list[str]:
    """Return the entries below `top` as the host removes them: each folder with a slash, behind its content.

    Omit entries below those of `gone`.
    """
    start, below = beginning(top), tuple(f"{path}/" for path in gone)
    chosen = (path for path in entries if path.startswith(start) and not path.startswith(below))
    return [path[len(start) :] + ("/" if entries[path] else "") for path in sorted(chosen, reverse=True)]


def read_left(top: str, records: Iterable[bytes]) -> dict[str, str]:
    """Return the problem of each entry below `top` that could not be removed, from two records for each."""
    answers = map(os.fsdecode, records)
    left = {}
    for path, reason in zip(answers, answers, strict=True):
        where = beginning(top) + path.removeprefix("left ")
        left[where] = f"cannot be removed: {reason.removeprefix('why ').lower()}"
    return left


def refusal(count: int, may_remove: bool) -> str | None:
    """Return an error if a sync may not remove so many files and folders."""
    if count <= MOST or may_remove:
        return None
    return f"would remove {count:,} files and folders; give --delete to allow more than {MOST}"
