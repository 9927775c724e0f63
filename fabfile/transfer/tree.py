"""Which files a host should have. Pure.

A tree is what should be below one root of a host: `/`, a home, or a component's temporary folder. Its
paths are as the host is asked for them, in that root: `./PATH`, or absolute below `/`. So hosts and
components that should have the same share one tree, and all that is made of it. What a host says of its
files (`inventory`) is compared with what it should say as whole records; only those that differ are looked into.
"""

import os
import posixpath
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations

import attrs

from rr_config import Component
from rr_config.local_files import LocalFile, Placed

TOP = "/"
# The root of a component without base_dir is known by this, and the name of the component.
TEMPORARY = "temporary:"
# The root of such a component before its name is put in.
OWN = "temporary"
# A root, and a path in it.
RootPath = tuple[str, str]


@attrs.frozen(eq=False)
class Tree:
    """What should be below one root, by path.

    A folder maps to its permission bits, or to None where those are the host's own business. Those in
    `entered` have them only if they have to be made: a tree may be put into a home, or into /tmp.
    """

    files: Mapping[str, LocalFile] = attrs.field(factory=dict)
    folders: Mapping[str, int | None] = attrs.field(factory=dict)
    entered: frozenset[str] = frozenset()

    @cached_property
    def records(self) -> Mapping[bytes, str]:
        """What the host says of each file if it has it with the right size and permissions."""
        return {
            b"%x %d %s" % (stat.S_IFREG | local.mode, local.size, os.fsencode(path)): path
            for path, local in self.files.items()
        }


class Trees:
    """Makes the trees of hosts; one object for all that should be the same.

    `placed` lists what a component brings, the same list for the same `files`.
    """

    def __init__(self, placed: Callable[[Component], Iterable[Placed]]) -> None:
        self._placed = placed
        self._known: dict[tuple[object, ...], dict[str, Tree]] = {}

    def of(self, components: Sequence[Component]) -> dict[str, Tree]:
        """The trees of one host, by root: `/`, `~`, `~USER`, or `temporary:NAME` of a component."""
        own = {TEMPORARY + c.name: self._made([c])[OWN] for c in components if c.base_dir is None}
        shared = {root: tree for root, tree in self._made(components).items() if root != OWN}
        return shared | own

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
    """The root of a remote path of a resolved component (OWN where it is relative), and the path in it."""
    if remote.startswith("/"):
        return TOP, remote
    if not remote.startswith("~"):
        return OWN, "." if remote == "." else f"./{remote}"
    home, _, rest = remote.partition("/")
    return home, f"./{rest}" if rest else "."


def locate(root: str, path: str) -> str:
    """The absolute path of a path in a root, the path of which on the host is `root`."""
    return posixpath.join(root, path.removeprefix("./")) if path != "." else root


def above(path: str) -> Iterator[str]:
    """The folders above `path`, up to the root."""
    while (folder := posixpath.dirname(path)) not in (path, ""):
        yield folder
        path = folder


def outermost(folders: Iterable[str]) -> dict[str, str]:
    """For each of `folders`, which are sorted, the outermost one of them that it is in, or is."""
    found: dict[str, str] = {}
    for folder in folders:
        nearest = next((up for up in above(folder) if up in found), folder)
        found[folder] = found.get(nearest, folder)
    return found


def conflicts(trees: Mapping[str, Tree], known: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Paths, by root, at which two roots of a host have different files; only the host knows where they are."""
    found: dict[str, dict[str, str]] = {}
    for one, other in combinations([root for root in trees if not root.startswith(TEMPORARY)], 2):
        there = {posixpath.normpath(locate(known[one], path)): path for path in trees[one].files}
        for path, local in trees[other].files.items():
            at = there.get(posixpath.normpath(locate(known[other], path)))
            if at is not None and not local.is_same(trees[one].files[at]):
                reason = f"is the place of both {trees[one].files[at].path} and {local.path}"
                found.setdefault(one, {})[at] = found.setdefault(other, {})[path] = reason
    return found


def first_copies(
    files: Iterable[tuple[RootPath, LocalFile]], content: Callable[[LocalFile], object]
) -> dict[RootPath, RootPath]:
    """For each place whose file has the content of one before it, the place of that: it need not be sent again.

    Files with different permissions, or that their owner cannot read, do not count as the same. `content`, the
    same for the same content, is asked where two files have the same size.
    """
    alike: dict[tuple[int, int], list[tuple[RootPath, LocalFile]]] = {}
    for place, local in files:
        if local.size and local.mode & stat.S_IRUSR:
            alike.setdefault((local.size, local.mode), []).append((place, local))
    found: dict[RootPath, RootPath] = {}
    for group in alike.values():
        is_one_file = all(local.is_same(group[0][1]) for _, local in group)
        first: dict[object, RootPath] = {}
        for place, local in group if len(group) > 1 else ():
            other = first.setdefault(None if is_one_file else content(local), place)
            if other != place:
                found[place] = other
    return found
