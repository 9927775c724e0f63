"""The parts of a sparse local file that hold data, and the holes of files that come from a host.

A sync sends only these parts. Everything between them becomes a hole on the host. tar does the same for a collection.
"""

import errno
import os
from typing import BinaryIO

from rr_config.files.local_files import LocalFile

Parts = list[tuple[int, int]]  # offset and length of each part, in bytes
# The host runs a program for each part.
MOST_PARTS = 500
# Smaller holes, in bytes, are sent as zeros.
HOLES = 1 << 16
ZEROS = bytes(HOLES)


class DataParts:
    """A cache of the parts of sparse local files, for all hosts of a sync."""

    def __init__(self) -> None:
        self._known: dict[str, Parts | None] = {}

    def __call__(self, local: LocalFile) -> Parts | None:
        """Return the parts of a file that hold data. Return None if it has no holes.

        A file system that compresses may use few blocks for a file without holes.
        """
        if local.size < HOLES:
            return None
        if local.path not in self._known:
            self._known[local.path] = _data_parts(local)
        return self._known[local.path]


def write_sparse(file: BinaryIO, block: bytes) -> None:
    """Write the next block of a new file, but leave a hole for each HOLES bytes of zeros.

    Truncate the file at its last position when it is complete.
    """
    for start in range(0, len(block), HOLES):
        piece = block[start : start + HOLES]
        if ZEROS.startswith(piece):
            file.seek(len(piece), os.SEEK_CUR)
        else:
            file.write(piece)


def is_hole(file: int, start: int, size: int) -> bool:
    """Return whether `size` bytes of an open file are one hole."""
    try:
        return os.lseek(file, start, os.SEEK_DATA) >= start + size
    except OSError as error:  # ENXIO: no data follows
        return error.errno == errno.ENXIO


def _data_parts(local: LocalFile) -> Parts | None:
    try:
        status = os.stat(local.path)  # noqa: PTH116 - a Path for each file would take longer
        if status.st_size - 512 * status.st_blocks < HOLES:
            return None
        file = os.open(local.path, os.O_RDONLY)
    except OSError:
        return None  # the transfer reports it
    parts: Parts = []
    try:
        start = end = 0
        while end < local.size:
            start = os.lseek(file, end, os.SEEK_DATA)
            end = min(os.lseek(file, start, os.SEEK_HOLE), local.size)
            if end > start:
                parts.append((start, end - start))
    except OSError:  # no data after `end`
        pass
    finally:
        os.close(file)
    gap = HOLES
    parts = _joined(parts, gap)
    while len(parts) > MOST_PARTS:
        gap *= 2
        parts = _joined(parts, gap)
    return parts if sum(size for _, size in parts) < local.size else None


def _joined(parts: Parts, gap: int) -> Parts:
    """Join parts with smaller holes than `gap` between them."""
    found: Parts = []
    for start, size in parts:
        if found and start - sum(found[-1]) < gap:
            found[-1] = (found[-1][0], start + size - found[-1][0])
        else:
            found.append((start, size))
    return found
