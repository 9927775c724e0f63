"""Upload files to the staging folders of one host: small ones in a `tar_stream`, each large one by itself."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from rr_config.files.local_files import LocalFile

from .inventory import PartialFile
from .protocol.remote_commands import RemoteCommands
from .protocol.tar_stream import BLOCK, END, Member, TarStreams, length, read
from .root import RootPath
from .sparse import Parts

# Files of this size, in bytes, and larger ones are sent one by one, which is faster than tar.
LARGE = 1 << 18
BATCH = 1000
# The name of staging folders in a tar stream: all hosts get the same stream, but staging folders have other names on
# each. It is random, so that no file has it by chance.
STAGED_AS = f".remote-runner-{secrets.token_hex(8)}"
# Called with the number of bytes sent so far, and the number of all bytes to send.
Progress = Callable[[int, int], None]


@attrs.frozen
class Upload:
    """A file that is sent to a host, with its target there, and the path in the same root at which it is staged.

    In `staged` of a small file, STAGED_AS stands for the name of staging folders. `data` are the parts of a sparse file
    that hold data.
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


def send(
    commands: RemoteCommands, items: Iterable[Upload], tar_streams: TarStreams, total: int, progress: Progress
) -> set[RootPath]:
    """Send files; return the targets of files that changed here meanwhile.

    `total` is the number of bytes of content, for `progress`.
    """
    sending = _Sending(commands, total, progress)
    if total:
        progress(0, total)
    for batch in _batches(items):
        commands.enter(batch[0].root_path[0].name)
        if batch[0].is_small:
            sending.archive(batch, tar_streams)
        else:
            sending.file(batch[0])
    return sending.changed


def _batches(items: Iterable[Upload]) -> Iterator[list[Upload]]:
    """Yield each large or sparse file by itself, and small files of the same root in lists of at most BATCH.

    The limit saves memory, because each host has a list of its own.
    """
    small: list[Upload] = []
    for item in items:
        if not item.is_small:
            yield [item]
            continue
        if small and (len(small) == BATCH or small[0].root_path[0] != item.root_path[0]):
            yield small
            small = []
        small.append(item)
    if small:
        yield small


@attrs.define
class _Sending:
    """A sender of files to one host, with its progress.

    `total` and `sent` count bytes of content. `changed` collects the targets of files that changed here meanwhile.
    """

    commands: RemoteCommands
    total: int
    progress: Progress
    sent: int = 0
    changed: set[RootPath] = attrs.field(factory=set)

    def send(self, block: bytes, size: int) -> None:
        """Send a block that holds `size` bytes of file content, and report progress."""
        self.commands.send(block)
        self.sent += size
        self.progress(self.sent, self.total)

    def archive(self, items: Sequence[Upload], tar_streams: TarStreams) -> None:
        """Send small files as one tar stream."""
        members = [Member(item.staged, item.local) for item in items]
        self.commands.untar(length(members), STAGED_AS)
        changed: set[str] = set()
        for piece in tar_streams.pieces(members):
            self.send(piece.content, piece.size)
            changed |= piece.changed
        self.send(END, 0)
        self.changed.update(item.root_path for item in items if item.staged in changed)

    def file(self, item: Upload) -> None:
        """Send a large or sparse file, or only the pieces that the host lacks."""
        parts: Parts = [(0, item.local.size)]
        if item.partial:
            self.commands.send_command_with_target("take", [item.root_path[1]], item.staged, item.partial.stamp)
            parts = item.partial.parts(item.local.size)
        elif item.data is not None:
            self.commands.send_command_with_target("hollow", (), item.staged, str(item.local.size))
            parts = item.data or [(0, 0)]
        is_whole = item.partial is None and item.data is None
        for offset, size in parts:
            self.commands.write(item.staged, item.local.mode, size, None if is_whole else offset)
            for block in _filled(item, size, self.changed, offset):
                self.send(block, len(block))
        if item.partial and item.data is not None:
            self.commands.send_command("dig", [item.staged])


def _filled(item: Upload, length: int, changed: set[RootPath], offset: int) -> Iterator[bytes]:
    """Yield `length` bytes of a file from `offset` on, with zeros after its end.

    Add its target to `changed` if the file has changed here, or cannot be read.
    """
    try:
        for block in read(item.local, offset, length):
            length -= len(block)
            yield block
    except OSError:
        changed.add(item.root_path)
    while length:
        zeros = bytes(min(BLOCK, length))
        length -= len(zeros)
        yield zeros
