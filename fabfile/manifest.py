"""Which files a host should have, compared with what it has: what to send, to chmod, to make. Pure.

A manifest is made from the components of one host; a survey is what that host says of the paths in it.
"""

import posixpath
import stat
from collections.abc import Callable, Iterable, Mapping

import attrs

from rr_config import Component
from rr_config.files import LocalFile, Placed

# What a relative path of a component without base_dir is relative to is known by this, and its folder.
TEMPORARY = "temporary:"


@attrs.frozen
class Manifest:
    """What one host should have, by absolute remote path.

    A folder maps to its permission bits, or to None where those are the host's own business. Those in
    `entered` have them only if they have to be made: a tree may be put into a home, or into /tmp.
    `conflicts` are paths at which only the host could tell that two files are meant for one place.
    """

    files: Mapping[str, LocalFile]
    folders: Mapping[str, int | None]
    entered: frozenset[str] = frozenset()
    conflicts: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Found:
    """What a host has at a path; `sha1` is None unless it was asked for and could be computed."""

    mode: int
    size: int
    sha1: str | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def permissions(self) -> int:
        """Its permission bits; see `LocalFile.mode` for which ones of a folder."""
        return stat.S_IMODE(self.mode) & (0o777 if self.is_dir else 0o7777)


Survey = Mapping[str, Found]


@attrs.frozen
class Changes:
    """What has to be done on one host. `problems` are paths that are in the way, with what is there."""

    send: tuple[str, ...]
    chmod: Mapping[str, int]
    make: tuple[str, ...]
    problems: Mapping[str, str]


def roots(components: Iterable[Component]) -> list[str]:
    """What the host has to say before its paths are known: homes (`~`, `~user`) and temporary folders.

    A temporary folder is asked for as `temporary:NAME`, NAME being that of the component.
    """
    wanted: dict[str, None] = {}
    for component in components:
        if component.base_dir is None:
            wanted[TEMPORARY + component.name] = None
        for path in (component.base_dir or "", *component.files.values()):
            if path.startswith("~"):
                wanted[path.split("/", 1)[0]] = None
    return list(wanted)


def manifest(
    components: Iterable[Component],
    known: Mapping[str, str],
    placed: Callable[[Component], Iterable[Placed]],
) -> Manifest:
    """What the host of `components` should have.

    `known` has the host's answer for each of `roots`; `placed` lists what a component brings.
    """
    files: dict[str, LocalFile] = {}
    folders: dict[str, int | None] = {}
    entered = set()
    conflicts = {}
    for component in components:
        base_dir = locate(component, component.base_dir or ".", known)
        folders.setdefault(base_dir, None)
        for item in placed(component):
            path = locate(component, item.remote, known)
            if item.local.is_dir:
                folders[path] = item.local.mode
                if item.is_named:
                    entered.add(path)
                continue
            other = files.setdefault(path, item.local)
            folders.setdefault(posixpath.dirname(path), None)
            if not other.is_same(item.local):
                conflicts[path] = f"is the place of both {other.path} and {item.local.path}"
    return Manifest(files, folders, frozenset(entered), conflicts)


def locate(component: Component, path: str, known: Mapping[str, str]) -> str:
    """The absolute path on the host."""
    if path.startswith("/"):
        return path
    if path.startswith("~"):
        home, _, rest = path.partition("/")
        return posixpath.join(known[home], rest) if rest else known[home]
    return posixpath.normpath(posixpath.join(known[TEMPORARY + component.name], path))


def to_hash(wanted: Manifest, survey: Survey) -> list[str]:
    """The files whose content has to be compared: those that the host has with the same size."""
    return [
        path
        for path, local in wanted.files.items()
        if path in survey and survey[path].is_file and survey[path].size == local.size
    ]


def changes(wanted: Manifest, survey: Survey, sha1: Callable[[LocalFile], str], always_copy: bool = False) -> Changes:
    """What has to be done, so that the host has what is wanted.

    `sha1` is asked only for files that the host has with the same size; never with `always_copy`.
    """
    problems = dict(wanted.conflicts)
    problems |= {
        path: "a folder is in its place" if survey[path].is_dir else "what is in its place is no regular file"
        for path in wanted.files
        if path in survey and not survey[path].is_file
    }
    problems |= {
        path: "a file is in the place of this folder"
        for path in wanted.folders
        if path in survey and not survey[path].is_dir
    }

    def blocked(path: str) -> bool:
        return path in problems or posixpath.dirname(path) in problems

    send, chmod = [], {}
    for path, local in wanted.files.items():
        if blocked(path):
            continue
        if always_copy or _differs(local, survey.get(path), sha1):
            send.append(path)
        elif survey[path].permissions != local.mode:
            chmod[path] = local.mode
    make = sorted(path for path in wanted.folders if path not in survey)
    for path, mode in wanted.folders.items():
        if mode is None or path in problems or (path in survey and path in wanted.entered):
            continue
        if path not in survey or survey[path].permissions != mode:
            chmod[path] = mode
    return Changes(tuple(send), chmod, tuple(make), problems)


def _differs(local: LocalFile, found: Found | None, sha1: Callable[[LocalFile], str]) -> bool:
    if found is None or not found.is_file or found.size != local.size:
        return True
    return found.sha1 is None or found.sha1 != sha1(local)


def unmet(wanted: Manifest, done: Changes, survey: Survey) -> list[str]:
    """The paths that `done` was about and that the host still does not have as wanted."""
    missed = [path for path in done.make if path not in survey or not survey[path].is_dir]
    for path in done.send:
        local, found = wanted.files[path], survey.get(path)
        if found is None or not found.is_file or found.size != local.size or found.permissions != local.mode:
            missed.append(path)
    missed += [p for p, mode in done.chmod.items() if p not in survey or survey[p].permissions != mode]
    return list(dict.fromkeys(missed))
