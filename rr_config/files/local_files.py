"""The local files of a component: every file that its `files` name, directly or in a folder."""

import os
import posixpath
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from ..component import Component
from ..errors import ConfigError, os_reason


@attrs.frozen
class LocalFile:
    """A regular file or a folder on this machine, with its stat(2) values at one moment.

    `mode` holds the permission bits. `size` is in bytes, and 0 for a folder. `mtime_ns` is the time of the last change
    of its content, in ns since 1970. `inode` is the pair of device and inode number.
    """

    path: str
    mode: int
    size: int
    is_dir: bool = False
    inode: tuple[int, int] | None = attrs.field(default=None, eq=False)
    mtime_ns: int = attrs.field(default=0, eq=False)

    def is_same(self, other: "LocalFile") -> bool:
        """Return whether both paths lead to the same file, by path or by inode."""
        return self.path == other.path or (self.inode is not None and self.inode == other.inode)


@attrs.frozen
class Placed:
    """A local file and its remote path, in the spelling of the component's `files`.

    `is_named` says whether `files` names the file itself, not just a folder that contains it.
    """

    local: LocalFile
    remote: str
    is_named: bool


@attrs.frozen
class Unusable:
    """A local path that cannot be sent, and the reason. `remote` is as in `Placed`."""

    path: str
    reason: str
    remote: str


def placed_files(files: Mapping[str, str]) -> Iterator[Placed | Unusable]:
    """Yield every file and folder that `files` name, each folder before its content.

    `files` maps absolute local paths to remote paths. Follow symbolic links. A remote path that ends with a slash is a
    folder, into which a file goes under its own name.

    Yield `Unusable` for a path that is missing, unreadable, or neither a regular file nor a folder. Do the same for a
    link to a folder that contains the link.
    """
    for local, remote in files.items():
        place = remote.rstrip("/") or "/"
        if remote.endswith("/") and os.path.isfile(local):  # noqa: PTH113 - see _placed
            name = posixpath.basename(local)
            in_own_folder = f"./{name}" if name.startswith("~") else name
            place = in_own_folder if place == "." else posixpath.join(place, name)
        yield from _placed(local, place)


# Device and inode number of each folder above a path.
Above = tuple[tuple[int, int], ...]


def _placed(local: str, remote: str, above: Above = ()) -> Iterator[Placed | Unusable]:
    try:
        status = os.stat(local)  # noqa: PTH116 - a Path for each file would double the cost of large trees
    except OSError as error:
        yield Unusable(local, os_reason(error), remote)
        return
    mode = stat.S_IMODE(status.st_mode)
    inode = (status.st_dev, status.st_ino)
    if stat.S_ISREG(status.st_mode):
        readable = os.access(local, os.R_OK)
        file = LocalFile(local, mode, status.st_size, False, inode, status.st_mtime_ns)
        yield Placed(file, remote, not above) if readable else Unusable(local, "permission denied", remote)
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
        names = sorted(os.listdir(local))  # noqa: PTH208 - see _placed
    except OSError as error:
        yield Unusable(local, os_reason(error), remote)
        return
    for name in names:
        yield from _placed(posixpath.join(local, name), posixpath.join(remote, name), above)


def expected_files(component: Component) -> list[Placed]:
    """Return the files of a component, even if local files are missing or unusable.

    Such a file has its paths, and 0 as mode and size.
    """
    expected: list[Placed] = []
    for found in placed_files(component.files):
        if isinstance(found, Unusable):
            found = Placed(LocalFile(found.path, 0, 0), found.remote, True)
        expected.append(found)
    return expected


def placed_once() -> Callable[[Component], Sequence[Placed]]:
    """Return a function that lists the files of a component. It raises ConfigError if one is `Unusable`.

    It caches the list, so that components with the same `files` share one look at the disk.
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
