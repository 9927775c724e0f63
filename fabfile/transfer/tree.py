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
from rr_config.files.local_files import LocalFile, Placed

TOP = "/"
# The root of a component without base_dir is this prefix and the name of the component.
TEMPORARY = "temporary:"
# The root of such a component before its name is known.
OWN = "temporary"


@attrs.frozen(eq=False)
class Tree:
    """The files and folders that should be below one root, by path.

    A folder maps to its permission bits, or to None if any bits are right. Folders in `entered` get their bits only
    when they are created: `files` may name an existing folder such as a home or /tmp, whose bits must not change.
    """

    files: Mapping[str, LocalFile] = attrs.field(factory=dict)
    folders: Mapping[str, int | None] = attrs.field(factory=dict)
    entered: frozenset[str] = frozenset()

    @cached_property
    def records(self) -> Mapping[bytes, str]:
        """The expected record of each file, mapped to its path. A host answers it if size and mode are right."""
        return {
            b"%x %d %s" % (stat.S_IFREG | local.mode, local.size, os.fsencode(path)): path
            for path, local in self.files.items()
        }


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
        distinct = {(c.base_dir, tuple(c.files.items())): c for c in components}
        key = tuple(distinct)
        if key not in self._known:
            self._known[key] = _trees(distinct.values(), self._placed)
        return self._known[key]


def _trees(components: Iterable[Component], placed: Callable[[Component], Iterable[Placed]]) -> dict[str, Tree]:
    files: dict[str, dict[str, LocalFile]] = {}
    folders: dict[str, dict[str, int | None]] = {}
    entered: dict[str, set[str]] = {}
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
            else:
                files.setdefault(root, {})[path] = item.local
                below.setdefault(posixpath.dirname(path), None)
    return {root: Tree(files.get(root, {}), folders[root], frozenset(entered.get(root, ()))) for root in folders}


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
