"""Places on a host that may be full or mounted with noexec: the state directory, and folders of executables. Pure."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from rr_config import Component

from ..transfer.protocol.remote_commands import root_arguments
from ..transfer.tree import TEMPORARY
from ..util.text import byte_size, counted

# A start of a component writes at most so much into the state directory, without the output.
STATE_BYTES = 50_000
STATE_FILES = 20


@attrs.frozen
class FileSystem:
    """The file system of a place: its free bytes and inodes, None if it has no inodes, and its mount options."""

    folder: str
    free: int
    inodes: int | None
    options: tuple[str, ...]


def executable_folders(components: Iterable[Component]) -> dict[str, str]:
    """Return the folder of each executable, each with the name of a component.

    A folder is an absolute path, a path in a home, or a temporary folder as in `Trees`, for example `temporary:NAME`.

    >>> job = Component(name="job", executable="bin/job", host="h", start_index=1, base_dir="~/work")
    >>> executable_folders([job])
    {'~/work/bin': 'job'}
    """
    found: dict[str, str] = {}
    for each in components:
        if each.executable.startswith(("/", "~")):
            folder = posixpath.dirname(each.executable)
        elif each.base_dir is None:
            folder = TEMPORARY + each.name
        else:
            folder = posixpath.dirname(posixpath.join(each.base_dir, each.executable))
        found.setdefault(folder, each.name)
    return found


def place_arguments(folders: Iterable[str]) -> list[str]:
    """Return two words for each place: first the state directory, then these folders."""
    return ["state", "-", *root_arguments(folders)]


def read_places(places: Sequence[str], volumes: Iterable[str]) -> list[FileSystem | None]:
    """Return the file system of each place, or None if the host does not report it."""
    known = {}
    for record in volumes:
        blocks, size, inodes, free_inodes, options, folder = record.split(" ", 5)
        left = int(free_inodes) if int(inodes) else None
        known[folder] = FileSystem(folder, int(blocks) * int(size), left, tuple(options.split(",")))
    return [known.get(place) for place in places]


def shortage(place: str, free: int, wanted: int, inodes: int | None, entries: int) -> str:
    """Return the free and the needed space if a file system is full, or too small for so many bytes and entries."""
    if wanted > free or free == 0:
        return f"{place}: {byte_size(free)} free, {byte_size(wanted)} needed"
    if inodes is not None and (entries > inodes or inodes == 0):
        return f"{place}: {counted(inodes, 'free inode')}, {entries:,} needed"
    return ""


def state_shortage(found: FileSystem | None, components: int) -> str:
    """Return why the state directory has too little space for so many components, or nothing."""
    if found is None:
        return ""
    return shortage(found.folder, found.free, STATE_BYTES * components, found.inodes, STATE_FILES * components)


def unexecutable(folders: Mapping[str, str], found: Sequence[FileSystem | None]) -> Iterator[str]:
    """Yield a text for each folder of executables on a file system that executes none."""
    for (folder, name), each in zip(folders.items(), found, strict=True):
        if each is not None and "noexec" in each.options:
            shown = each.folder if folder.startswith(TEMPORARY) else folder
            yield f"{shown}: mounted with noexec, so the executable of {name} cannot run"
