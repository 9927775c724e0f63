"""Upload files to the staging folders of one host, in batches of at most PIECE bytes.

A batch is a sequence of loads: commands with content. A load is a `tar_stream` of small files, or a part of a larger
file. Batches for the same files are equal on all hosts, and the agent may carry them out in any order.
"""

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence, Set

import attrs

from rr_config.files.local_files import LocalFile

from .inventory import PIECE, PartialFile
from .protocol.remote_commands import RemoteCommands, untar_command, write_command
from .protocol.tar_stream import BLOCK, END, Member, TarStreams, length, read
from .root import Root, RootPath
from .sparse import Parts

# Files of this size, in bytes, and larger ones are sent one by one, which is faster than tar.
LARGE = 1 << 18
MOST_FILES = 1000  # in a tar stream
# Mean size of a shared batch of smaller files, in bytes; and the bytes by which each file counts more than its content.
BOUNDARY = 4 << 20
COST_OF_A_FILE = 4096
# Called with the number of bytes sent so far, and the number of all bytes to send.
Progress = Callable[[int, int], None]


@attrs.frozen
class Upload:
    """A file that is sent to a host, with its target there, and the path in the same root at which it is staged.

    In `staged`, STAGED_AS stands for the name of staging folders. `data` are the parts of a sparse file that hold data.
    """

    root_path: RootPath
    staged: str
    local: LocalFile
    partial: PartialFile | None = None
    data: Parts | None = None

    @property
    def is_small(self) -> bool:
        """Return whether it is sent in a tar stream."""
        return self.data is None and self.local.size < LARGE

    @property
    def is_in_parts(self) -> bool:
        """Return whether its parts are written into a file that is there before."""
        return self.partial is not None or self.data is not None or self.local.size > PIECE

    def parts(self) -> Parts:
        """Return offset and size of each part, at most PIECE."""
        if self.partial:
            return self.partial.parts(self.local.size)
        found = []
        for start, size in [(0, self.local.size)] if self.data is None else self.data or [(0, 0)]:
            for offset in range(0, size or 1, PIECE):
                found.append((start + offset, min(PIECE, size - offset)))
        return found


@attrs.frozen
class Load:
    """A command with content: small files, or `size` bytes of one file from `offset` on."""

    items: Sequence[Upload]
    size: int
    offset: int = 0

    @property
    def command(self) -> bytes:
        """Return the command."""
        first = self.items[0]
        if first.is_small:
            return untar_command(length(self._members()))
        return write_command(first.staged, first.local.mode, self.size, self.offset if first.is_in_parts else None)

    @property
    def length(self) -> int:
        """Return the number of bytes of the command and its content."""
        content = length(self._members()) if self.items[0].is_small else self.size
        return len(self.command) + content

    def content(self, tar_streams: TarStreams, changed: set[str]) -> Iterator[tuple[bytes, int]]:
        """Yield blocks, each with the number of bytes of files in it.

        Add the staged paths of files that changed here meanwhile to `changed`.
        """
        if not self.items[0].is_small:
            for block in _filled(self.items[0], self.size, changed, self.offset):
                yield block, len(block)
            return
        for piece in tar_streams.pieces(self._members()):
            changed |= piece.changed
            yield piece.content, piece.size
        yield END, 0

    def _members(self) -> list[Member]:
        return [Member(item.staged, item.local) for item in self.items]


@attrs.frozen
class Batch:
    """Loads for one root."""

    root: Root
    loads: Sequence[Load]

    @property
    def size(self) -> int:
        """Return the number of bytes of files."""
        return sum(load.size for load in self.loads)

    @property
    def length(self) -> int:
        """Return the number of bytes of all loads."""
        return sum(load.length for load in self.loads)

    def key(self) -> bytes:
        """Return a digest that is equal for equal batches of this process."""
        digest = hashlib.blake2b(digest_size=16)
        for load in self.loads:
            for item in load.items:
                local = item.local
                words = item.staged, local.path, local.mode, local.size, local.mtime_ns, local.link, item.is_in_parts
                digest.update(repr((words, load.size, load.offset)).encode("utf-8", "surrogateescape"))
        return digest.digest()


def batches(items: Iterable[Upload], are_shared: bool = False) -> Iterator[Batch]:
    """Yield the batches that send these files. Files of one root follow each other.

    If batches `are_shared`, they end at the same files on all hosts, even on those that lack fewer files.
    """
    loads: list[Load] = []
    size = 0
    for load in _loads(items, are_shared):
        if loads and (size + load.size > PIECE or _root(loads[0]) is not _root(load)):
            yield Batch(_root(loads[0]), loads)
            loads, size = [], 0
        loads.append(load)
        size += load.size
        if are_shared and _is_boundary(load.items[-1]):
            yield Batch(_root(loads[0]), loads)
            loads, size = [], 0
    if loads:
        yield Batch(_root(loads[0]), loads)


def _root(load: Load) -> Root:
    return load.items[0].root_path[0]


def _is_boundary(item: Upload) -> bool:
    """Return whether a batch ends behind this file, which is so for one in BOUNDARY bytes of files.

    The hash of the path decides: "content-defined chunking", as in rsyncable gzip.
    """
    return zlib.crc32(os.fsencode(item.staged)) / 2**32 < (item.local.size + COST_OF_A_FILE) / BOUNDARY


def _loads(items: Iterable[Upload], are_shared: bool) -> Iterator[Load]:
    """Yield the loads of files. The limits of a tar stream save memory, because each host has a list of its own."""
    small: list[Upload] = []
    size = 0
    for item in items:
        is_full = len(small) == MOST_FILES or size > PIECE - LARGE
        if small and (is_full or small[0].root_path[0] is not item.root_path[0]):
            yield Load(small, size)
            small, size = [], 0
        if not item.is_small:
            for offset, part in item.parts():
                yield Load([item], part, offset)
            continue
        small.append(item)
        size += item.local.size
        if are_shared and _is_boundary(item):
            yield Load(small, size)
            small, size = [], 0
    if small:
        yield Load(small, size)


class Sender:
    """A sender of files to one host, with its progress.

    `total` and `sent` count bytes of content. `changed` collects the targets of files that changed here meanwhile.
    """

    def __init__(self, commands: RemoteCommands, tar_streams: TarStreams, total: int, progress: Progress) -> None:
        self.commands = commands
        self.changed: set[RootPath] = set()
        self.total, self.sent = total, 0
        self._tar_streams, self._progress = tar_streams, progress

    def send(self, batch: Batch) -> None:
        """Send a batch over the connection."""
        changed: set[str] = set()
        for load in batch.loads:
            self.commands.begin(load.command)
            for block, size in load.content(self._tar_streams, changed):
                self.commands.send(block)
                self.advance(size)
        self.note_changes(batch, changed)

    def stream(self, batch: Batch, changed: set[str]) -> Iterator[tuple[bytes, int]]:
        """Yield all bytes of a batch as `Load.content` does, with its commands."""
        for load in batch.loads:
            yield load.command, 0
            yield from load.content(self._tar_streams, changed)

    def advance(self, size: int) -> None:
        """Report that so many more bytes of files have been sent."""
        self.sent += size
        self._progress(self.sent, self.total)

    def note_changes(self, batch: Batch, changed: Set[str]) -> None:
        """Note the targets of staged files that changed here meanwhile."""
        if changed:
            for load in batch.loads:
                self.changed.update(item.root_path for item in load.items if item.staged in changed)


Deliver = Callable[[Sender, Batch], None]


def send(sender: Sender, found: Iterable[Batch], deliver: Deliver = Sender.send) -> None:
    """Send batches. `deliver` brings each one to the host."""
    commands = sender.commands
    sparse = []
    if sender.total:
        sender.advance(0)
    for batch in found:
        commands.enter(batch.root.name)
        for load in batch.loads:
            item = load.items[0]
            if item.is_in_parts and load.offset == item.parts()[0][0]:
                _prepare(commands, item)
                if item.partial and item.data is not None:
                    sparse.append(item)
        deliver(sender, batch)
    for item in sparse:
        commands.enter(item.root_path[0].name)
        commands.send_command_with_target("dig", (), item.staged)


def _prepare(commands: RemoteCommands, item: Upload) -> None:
    """Make the file into which the parts of `item` are written."""
    if item.partial:
        commands.send_command_with_target("take", [item.root_path[1]], item.staged, item.partial.stamp)
    else:
        commands.send_command_with_target("hollow", (), item.staged, str(item.local.size))


def _filled(item: Upload, length: int, changed: set[str], offset: int) -> Iterator[bytes]:
    """Yield `length` bytes of a file from `offset` on, with zeros after its end.

    Add its staged path to `changed` if the file has changed here, or cannot be read.
    """
    try:
        for block in read(item.local, offset, length):
            length -= len(block)
            yield block
    except OSError:
        changed.add(item.staged)
    while length:
        zeros = bytes(min(BLOCK, length))
        length -= len(zeros)
        yield zeros
