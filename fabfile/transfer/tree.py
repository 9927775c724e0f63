"""Trees: the files and folders that a host should have. Pure.

A tree holds the files and folders below one root of a host: `/`, a home, or the temporary folder of a component.
Its paths are relative to the root (`./PATH`), or absolute below `/`. So hosts and components with the same files share
one tree, and everything that is computed from it.

`inventory` compares each record of the host with the expected record as a whole. It parses only records that differ.
"""

import os
import posixpath
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import attrs

from rr_config import Component
from rr_config.files.local_files import LocalFile, LocalTree, Placed
from rr_config.files.trees import files_key

TOP = "/"
# The root of a component without base_dir is this prefix and the name of the component.
TEMPORARY = "temporary:"
# The root of such a component before its name is known.
OWN = "temporary"


@attrs.frozen(eq=False)
class Mirror:
    """A folder of a host that becomes equal to a local folder of `util.tree`.

    `depth` is the number of names at the end of its path that must not be links if something is removed. `is_inner` is
    False for a home and for `/`: links in them may belong to the system.
    """

    local: LocalTree
    depth: int
    is_inner: bool

    @property
    def deletes(self) -> bool:
        """Return whether a sync removes what the local folder does not have."""
        return self.local.rules.delete


@attrs.frozen(eq=False)
class Tree:
    """The files and folders that should be below one root, by path.

    A folder maps to its permission bits, or to None if any bits are right. Folders in `entered` get their bits only
    when they are created: `files` may name an existing folder such as a home or /tmp, whose bits must not change.

    Below the folders of `mirrors`, a link on the host is not followed. `is_all_exact` says so of every path.
    """

    files: Mapping[str, LocalFile] = attrs.field(factory=dict)
    folders: Mapping[str, int | None] = attrs.field(factory=dict)
    entered: frozenset[str] = frozenset()
    mirrors: Mapping[str, Mirror] = attrs.field(factory=dict)
    is_all_exact: bool = False

    @cached_property
    def records(self) -> Mapping[bytes, str]:
        """The expected record of each file, mapped to its path. A host answers it if size and mode are right."""
        return {
            b"%x %d %s" % (stat.S_IFREG | local.mode, local.size, os.fsencode(path)): path
            for path, local in self.files.items()
            if local.link is None
        }

    @cached_property
    def link_records(self) -> Mapping[bytes, str]:
        """The expected record of each kept link, mapped to its path."""
        found = {}
        for path, local in self.files.items():
            if local.link is not None:
                text = os.fsencode(local.link)
                found[b"%d %s -> %s" % (len(text), os.fsencode(path), text)] = path
        return found

    def is_exact(self, path: str) -> bool:
        """Return whether a link at the path on the host differs from the file or folder to which it leads."""
        return self.is_all_exact or (path.startswith(self._below[0]) and path not in self.mirrors)

    def replaces_links(self, path: str) -> bool:
        """Return whether a folder may replace a link of the host."""
        return path.startswith(self._below[1])

    def deletes(self, path: str) -> bool:
        """Return whether the path is in a folder from which a sync removes files."""
        return path.startswith(self._below[2])

    @cached_property
    def _below(self) -> tuple[tuple[str, ...], ...]:
        """The beginnings of paths in all mirrors, in inner ones, and in those that remove files."""
        every = self.mirrors.items()
        inner = [path for path, mirror in every if mirror.is_inner]
        deleting = [path for path, mirror in every if mirror.deletes]
        return tuple(tuple(map(beginning, paths)) for paths in (self.mirrors, inner, deleting))


ByRoot = Mapping[str, Tree]


class Trees:
    """A cache of trees: hosts and components with the same files get the same Tree object.

    `placed` lists the local files of a component. It must return equal lists for equal `files`.
    """

    def __init__(self, placed: Callable[[Component], Iterable[Placed]]) -> None:
        self._placed = placed
        self._known: dict[tuple[object, ...], dict[str, Tree]] = {}

    def of(self, components: Sequence[Component]) -> dict[str, Tree]:
        """Return the trees of one host, by root: `/`, `~`, `~USER`, or `temporary:NAME` of a component."""
        trees = {root: tree for root, tree in self._made(components).items() if root != OWN}
        for component in components:
            if component.base_dir is None:
                trees[TEMPORARY + component.name] = self._made([component])[OWN]
        return trees

    def _made(self, components: Sequence[Component]) -> dict[str, Tree]:
        distinct = {(c.base_dir, files_key(c.files)): c for c in components}
        key = tuple(distinct)
        if key not in self._known:
            self._known[key] = _trees(distinct.values(), self._placed)
        return self._known[key]


def _trees(components: Iterable[Component], placed: Callable[[Component], Iterable[Placed]]) -> dict[str, Tree]:
    files: dict[str, dict[str, LocalFile]] = {}
    folders: dict[str, dict[str, int | None]] = {}
    entered: dict[str, set[str]] = {}
    mirrors: dict[str, dict[str, Mirror]] = {}
    for component in components:
        root, base_dir = split(component.base_dir or ".")
        folders.setdefault(root, {}).setdefault(base_dir, None)
        for item in placed(component):
            root, path = split(item.remote)
            below = folders.setdefault(root, {})
            if item.local.is_dir:
                below[path] = item.local.mode
                if item.is_named:
                    entered.setdefault(root, set()).add(path)
                if item.tree:
                    mirrors.setdefault(root, {})[path] = _mirror(root, path, item.tree, component.base_dir)
            else:
                files.setdefault(root, {})[path] = item.local
                below.setdefault(posixpath.dirname(path), None)
    return {
        root: Tree(files.get(root, {}), folders[root], frozenset(entered.get(root, ())), mirrors.get(root, {}))
        for root in folders
    }


def _mirror(root: str, path: str, local: LocalTree, base_dir: str | None) -> Mirror:
    """Return the mirror at a path of a root. The base_dir itself may be a link, and so may folders above it."""
    own_root, above_it = split(base_dir or ".")
    is_home = path == "." and root != OWN
    depth = 0 if path in (".", TOP) else 1
    if root != TOP and depth:
        depth = path.count("/")
    if own_root == root and path == above_it:
        depth = min(depth, 1)
    elif own_root == root and path.startswith(beginning(above_it)):
        depth = path.removeprefix(beginning(above_it)).count("/") + 1
    return Mirror(local, depth, not is_home and path != TOP)


def beginning(folder: str) -> str:
    """Return how paths in a folder begin."""
    return "./" if folder == "." else folder.rstrip("/") + "/"


def split(remote: str) -> tuple[str, str]:
    """Split a remote path of a resolved component into its root and the path in it.

    The root of a relative path is OWN.
    """
    if remote.startswith("/"):
        return TOP, remote
    if not remote.startswith("~"):
        return OWN, "." if remote == "." else f"./{remote}"
    home, _, rest = remote.partition("/")
    return home, f"./{rest}" if rest else "."


def locate(root: str, path: str) -> str:
    """Return the absolute path of `path`, which is in a root. `root` is the path of that root on the host."""
    return posixpath.join(root, path.removeprefix("./")) if path != "." else root


def above(path: str) -> Iterator[str]:
    """Yield the folders above `path`, from the nearest one up to the root."""
    while (folder := posixpath.dirname(path)) not in (path, ""):
        yield folder
        path = folder


def outermost(folders: Iterable[str]) -> dict[str, str]:
    """Map each of `folders` to the outermost one of them that contains it, or to itself. `folders` must be sorted."""
    found: dict[str, str] = {}
    for folder in folders:
        found[folder] = folder
        for up in above(folder):
            if up in found:
                found[folder] = found[up]
                break
    return found
