"""Which local files a component brings: its `files`, with folders followed down to every file."""

import os
import posixpath
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from .component import Component
from .errors import ConfigError


@attrs.frozen
class LocalFile:
    """A regular file or a folder on this machine, as it was when it was looked at.

    `mode` is its permission bits; `size` is in bytes, 0 for a folder; `mtime_ns` is when its content was
    last changed, in ns since 1970. `inode` holds the numbers of its device and inode.
    """

    path: str
    mode: int
    size: int
    is_dir: bool = False
    inode: tuple[int, int] | None = attrs.field(default=None, eq=False)
    mtime_ns: int = attrs.field(default=0, eq=False)

    def is_same(self, other: "LocalFile") -> bool:
        """Whether both are the same file, however their paths are spelled."""
        return self.path == other.path or (self.inode is not None and self.inode == other.inode)


@attrs.frozen
class Placed:
    """A local file and the remote path, as the config spells it, where it is to be.

    `is_named` where `files` names it itself, and not a folder that it is in.
    """

    local: LocalFile
    remote: str
    is_named: bool


@attrs.frozen
class Unusable:
    """A local path that cannot be sent, and why; `remote` as in `Placed`."""

    path: str
    reason: str
    remote: str


def placed_files(files: Mapping[str, str]) -> Iterator[Placed | Unusable]:
    """Every file and folder that `files` brings, folders before what is in them.

    `files` maps absolute local paths to remote ones. Symbolic links are followed. What is missing,
    unreadable, not a regular file, or a folder that contains itself, comes as `Unusable`. A remote path
    with a slash at its end is that of a folder, into which a file is put under its own name.
    """
    for local, remote in files.items():
        place = remote.rstrip("/") or "/"
        if remote.endswith("/") and os.path.isfile(local):  # noqa: PTH113 - as in _placed
            name = posixpath.basename(local)
            in_own_folder = f"./{name}" if name.startswith("~") else name
            place = in_own_folder if place == "." else posixpath.join(place, name)
        yield from _placed(local, place)


# Device and inode number of each folder on the way down.
Above = tuple[tuple[int, int], ...]


def _placed(local: str, remote: str, above: Above = ()) -> Iterator[Placed | Unusable]:
    try:
        status = os.stat(local)  # noqa: PTH116 - a Path a file would double the cost of large trees
    except OSError as error:
        yield Unusable(local, error.strerror or str(error), remote)
        return
    mode = stat.S_IMODE(status.st_mode)
    inode = (status.st_dev, status.st_ino)
    if stat.S_ISREG(status.st_mode):
        readable = os.access(local, os.R_OK)
        file = LocalFile(local, mode, status.st_size, False, inode, status.st_mtime_ns)
        yield Placed(file, remote, not above) if readable else Unusable(local, "not readable", remote)
    elif stat.S_ISDIR(status.st_mode):
        if inode in above:
            yield Unusable(local, "a symbolic link to a folder that contains it", remote)
            return
        yield Placed(LocalFile(local, mode, 0, True, inode), remote, not above)
        yield from _placed_below(local, remote, (*above, inode))
    else:
        yield Unusable(local, "neither a file nor a folder", remote)


def _placed_below(local: str, remote: str, above: Above) -> Iterator[Placed | Unusable]:
    try:
        names = sorted(os.listdir(local))  # noqa: PTH208 - as above
    except OSError as error:
        yield Unusable(local, error.strerror or str(error), remote)
        return
    for name in names:
        yield from _placed(posixpath.join(local, name), posixpath.join(remote, name), above)


def expected_files(component: Component) -> list[Placed]:
    """What a component brings, as far as can be said: of what is not here, or `Unusable`, that it has a place there."""
    return [
        Placed(LocalFile(found.path, 0, 0), found.remote, True) if isinstance(found, Unusable) else found
        for found in placed_files(component.files)
    ]


def placed_once() -> Callable[[Component], Sequence[Placed]]:
    """A function that lists what a component brings; ConfigError for what is `Unusable`.

    The disk is asked once for components that bring the same.
    """
    known: dict[tuple[tuple[str, str], ...], Sequence[Placed]] = {}

    def placed(component: Component) -> Sequence[Placed]:
        key = tuple(component.files.items())
        if key not in known:
            known[key] = list(_all_usable(component))
        return known[key]

    return placed


def _all_usable(component: Component) -> Iterator[Placed]:
    for found in placed_files(component.files):
        if isinstance(found, Unusable):
            raise ConfigError(f"{component.label}.files: {found.path}: {found.reason}")
        yield found
