"""Which files a host should have, compared with what it has: what to send, to chmod, to make. Pure.

A tree is what should be below one root of a host: `/`, a home, or a component's temporary folder. Its
paths are as the host is asked for them, in that root: `./PATH`, or absolute below `/`. So hosts and
components that should have the same share one tree, and all that is made of it. What a host says of its
files is compared with what it should say as whole records; only those that differ are looked into.
"""

import os
import posixpath
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations

import attrs

from rr_config import Component
from rr_config.files import LocalFile, Placed

TOP = "/"
# The root of a component without base_dir is known by this, and the name of the component.
TEMPORARY = "temporary:"
# The root of such a component before its name is put in.
OWN = "temporary"
# A root, and a path in it.
Place = tuple[str, str]


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


@attrs.frozen
class Found:
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
class Survey:
    """What a host has of a tree.

    `differing` are the files whose size or permissions are not the right ones, each with what is in its
    place, or None; `folders` are those that have something in their place.
    """

    differing: Mapping[str, Found | None]
    folders: Mapping[str, Found]


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


# -- what should be there


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


# -- what is there


def read_survey(tree: Tree, records: Iterable[bytes]) -> Survey:
    """What `stat --printf '%f %s %n'` says of the files and folders of a tree."""
    answered = frozenset(records)
    found = read_stat(answered - tree.records.keys())
    differing = {path: found.get(path) for record, path in tree.records.items() if record not in answered}
    return Survey(differing, {path: there for path, there in found.items() if path in tree.folders})


def read_stat(records: Iterable[bytes]) -> dict[str, Found]:
    """What `stat --printf '%f %s %n'` says of each path; one that is not there is left out."""
    found = {}
    for record in records:
        mode, size, path = record.split(b" ", 2)
        found[os.fsdecode(path)] = Found(int(mode, 16), int(size))
    return found


def to_hash(tree: Tree, survey: Survey) -> list[str]:
    """The files whose content has to be compared: those that the host has with the same size."""

    def has_its_size(path: str) -> bool:
        found = survey.differing.get(path)
        return found is not None and found.is_file and found.size == tree.files[path].size

    return [path for path in tree.files if path not in survey.differing or has_its_size(path)]


def is_unreadable(found: Found | None) -> bool:
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


def changes(
    tree: Tree, survey: Survey, same: frozenset[str] | None = None, conflicts: Mapping[str, str] | None = None
) -> Changes:
    """What has to be done, so that the host has what is wanted.

    `same` are the files that have the same content there; None if none has been compared, and all are to be
    sent. `conflicts` are files that cannot be sent, and why.
    """
    problems = {**(conflicts or {}), **_in_the_way(survey)}

    def blocked(path: str) -> bool:
        return path in problems or posixpath.dirname(path) in problems

    send = [path for path in tree.files if (same is None or path not in same) and not (problems and blocked(path))]
    chmod = {path: tree.files[path].mode for path in survey.differing if same is not None and path in same}
    make = sorted(path for path in tree.folders if path not in survey.folders)
    for path, mode in tree.folders.items():
        is_there = path in survey.folders
        if mode is None or path in problems or (is_there and path in tree.entered):
            continue
        if not is_there or not survey.folders[path].permits(mode):
            chmod[path] = mode
    locked = dict(_locked(tree, survey, {posixpath.dirname(path) for path in (*send, *make)}))
    unlock = {path: mode | stat.S_IRWXU for path, mode in locked.items()}
    return Changes(send, chmod | locked, make, problems, unlock)


def why_sent(survey: Survey, path: str, size: int) -> str:
    """Why a file of that size, which is not the same there, is to be sent."""
    if path not in survey.differing:
        return "other content there"
    found = survey.differing[path]
    if found is None:
        return "missing there"
    return "other content there" if found.size == size else f"{found.size} bytes there"


def _in_the_way(survey: Survey) -> dict[str, str]:
    problems = {}
    for path, found in survey.differing.items():
        if found is not None and not found.is_file:
            problems[path] = "a folder is in its place" if found.is_dir else "what is in its place is no regular file"
    for path, at in survey.folders.items():
        if not at.is_dir:
            problems[path] = "a file is in the place of this folder"
    return problems


def _locked(tree: Tree, survey: Survey, folders: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Those of `folders` that are ours and that their owner may not write to, with the bits they are to have then."""
    for path in folders:
        mode = tree.folders.get(path)
        found = survey.folders.get(path)
        if mode is not None and found is not None and not found.mode & stat.S_IWUSR:
            yield path, stat.S_IMODE(found.mode) if path in tree.entered else mode


def outermost(folders: Iterable[str]) -> dict[str, str]:
    """For each of `folders`, which are sorted, the outermost one of them that it is in, or is."""
    found: dict[str, str] = {}
    for folder in folders:
        nearest = next((up for up in above(folder) if up in found), folder)
        found[folder] = found.get(nearest, folder)
    return found


def touched(tree: Tree, done: Changes) -> Tree:
    """The part of a tree that `done` is about."""
    paths = [path for path in (*done.send, *done.chmod) if path in tree.files]
    folders = [path for path in (*done.make, *done.chmod) if path in tree.folders]
    return Tree({path: tree.files[path] for path in paths}, {path: tree.folders[path] for path in folders})


def unmet(done: Changes, survey: Survey, same: frozenset[str]) -> list[str]:
    """The paths that `done` was about and that the host, by a survey afterwards, still has not as wanted.

    `same` are the files that have the same content there.
    """
    missed = [path for path in done.make if path not in survey.folders or not survey.folders[path].is_dir]
    missed += [path for path in done.send if path in survey.differing or path not in same]
    for path, mode in done.chmod.items():
        found = survey.folders.get(path)
        if path in survey.differing or (found is not None and not found.permits(mode)):
            missed.append(path)
    return list(dict.fromkeys(missed))


def causes(problems: Mapping[Place, str], todo: Mapping[str, Changes]) -> dict[Place, str]:
    """Those of `problems` that do not merely follow from another one: that a folder above could not be made."""
    in_the_way = {(root, path) for root, each in todo.items() for path in (*each.make, *each.problems)}
    lost = problems.keys() & in_the_way
    return {(r, path): why for (r, path), why in problems.items() if not any((r, up) in lost for up in above(path))}


def above(path: str) -> Iterator[str]:
    """The folders above `path`, up to the root."""
    while (folder := posixpath.dirname(path)) not in (path, ""):
        yield folder
        path = folder


def first_places(
    files: Iterable[tuple[Place, LocalFile]], content: Callable[[LocalFile], object]
) -> dict[Place, Place]:
    """For each place whose file has the content of one before it, the place of that: it need not be sent again.

    Files with different permissions, or that their owner cannot read, do not count as the same. `content`, the
    same for the same content, is asked where two files have the same size.
    """
    alike: dict[tuple[int, int], list[tuple[Place, LocalFile]]] = {}
    for place, local in files:
        if local.size and local.mode & stat.S_IRUSR:
            alike.setdefault((local.size, local.mode), []).append((place, local))
    found: dict[Place, Place] = {}
    for group in alike.values():
        is_one_file = all(local.is_same(group[0][1]) for _, local in group)
        first: dict[object, Place] = {}
        for place, local in group if len(group) > 1 else ():
            other = first.setdefault(None if is_one_file else content(local), place)
            if other != place:
                found[place] = other
    return found
