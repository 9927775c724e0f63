"""Roots: what a sync knows of the files below one root of a host, and what it changes there.

Each step of a sync fills in a part of every Root: `sync` its folder, `read_inventories` its inventory, `checksums` its
`same` and `partial` files, `find_conflicts` its conflicts, and `find_changes` its changes and first problems. `apply`
adds more problems. To check its work, it makes smaller Roots, which have an inventory and `same` files, but no changes.
"""

import posixpath
import stat
from collections.abc import Callable, Iterable, Mapping, Set
from itertools import combinations

import attrs

from rr_config.files.local_files import LocalFile

from .diff import Changes, changes, touched
from .inventory import Inventory, PartialFile, read_inventory
from .protocol.remote_commands import RemoteCommands
from .surplus import find_surplus, keep
from .tree import TEMPORARY, TOP, Tree, above, locate, outermost


@attrs.define(eq=False)
class Root:
    """One root of a host in a sync. Many hosts have many files at the same time, so it keeps few objects for each file.

    `folder` is its absolute path on the host. All other paths are spelled as in the tree. `same` are the files that the
    host has with the same content, and `partial` the files that it has in part. `conflicts` maps files that cannot be
    sent to the reason, and `problems` all paths that a sync cannot bring. `new` maps each folder to create to the
    outermost new folder that contains it. `surplus` maps what is to be removed to whether it is a folder.
    """

    name: str
    tree: Tree
    folder: str = ""
    inventory: Inventory = attrs.field(init=False)
    same: Set[str] = frozenset()
    partial: dict[str, PartialFile] = attrs.field(factory=dict)
    conflicts: dict[str, str] = attrs.field(factory=dict)
    surplus: dict[str, bool] = attrs.field(factory=dict)
    changes: Changes = attrs.field(init=False)
    new: dict[str, str] = attrs.field(init=False)
    problems: dict[str, str] = attrs.field(init=False)
    removed: int = 0

    def find_changes(self) -> None:
        """Set the changes that the root needs."""
        self.changes = changes(self.tree, self.inventory, self.same, self.conflicts)
        self.new = outermost(self.changes.make)
        self.problems = dict(self.changes.problems)

    @property
    def removals(self) -> list[str]:
        """Return the paths that a sync removes. A link that makes room for a folder does not count."""
        replaced = [path for path in self.swapped() if not self.inventory.obstacles[path].is_link]
        return sorted({*self.surplus, *replaced})

    def swapped(self) -> Set[str]:
        """Return the obstacles whose place a new file or folder takes."""
        return self.inventory.obstacles.keys() - self.conflicts.keys()

    def touched(self) -> "Root":
        """Return a new Root with the part of the tree that the changes affect, to check them."""
        return Root(self.name, touched(self.tree, self.changes), self.folder)

    def as_staged(self, staging: str) -> "Root":
        """Return a new Root with the staged files, to check them."""
        files = {self.staged(path, staging): self.tree.files[path] for path in self.changes.send}
        return Root(self.name, Tree(files, is_all_exact=True), self.folder)

    def spelled(self, path: str) -> str:
        """Return the absolute path on the host, for messages."""
        return posixpath.normpath(locate(self.folder, path))

    def staged(self, path: str, staging: str) -> str:
        """Return the path at which a file or new folder is staged. `staging` is the name of staging folders.

        For example, `./d/f` is staged at `./d/STAGING/f`. If `./d` is new, it is renamed as a whole. Then `./d/f` is
        staged at `./STAGING/d/f`.
        """
        folder = self._renamed(path).rpartition("/")[0]
        return f"{folder}/{staging}/{path[len(folder) + 1 :]}"

    def staging_folders(self, staging: str) -> set[str]:
        """Return the absolute paths of all staging folders."""
        folders = set(map(posixpath.dirname, self.new.values()))
        for path in self.changes.send:
            folders.add(posixpath.dirname(self._renamed(path)))
        return {posixpath.join(locate(self.folder, folder), staging) for folder in folders}

    def folders_of_obstacles(self, staging: str) -> set[str]:
        """Return the absolute paths of the folders in which obstacles wait until they are removed."""
        folders = set(map(posixpath.dirname, self.swapped()))
        return {posixpath.join(locate(self.folder, folder), f"{staging}-old") for folder in folders}

    def _renamed(self, path: str) -> str:
        """Return the entry that the agent renames to bring `path` to its place: itself, or a new folder above it."""
        return self.new.get(path) or self.new.get(path.rpartition("/")[0] or TOP, path)


# A file, by its root and its path in it.
RootPath = tuple[Root, str]


@attrs.frozen
class Asked:
    """The numbers of the commands that take the inventory of a root. `lists` has those of the folders to list."""

    entries: tuple[int, int]
    links: int | None
    broken: int
    lists: dict[str, int]


def take_inventories(commands: RemoteCommands, roots: Iterable[Root]) -> None:
    """Set the inventory of each root."""
    read_inventories(commands, ask_inventories(commands, roots))


def ask_inventories(commands: RemoteCommands, roots: Iterable[Root], with_lists: bool = False) -> dict[Root, Asked]:
    """Send the commands that take the inventory of each root; return their numbers.

    Folders whose surplus is removed are listed `with_lists`.
    """
    return {root: _ask(commands, root.name, root.tree, with_lists) for root in roots}


def _ask(commands: RemoteCommands, name: str, tree: Tree, with_lists: bool) -> Asked:
    commands.enter(name)
    exact: list[str] = []
    plain: list[str] = []
    for path in (*tree.files, *tree.folders):
        (exact if tree.is_exact(path) else plain).append(path)
    entries = commands.send_command("stat", plain), commands.send_command("lstat", exact)
    links = commands.send_command("links", tree.link_records.values()) if tree.link_records else None
    broken = commands.send_command("broken", _may_be_broken(tree))
    lists = {}
    for top, mirror in tree.mirrors.items():
        if with_lists and mirror.deletes:
            apart, depth = mirror.local.rules.apart, str(mirror.depth)
            lists[top] = commands.send_command_with_target("list", apart, top, depth)
    return Asked(entries, links, broken, lists)


def _may_be_broken(tree: Tree) -> set[str]:
    """Return the folders of a tree, and the folders above them, at which a broken link would be in the way."""
    found: set[str] = set()
    for path in tree.folders:
        if not tree.is_exact(path):
            for folder in (path, *above(path)):
                if folder in found:
                    break
                found.add(folder)
    return found


def read_inventories(commands: RemoteCommands, asked: Mapping[Root, Asked]) -> None:
    """Wait for the answers to `ask_inventories`, and set the inventory of each root."""
    for root, numbers in asked.items():
        records = (record for number in numbers.entries for record in commands.answer(number))
        # The records have to be read in the order of the commands.
        everything = list(records)
        links = commands.answer(numbers.links) if numbers.links is not None else ()
        broken = commands.answer(numbers.broken)
        root.inventory = read_inventory(root.tree, everything, links, broken)
        del everything, records
        for top, number in numbers.lists.items():
            found = find_surplus(root.tree, top, root.tree.mirrors[top], commands.records(number))
            root.surplus |= found.entries
            for path in root.inventory.obstacles.keys() & found.kept:
                root.conflicts[path] = "a folder with excluded files has this path on the host"


def find_conflicts(roots: Iterable[Root]) -> None:
    """Set the conflicts of roots: paths at which two roots of a host have different files.

    Two roots can overlap, for example `/` and `~`, but only the host knows their folders.
    """
    shared = [root for root in roots if not root.name.startswith(TEMPORARY)]
    for one, other in combinations(shared, 2):
        _spare(one, other)
        _spare(other, one)
        places = {one.spelled(path): path for path in one.tree.files}
        for path, local in other.tree.files.items():
            at = places.get(other.spelled(path))
            if at is not None and not local.is_same(one.tree.files[at]):
                reason = f"duplicate target of {one.tree.files[at].path} and {local.path}"
                one.conflicts[at] = other.conflicts[path] = reason


def _spare(root: Root, other: Root) -> None:
    """Drop from the surplus of a root all that another root brings, and the folders above."""
    if not root.surplus:
        return
    brought: set[str] = set()
    for path in (*other.tree.files, *other.tree.folders):
        keep(other.spelled(path), brought)
    root.surplus = {path: is_dir for path, is_dir in root.surplus.items() if root.spelled(path) not in brought}


def first_copies(
    files: Iterable[tuple[RootPath, LocalFile]], content: Callable[[LocalFile], object]
) -> dict[RootPath, RootPath]:
    """Map each duplicate file to the first file with the same content: it need not be sent again.

    Files with different permission bits do not count as duplicates, nor do empty files, nor files that their owner
    cannot read. `content` returns equal keys for equal content; it is only called for files of the same size and mode.
    """
    alike: dict[tuple[int, int], list[tuple[RootPath, LocalFile]]] = {}
    for root_path, local in files:
        if local.size and local.mode & stat.S_IRUSR:
            alike.setdefault((local.size, local.mode), []).append((root_path, local))
    found: dict[RootPath, RootPath] = {}
    for group in alike.values():
        if len(group) == 1:
            continue
        is_one_file = all(local.is_same(group[0][1]) for _, local in group)
        first: dict[object, RootPath] = {}
        for root_path, local in group:
            source = first.setdefault(None if is_one_file else content(local), root_path)
            if source != root_path:
                found[root_path] = source
    return found
