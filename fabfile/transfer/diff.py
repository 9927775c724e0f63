"""The diff between a `tree` and the `inventory` of a host: files to send, modes to set, folders to create. Pure."""

import posixpath
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from .inventory import Inventory
from .tree import RootPath, Tree, above


@attrs.frozen
class Changes:
    """The changes that one root of a host needs.

    `send` are files, `make` are missing folders, and `chmod` maps files and folders to their permission bits.
    `problems` maps paths that cannot be synced to the reason. `unlock` maps folders of ours without write permission
    for their owner to the bits that they need while something is put into them.
    """

    send: Sequence[str]
    chmod: Mapping[str, int]
    make: Sequence[str]
    problems: Mapping[str, str]
    unlock: Mapping[str, int] = attrs.field(factory=dict)


def changes(
    tree: Tree, inventory: Inventory, same: frozenset[str] | None = None, conflicts: Mapping[str, str] | None = None
) -> Changes:
    """Return the changes that a host with this inventory needs to match the tree.

    `same` are the files with the same content on the host. If it is None, no content has been compared, and all files
    are sent. `conflicts` maps files that cannot be sent to the reason.
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
    """Yield the ones of `folders` that are ours and that their owner may not write to, each with its final bits.

    A folder is ours if the tree has permission bits for it.
    """
    for path in folders:
        mode = tree.folders.get(path)
        found = inventory.folders.get(path)
        if mode is not None and found is not None and not found.mode & stat.S_IWUSR:
            yield path, stat.S_IMODE(found.mode) if path in tree.entered else mode


def why_sent(inventory: Inventory, path: str, size: int) -> str:
    """Return the reason to send a file of `size` bytes that is missing or different on the host."""
    if path not in inventory.differing:
        return "other content there"
    found = inventory.differing[path]
    if found is None:
        return "missing there"
    return "other content there" if found.size == size else f"{found.size} bytes there"


def touched(tree: Tree, done: Changes) -> Tree:
    """Return the part of a tree that the changes `done` affect."""
    paths = [path for path in (*done.send, *done.chmod) if path in tree.files]
    folders = [path for path in (*done.make, *done.chmod) if path in tree.folders]
    return Tree({path: tree.files[path] for path in paths}, {path: tree.folders[path] for path in folders})


def unmet(done: Changes, inventory: Inventory, same: frozenset[str]) -> list[str]:
    """Return the paths that are still wrong after the changes `done`, according to a new inventory.

    `same` are the files with the same content on the host.
    """
    missed = [path for path in done.make if path not in inventory.folders or not inventory.folders[path].is_dir]
    missed += [path for path in done.send if path in inventory.differing or path not in same]
    for path, mode in done.chmod.items():
        found = inventory.folders.get(path)
        if path in inventory.differing or (found is not None and not found.permits(mode)):
            missed.append(path)
    return list(dict.fromkeys(missed))


def causes(problems: Mapping[RootPath, str], todo: Mapping[str, Changes]) -> dict[RootPath, str]:
    """Return `problems` except for consequences of other problems.

    A problem is a consequence if it is below a folder that could not be created, or below a path that is in the way.
    """
    in_the_way = {(root, path) for root, each in todo.items() for path in (*each.make, *each.problems)}
    lost = problems.keys() & in_the_way
    return {(r, path): why for (r, path), why in problems.items() if not any((r, up) in lost for up in above(path))}
