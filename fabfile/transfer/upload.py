"""Sends files to the staging folders of one host: small ones as tar streams, each large one by itself."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from rr_config.local_files import LocalFile

from .checksums import PartialFile
from .remote_commands import RemoteCommands
from .tar_stream import BLOCK, END, Member, TarStreams, length, read
from .tree import RootPath

# From this size on a file is sent by itself: it is written in less time than by tar.
LARGE = 1 << 18
BATCH = 1000
# In a tar stream, which all hosts are to get alike, the name of the staging folders; which no file has by chance.
STAGED_AS = f".remote-runner-{secrets.token_hex(8)}"
# Called with the number of bytes that have been sent, and of all that are to be sent.
Progress = Callable[[int, int], None]


@attrs.frozen
class Upload:
    """A file that is sent to a host: its place there, and the path in the same root where it is staged.

    In the path of a small one, the name of staging folders is STAGED_AS.
    """

    place: RootPath
    staged: str
    local: LocalFile
    partial: PartialFile | None = None

    @property
    def is_small(self) -> bool:
        """Whether it is sent with others."""
        return self.local.size < LARGE

    @property
    def parts(self) -> list[tuple[int, int]]:
        """What is sent of it, as pairs of where that begins and how many bytes it has."""
        return self.partial.parts(self.local.size) if self.partial else [(0, self.local.size)]


def send(
    orders: RemoteCommands, items: Iterable[Upload], tar_streams: TarStreams, total: int, progress: Progress
) -> set[RootPath]:
    """Send files, with `total` bytes of content; the places of those that changed here meanwhile."""
    sending = _Sending(orders, total, progress)
    for batch in _batches(items):
        orders.enter(batch[0].place[0])
        if batch[0].is_small:
            sending.archive(batch, tar_streams)
        else:
            sending.file(batch[0])
    return sending.changed


def _batches(items: Iterable[Upload]) -> Iterator[list[Upload]]:
    """Each large file by itself, small ones of a root together: BATCH at most, since each host has its own."""
    small: list[Upload] = []
    for item in items:
        if not item.is_small:
            yield [item]
            continue
        if small and (len(small) == BATCH or small[0].place[0] != item.place[0]):
            yield small
            small = []
        small.append(item)
    if small:
        yield small


@attrs.define
class _Sending:
    """Sends files to one host, and knows how far that is, in bytes of content, and what changed meanwhile."""

    orders: RemoteCommands
    total: int
    progress: Progress
    sent: int = 0
    changed: set[RootPath] = attrs.field(factory=set)

    def send(self, block: bytes, size: int) -> None:
        """Send a block with that many bytes of content."""
        self.orders.send(block)
        self.sent += size
        self.progress(self.sent, self.total)

    def archive(self, items: Sequence[Upload], tar_streams: TarStreams) -> None:
        """Send small files, as one tar stream."""
        members = [Member(item.staged, item.local) for item in items]
        self.orders.untar(length(members), STAGED_AS)
        changed: set[str] = set()
        for piece in tar_streams.pieces(members):
            self.send(piece.content, piece.size)
            changed |= piece.changed
        self.send(END, 0)
        self.changed |= {item.place for item in items if item.staged in changed}

    def file(self, item: Upload) -> None:
        """Send a large file, or the pieces of it that the host has not."""
        if item.partial:
            self.orders.tell_with_target("take", [item.place[1]], item.staged, item.partial.stamp)
        for offset, size in item.parts:
            self.orders.write(item.staged, item.local.mode, size, offset if item.partial else None)
            for block in _filled(item, size, self.changed, offset):
                self.send(block, len(block))


def _filled(item: Upload, length: int, changed: set[RootPath], offset: int) -> Iterator[bytes]:
    """`length` bytes of a file from `offset` on, and zeros behind its end. If it changed, it is put in `changed`."""
    try:
        for block in read(item.local, offset, length):
            length -= len(block)
            yield block
    except OSError:
        changed.add(item.place)
    while length:
        zeros = bytes(min(BLOCK, length))
        length -= len(zeros)
        yield zeros
