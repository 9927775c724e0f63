"""Tar streams of small local files. A stream is built once for all hosts that get the same files.

It is built piece by piece. Its length is announced before the first piece, and stays right even if files change
meanwhile: a file that has become shorter is padded, and a longer one is truncated.
"""

import os
import tarfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import attrs

from rr_config.files.local_files import LocalFile

from ...util.lazy import call_once

# A block is eight packets of the size that OpenSSH accepts. With one packet at a time, other threads would get in
# between after each.
BLOCK = 8 * (32768 - 64)
# The minimum size of a piece, in bytes, except for the last one.
PIECE = 1 << 18
# The number of pieces in the cache, for hosts that are a little slower than the first.
KEPT = 16
END = bytes(2 * tarfile.BLOCKSIZE)


@attrs.frozen
class Member:
    """A local file, and its path in a stream."""

    path: str
    local: LocalFile

    @property
    def length(self) -> int:
        """The number of bytes that it takes in the stream, headers and padding included."""
        if self.local.link is not None:
            return len(_header_of_link(self.path, self.local))
        name = len(os.fsencode(self.path))
        # GNU tar puts a long name in front of the file, as the NUL-terminated content of another entry.
        long_name = tarfile.BLOCKSIZE + _padded(name + 1) if name > tarfile.LENGTH_NAME else 0
        return long_name + tarfile.BLOCKSIZE + _padded(self.local.size)


@attrs.frozen
class Piece:
    """A part of a stream.

    It has `size` bytes of file content. `changed` are the paths of files that have changed since they were listed;
    their content in the stream is invalid.
    """

    content: bytes
    size: int
    changed: frozenset[str]


class TarStreams:
    """A thread-safe LRU cache of the pieces of streams, for one sync."""

    def __init__(self) -> None:
        self._made: OrderedDict[Sequence[Member], Callable[[], Piece]] = OrderedDict()
        self._lock = threading.Lock()

    def pieces(self, members: Iterable[Member]) -> Iterator[Piece]:
        """Yield the stream of these files piece by piece, without END."""
        for group in _grouped(members):
            with self._lock:
                piece = self._made.setdefault(group, call_once(partial(_piece, group)))
                self._made.move_to_end(group)
                if len(self._made) > KEPT:
                    self._made.popitem(last=False)
            yield piece()


def length(members: Iterable[Member]) -> int:
    """Return the number of bytes of a stream of these files, including END."""
    return sum(member.length for member in members) + len(END)


def read(local: LocalFile, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
    """Yield at most `length` bytes of a file from `offset` on, in blocks. The size in `local` limits them, too.

    Raise OSError if the file cannot be read; and after the last block, if its size or modification time has changed.
    """
    left = local.size - offset if length is None else min(length, local.size - offset)
    file = os.open(local.path, os.O_RDONLY)
    try:
        os.lseek(file, offset, os.SEEK_SET)
        while left and (block := os.read(file, min(BLOCK, left))):
            left -= len(block)
            yield block
        now = os.fstat(file)
    finally:
        os.close(file)
    if left or (now.st_size, now.st_mtime_ns) != (local.size, local.mtime_ns):
        raise OSError(f"{local.path} has changed")


def _piece(members: Iterable[Member]) -> Piece:
    changed = []
    content = bytearray()
    size = 0
    for member in members:
        local = member.local
        if local.link is not None:
            content += _header_of_link(member.path, local)
            continue
        content += _header(member.path, local.mode, local.size)
        end = len(content) + _padded(local.size)
        try:
            for block in read(local):
                content += block
        except OSError:
            changed.append(member.path)
        content += bytes(end - len(content))
        size += local.size
    return Piece(bytes(content), size, frozenset(changed))


def _grouped(members: Iterable[Member]) -> Iterator[tuple[Member, ...]]:
    group: list[Member] = []
    size = 0
    for member in members:
        group.append(member)
        size += member.length
        if size >= PIECE:
            yield tuple(group)
            group, size = [], 0
    if group:
        yield tuple(group)


_BLANK = tarfile.TarInfo().tobuf(tarfile.GNU_FORMAT)


def _header(path: str, mode: int, size: int) -> bytes:
    """Return the header of a file. `tarfile` makes the same one, but takes five times as long."""
    name = os.fsencode(path)
    if len(name) > tarfile.LENGTH_NAME:
        entry = tarfile.TarInfo(path)
        entry.mode, entry.size = mode, size
        return entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    before = b"%b%07o\0%b%011o\0%b" % (name.ljust(100, b"\0"), mode, _BLANK[108:124], size, _BLANK[136:148])
    # The sum of all bytes of the header, with eight spaces in place of the checksum itself: tar(5).
    checksum = sum(before) + sum(_BLANK[156:]) + 8 * ord(" ")
    return before + b"%06o\0 " % checksum + _BLANK[156:]


def _header_of_link(path: str, local: LocalFile) -> bytes:
    """Return the header of a symbolic link. It has no content."""
    entry = tarfile.TarInfo(path)
    entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, local.link or "", local.mode
    return entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
