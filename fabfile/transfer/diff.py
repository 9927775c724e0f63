"""The diff between a `tree` and the `inventory` of a host: files to send, modes to set, folders to create. Pure."""

import posixpath
import stat
from collections.abc import Iterable, Mapping, Sequence, Set

import attrs

from .inventory import Inventory
from .tree import Tree, above


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

    @property
    def is_any(self) -> bool:
        """Return whether something has to be changed."""
        return bool(self.send or self.chmod or self.make)


def changes(
    tree: Tree, inventory: Inventory, same: Set[str] = frozenset(), conflicts: Mapping[str, str] | None = None
) -> Changes:
    """Return the changes that a host with this inventory needs to match the tree.

    `same` are the files with the same content on the host; all others are sent. `conflicts` maps files that cannot be
    sent to the reason.
    """
    problems = {**(conflicts or {}), **_in_the_way(tree, inventory)}
    below = tuple(f"{path}/" for path in problems.keys() - tree.files.keys())
    send = []
    for path in tree.files:
        if path not in same and path not in problems and not path.startswith(below):
            send.append(path)
    chmod = _folder_modes(tree, inventory, problems)
    for path in same & inventory.differing.keys():
        chmod[path] = tree.files[path].mode
    missing = tree.folders.keys() - inventory.folders.keys() - problems.keys()
    make = sorted(path for path in missing if not path.startswith(below))
    locked = _locked(tree, inventory, (*send, *make))
    unlock = {path: mode | stat.S_IRWXU for path, mode in locked.items()}
    return Changes(send, chmod | locked, make, problems, unlock)


def _in_the_way(tree: Tree, inventory: Inventory) -> dict[str, str]:
    problems = {}
    for path, found in inventory.differing.items():
        if found is not None and found.is_dir:
            problems[path] = "a folder has this path on the host"
        elif found is not None and not (found.is_file or found.is_link or tree.deletes(path)):
            problems[path] = "a special file has this path on the host"
    for path, at in inventory.folders.items():
        if not at.is_dir:
            kind = "a symbolic link" if at.is_link else "a file" if at.is_file else "a special file"
            problems[path] = f"{kind} has the path of this folder on the host"
    for path in inventory.broken:
        problems[path] = "a broken symbolic link has the path of this folder on the host"
    return problems


def _folder_modes(tree: Tree, inventory: Inventory, problems: Mapping[str, str]) -> dict[str, int]:
    """Return the permission bits of new folders, and of folders whose bits are wrong."""
    modes = {}
    for path, mode in tree.folders.items():
        found = inventory.folders.get(path)
        if mode is None or path in problems or (found is not None and path in tree.entered):
            continue
        if found is None or not found.permits(mode):
            modes[path] = mode
    return modes


def _locked(tree: Tree, inventory: Inventory, entries: Iterable[str]) -> dict[str, int]:
    """Return the folders that will get one of `entries`, are ours, and deny writing to their owner.

    A folder is ours if the tree has permission bits for it. Each maps to the bits that it should have in the end.
    """
    locked = {}
    for path in {posixpath.dirname(entry) for entry in entries}:
        mode, found = tree.folders.get(path), inventory.folders.get(path)
        if mode is not None and found is not None and not found.mode & stat.S_IWUSR:
            locked[path] = stat.S_IMODE(found.mode) if path in tree.entered else mode
    return locked


def why_sent(inventory: Inventory, path: str, size: int) -> str:
    """Return the reason to send a file of `size` bytes that is missing or different on the host."""
    if path not in inventory.differing:
        return "different content"
    found = inventory.obstacles.get(path) or inventory.differing[path]
    if found is None:
        return "missing"
    if not found.is_file:
        kind = "link" if found.is_link else "folder" if found.is_dir else "special file"
        return f"a {kind} on the host"
    return "different content" if found.size == size else f"{found.size} bytes on the host"


def touched(tree: Tree, done: Changes) -> Tree:
    """Return the part of a tree that the changes `done` affect."""
    files = {path: tree.files[path] for path in (*done.send, *done.chmod) if path in tree.files}
    folders = {path: tree.folders[path] for path in (*done.make, *done.chmod) if path in tree.folders}
    return Tree(files, folders, mirrors=tree.mirrors)


def unmet(done: Changes, inventory: Inventory, same: Set[str]) -> list[str]:
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


def causes(problems: Mapping[str, str], done: Changes) -> dict[str, str]:
    """Return the `problems` of a root except for consequences of other problems.

    A problem is a consequence if it is below a folder that could not be created, or below a path that is in the way.
    """
    lost = problems.keys() & {*done.make, *done.problems}
    return {path: reason for path, reason in problems.items() if lost.isdisjoint(above(path))}
