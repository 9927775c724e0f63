"""Tar streams of small files: read here, and made once for all the hosts that get the same.

A stream is made in pieces, one after the other, and is as long as was said before the first one was made,
whatever happens to the files meanwhile.
"""

import os
import tarfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import attrs

from rr_config.local_files import LocalFile

from ..util.lazy import call_once

# So many packets as OpenSSH takes them: with one by one, other threads get in between each time.
BLOCK = 8 * (32768 - 64)
# A piece has at least that many bytes, but for the last one.
PIECE = 1 << 18
# So many pieces are kept, for hosts that are a little slower than the first.
KEPT = 16
END = bytes(2 * tarfile.BLOCKSIZE)


@attrs.frozen
class Member:
    """A file in a stream, and its path there."""

    path: str
    local: LocalFile

    @property
    def length(self) -> int:
        """How many bytes it has in the stream."""
        name = len(os.fsencode(self.path))
        # GNU tar puts a long name, with a NUL, in front, as if it were a file.
        long_name = tarfile.BLOCKSIZE + _padded(name + 1) if name > tarfile.LENGTH_NAME else 0
        return long_name + tarfile.BLOCKSIZE + _padded(self.local.size)


@attrs.frozen
class Piece:
    """A part of a stream, with `size` bytes of content of files; `changed` are the paths of those that are spoilt."""

    content: bytes
    size: int
    changed: frozenset[str]


class TarStreams:
    """The streams of a sync, for use from any thread."""

    def __init__(self) -> None:
        self._made: OrderedDict[Sequence[Member], Callable[[], Piece]] = OrderedDict()
        self._lock = threading.Lock()

    def pieces(self, members: Iterable[Member]) -> Iterator[Piece]:
        """The stream of these files, piece by piece, but for its end."""
        for group in _grouped(members):
            with self._lock:
                piece = self._made.setdefault(group, call_once(partial(_piece, group)))
                self._made.move_to_end(group)
                if len(self._made) > KEPT:
                    self._made.popitem(last=False)
            yield piece()


def length(members: Iterable[Member]) -> int:
    """How many bytes a stream of these files has, with its end."""
    return sum(member.length for member in members) + len(END)


def read(local: LocalFile, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
    """At most `length` bytes from `offset` on, up to the end as it was when the file was looked at.

    OSError at the end, if it is not the same file any more.
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
    """What tarfile makes, too, but it takes five times as long."""
    name = os.fsencode(path)
    if len(name) > tarfile.LENGTH_NAME:
        entry = tarfile.TarInfo(path)
        entry.mode, entry.size = mode, size
        return entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    before = b"%b%07o\0%b%011o\0%b" % (name.ljust(100, b"\0"), mode, _BLANK[108:124], size, _BLANK[136:148])
    # Of all bytes, those of the sum itself counted as spaces: tar(5).
    checksum = sum(before) + sum(_BLANK[156:]) + 8 * ord(" ")
    return before + b"%06o\0 " % checksum + _BLANK[156:]


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
