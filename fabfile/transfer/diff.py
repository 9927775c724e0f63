"""What has to be done so that a host has what it should: what to send, to chmod, to make. Pure."""

import posixpath
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from .inventory import Inventory
from .tree import RootPath, Tree, above


@attrs.frozen
class Changes:
    """What has to be done below one root.

    `problems` are paths that are in the way, with what is there; `unlock` folders that their owner may not write
    to, as they should be, and which need these bits for as long as something is put into them.
    """

    send: Sequence[str]
    chmod: Mapping[str, int]
    make: Sequence[str]
    problems: Mapping[str, str]
    unlock: Mapping[str, int] = attrs.field(factory=dict)


def changes(
    tree: Tree, inventory: Inventory, same: frozenset[str] | None = None, conflicts: Mapping[str, str] | None = None
) -> Changes:
    """What has to be done, so that the host has what is wanted.

    `same` are the files that have the same content there; None if none has been compared, and all are to be
    sent. `conflicts` are files that cannot be sent, and why.
    """
    problems = {**(conflicts or {}), **_in_the_way(inventory)}

    def blocked(path: str) -> bool:
        return path in problems or posixpath.dirname(path) in problems

    send = [path for path in tree.files if (same is None or path not in same) and not (problems and blocked(path))]
    chmod = {path: tree.files[path].mode for path in inventory.differing if same is not None and path in same}
    make = sorted(path for path in tree.folders if path not in inventory.folders)
    for path, mode in tree.folders.items():
        is_there = path in inventory.folders
        if mode is None or path in problems or (is_there and path in tree.entered):
            continue
        if not is_there or not inventory.folders[path].permits(mode):
            chmod[path] = mode
    locked = dict(_locked(tree, inventory, {posixpath.dirname(path) for path in (*send, *make)}))
    unlock = {path: mode | stat.S_IRWXU for path, mode in locked.items()}
    return Changes(send, chmod | locked, make, problems, unlock)


def _in_the_way(inventory: Inventory) -> dict[str, str]:
    problems = {}
    for path, found in inventory.differing.items():
        if found is not None and not found.is_file:
            problems[path] = "a folder is in its place" if found.is_dir else "what is in its place is no regular file"
    for path, at in inventory.folders.items():
        if not at.is_dir:
            problems[path] = "a file is in the place of this folder"
    return problems


def _locked(tree: Tree, inventory: Inventory, folders: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Those of `folders` that are ours and that their owner may not write to, with the bits they are to have then."""
    for path in folders:
        mode = tree.folders.get(path)
        found = inventory.folders.get(path)
        if mode is not None and found is not None and not found.mode & stat.S_IWUSR:
            yield path, stat.S_IMODE(found.mode) if path in tree.entered else mode


def why_sent(inventory: Inventory, path: str, size: int) -> str:
    """Why a file of that size, which is not the same there, is to be sent."""
    if path not in inventory.differing:
        return "other content there"
    found = inventory.differing[path]
    if found is None:
        return "missing there"
    return "other content there" if found.size == size else f"{found.size} bytes there"


def touched(tree: Tree, done: Changes) -> Tree:
    """The part of a tree that `done` is about."""
    paths = [path for path in (*done.send, *done.chmod) if path in tree.files]
    folders = [path for path in (*done.make, *done.chmod) if path in tree.folders]
    return Tree({path: tree.files[path] for path in paths}, {path: tree.folders[path] for path in folders})


def unmet(done: Changes, inventory: Inventory, same: frozenset[str]) -> list[str]:
    """The paths that `done` was about and that the host, by a inventory afterwards, still has not as wanted.

    `same` are the files that have the same content there.
    """
    missed = [path for path in done.make if path not in inventory.folders or not inventory.folders[path].is_dir]
    missed += [path for path in done.send if path in inventory.differing or path not in same]
    for path, mode in done.chmod.items():
        found = inventory.folders.get(path)
        if path in inventory.differing or (found is not None and not found.permits(mode)):
            missed.append(path)
    return list(dict.fromkeys(missed))


def causes(problems: Mapping[RootPath, str], todo: Mapping[str, Changes]) -> dict[RootPath, str]:
    """Those of `problems` that do not merely follow from another one: that a folder above could not be made."""
    in_the_way = {(root, path) for root, each in todo.items() for path in (*each.make, *each.problems)}
    lost = problems.keys() & in_the_way
    return {(r, path): why for (r, path), why in problems.items() if not any((r, up) in lost for up in above(path))}
