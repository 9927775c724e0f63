"""The local files of a component: every file that its `files` name, directly or in a folder."""

import errno
import os
import posixpath
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from ..component import Component
from ..errors import ConfigError, os_reason
from .ignore import FILE, Ignore
from .trees import FilesKey, Rules, files_key, rules_of


@attrs.frozen
class LocalFile:
    """A regular file or a folder on this machine, with its stat(2) values at one moment.

    `mode` holds the permission bits. `size` is in bytes, and 0 for a folder. `mtime_ns` is the time of the last change
    of its content, in ns since 1970. `inode` is the pair of device and inode number. There may be very many.
    """

    path: str
    mode: int
    size: int
    is_dir: bool = False
    inode: tuple[int, int] | None = attrs.field(default=None, eq=False)
    mtime_ns: int = attrs.field(default=0, eq=False)

    @property
    def link(self) -> str | None:
        """Return the text of a kept symbolic link, or None for anything else."""
        return None

    def is_same(self, other: "LocalFile") -> bool:
        """Return whether both paths lead to the same file, by path or by inode."""
        return self.path == other.path or (self.inode is not None and self.inode == other.inode)


@attrs.frozen
class LocalLink(LocalFile):
    """A kept symbolic link on this machine, and the text of it."""

    link: str = ""


@attrs.frozen(eq=False)
class LocalTree:
    """A folder of `files` that `util.tree` has added: its rules, and its excluded names."""

    source: str
    rules: Rules
    ignore: Ignore

    def below(self, path: str) -> str:
        """Return a local path relative to the folder."""
        return path[len(self.source) :].lstrip("/")

    def excludes(self, path: str, is_dir: bool) -> bool:
        """Return whether a local path is excluded, if the folders above it are not."""
        return self.ignore.excludes(self.below(path), is_dir)


@attrs.frozen
class Placed:
    """A local file and its remote path, in the spelling of the component's `files`.

    `is_named` says whether `files` names the file itself, not just a folder that contains it. `tree` is set for the
    folder that a `util.tree` names.
    """

    local: LocalFile
    remote: str
    is_named: bool
    tree: LocalTree | None = None


@attrs.frozen
class Unusable:
    """A local path that cannot be sent, and the reason. `remote` is as in `Placed`.

    `is_skipped` says that this is no error. The path is in a folder, and everything else in the folder is sent.
    """

    path: str
    reason: str
    remote: str
    is_skipped: bool = False

    @property
    def warning(self) -> str:
        """The text of the warning that the path is skipped."""
        path = os.path.abspath(self.path)  # noqa: PTH100 - see _placed
        return f"{path if path.isprintable() else repr(path)}: {self.reason}; skipped"


def placed_files(files: Mapping[str, str]) -> Iterator[Placed | Unusable]:
    """Yield every file and folder that `files` name, each folder before its content.

    `files` maps absolute local paths to remote paths. Follow symbolic links, unless a tree keeps them. A remote path
    that ends with a slash is a folder, into which a file goes under its own name. Omit excluded names of trees.

    Yield `Unusable` for a path that is missing, unreadable, or neither a regular file nor a folder. Do the same for a
    link to a folder that contains the link. Broken links and special files in a folder are only skipped.
    """
    for local, remote in files.items():
        rules = rules_of(remote)
        place = remote.rstrip("/") or "/"
        if rules is not None:
            yield from _placed_tree(local, place, rules)
            continue
        if remote.endswith("/") and os.path.isfile(local):  # noqa: PTH113 - see _placed
            name = posixpath.basename(local)
            in_own_folder = f"./{name}" if name.startswith("~") else name
            place = in_own_folder if place == "." else posixpath.join(place, name)
        yield from _placed(local, place)


def _placed_tree(source: str, remote: str, rules: Rules) -> Iterator[Placed | Unusable]:
    """Yield the folder of a tree and everything in it that is not excluded."""
    if os.path.exists(source) and not os.path.isdir(source):  # noqa: PTH110, PTH112 - see _placed
        yield Unusable(source, "not a folder; util.tree copies folders", remote)
        return
    try:
        yield from _placed(source, remote, tree=LocalTree(source, rules, Ignore(source, rules.exclude)))
    except ConfigError as error:  # an invalid pattern
        yield Unusable(source, str(error), remote)


# Device and inode number of each folder above a path.
Above = tuple[tuple[int, int], ...]
BROKEN = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # errors of stat(2) for a broken link
SPECIAL = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFBLK: "a device", stat.S_IFCHR: "a device"}


def _placed(local: str, remote: str, above: Above = (), tree: LocalTree | None = None) -> Iterator[Placed | Unusable]:
    keeps_links = bool(above) and tree is not None and tree.rules.keeps_links
    try:
        status = os.stat(local, follow_symlinks=not keeps_links)  # noqa: PTH116 - a Path for each would double the cost
    except OSError as error:
        if not (above and tree and tree.excludes(local, False)):
            yield _missing(local, remote, error, bool(above))
        return
    is_dir = stat.S_ISDIR(status.st_mode)
    if above and tree and tree.excludes(local, is_dir):
        return
    mode = stat.S_IMODE(status.st_mode)
    inode = (status.st_dev, status.st_ino)
    if stat.S_ISREG(status.st_mode):
        readable = os.access(local, os.R_OK)
        file = LocalFile(local, mode, status.st_size, False, inode, status.st_mtime_ns)
        yield Placed(file, remote, not above) if readable else Unusable(local, "permission denied", remote)
    elif stat.S_ISLNK(status.st_mode):
        yield Placed(LocalLink(local, mode, 0, inode=inode, link=os.readlink(local)), remote, False)  # noqa: PTH115
    elif is_dir and inode in above:
        yield Unusable(local, "a symbolic link to a folder that contains it", remote)
    elif is_dir:
        yield Placed(LocalFile(local, mode, 0, True, inode), remote, not above, None if above else tree)
        yield from _placed_below(local, remote, (*above, inode), tree)
    else:
        kind = SPECIAL.get(stat.S_IFMT(status.st_mode), "a special file")
        reason = kind if above else f"{kind}; must be a file or a folder"
        yield Unusable(local, reason, remote, bool(above))


def _missing(local: str, remote: str, error: OSError, is_below: bool) -> Unusable:
    """Return the error for a path of which stat(2) fails. Below a folder, a broken link is skipped."""
    if is_below and error.errno in BROKEN:
        is_link = os.path.islink(local)  # noqa: PTH114 - see _placed
        return Unusable(local, "a broken symbolic link" if is_link else "it has disappeared", remote, True)
    return Unusable(local, os_reason(error), remote)


def _placed_below(local: str, remote: str, above: Above, tree: LocalTree | None) -> Iterator[Placed | Unusable]:
    try:
        names = sorted(os.listdir(local))  # noqa: PTH208 - see _placed
    except OSError as error:
        yield Unusable(local, os_reason(error), remote)
        return
    if tree and FILE in names:
        tree.ignore.read(tree.below(local))
    for name in names:
        yield from _placed(posixpath.join(local, name), posixpath.join(remote, name), above, tree)


def expected_files(component: Component) -> list[Placed]:
    """Return the files of a component, even if local files are missing or unusable.

    Such a file has its paths, and 0 as mode and size. Skipped files are omitted.
    """
    expected: list[Placed] = []
    for found in placed_files(component.files):
        if isinstance(found, Placed):
            expected.append(found)
        elif not found.is_skipped:
            expected.append(Placed(LocalFile(found.path, 0, 0), found.remote, True))
    return expected


def placed_once() -> Callable[[Component], Sequence[Placed]]:
    """Return a function that lists the files of a component. It raises ConfigError if one is `Unusable`.

    It caches the list, so that components with the same `files` share one look at the disk.
    """
    known: dict[FilesKey, Sequence[Placed]] = {}

    def placed(component: Component) -> Sequence[Placed]:
        key = files_key(component.files)
        if key not in known:
            known[key] = list(_all_usable(component))
        return known[key]

    return placed


def _all_usable(component: Component) -> Iterator[Placed]:
    for found in placed_files(component.files):
        if isinstance(found, Placed):
            yield found
        elif not found.is_skipped:
            raise ConfigError(f"{component.label}.files: {found.path}: {found.reason}")
