"""Collect the results of components from one host into a local folder.

`remote_files` lists the files of a host. A file that the previous collection holds with the same SHA-1 becomes a hard
link to it. The other files arrive as tar streams.
"""

import contextlib
import errno
import hashlib
import os
import tarfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import IO, Any

import attrs

from rr_config import Component

from ..remote import script, state_dir
from ..remote.ask import conversation
from ..remote.conversation import Conversation
from ..remote.host import Host
from ..transfer import inventory, sparse, tree, upload
from ..transfer.protocol import reasons, remote_hashes
from ..util.errors import HostError
from ..util.files import LATEST, replacing
from ..util.limits import MOST_BESIDES, MOST_BLOCKS, MOST_GROWTH, MOST_OF_A_NAME
from ..util.stages import Failure
from .remote_files import Listed, Result, collect_script, read_listed

BLOCK = 1 << 18


@attrs.frozen
class Brought:
    """A collected file at its local path. It `is_new` if it was transferred.

    Otherwise it is a hard link to the file of an earlier collection.
    """

    result: Result
    sha1: str
    is_new: bool


@attrs.frozen
class HostResults:
    """The collection from one host: collected files, and an error for each file or pattern that failed.

    `system` describes the host. `files` holds the SHA-1 and change time of each file that sync should have put there,
    by path.
    """

    brought: tuple[Brought, ...]
    problems: tuple[tuple[Component, str], ...]
    system: str
    files: Mapping[str, remote_hashes.FileHash]


@attrs.frozen
class Collected:
    """A collection: its folder, results by host, content of `run.json`, all failures, and the hosts that failed."""

    folder: Path
    results: dict[str, HostResults]
    run: dict[str, Any] = attrs.field(factory=dict, repr=False)
    failures: Sequence[Failure] = ()
    failed_hosts: Collection[str] = ()


def latest(to: Path) -> Path | None:
    """Return the folder of the last collection below `to`, or None.

    The last one is the one with the newest `run.json`. Its name does not matter, because a user may rename it. The
    link `latest` does not count.
    """
    found = [path for path in to.glob("*/run.json") if path.parent.name != LATEST]
    written = max(found, key=lambda path: path.stat().st_mtime_ns, default=None)
    return written and written.parent


def make_ready(to: Path) -> None:
    """Create `to` if it is missing. Raise OSError if no folder can be created in it.

    `to` may be a symbolic link. A folder of another user is refused, because that user could replace its content at any
    time. A folder of root is accepted.
    """
    to.mkdir(parents=True, exist_ok=True)
    if to.stat().st_uid not in (os.getuid(), 0):
        raise PermissionError(errno.EPERM, "belongs to another user; choose a folder of your own")
    if not os.access(to, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def new_folder(to: Path, now: float) -> Path:
    """Create a folder below `to`, named by `now` in local time, and return it.

    `now` is in seconds since 1970. Raise OSError as `make_ready` does, or if 999 folders of the same second exist.
    """
    make_ready(to)
    name = f"{datetime.fromtimestamp(now):%Y-%m-%dT%H-%M-%S}"
    for number in range(1, 1000):
        with contextlib.suppress(FileExistsError):
            folder = to / (name if number == 1 else f"{name}-{number}")
            folder.mkdir()
            return folder
    raise FileExistsError(f"{to}/{name}: already exists 999 times")


def bring(
    host: Host,
    session: str,
    components: Sequence[Component],
    trees: Mapping[str, tree.Tree],
    folder: Path,
    earlier: Path | None,
    progress: upload.Progress,
) -> HostResults:
    """Collect the files of `components` from `host` into `folder`.

    Hard-link files that are unchanged since `earlier`, the folder of another collection. `trees` are the files that
    sync should have put on the host, by root. The number of round trips does not depend on the number of files.

    Raise HostError if the host as a whole fails, and OSError if a local file cannot be written.
    """
    files = remote_hashes.file_hashes(host, session, trees)
    with conversation(host, collect_script(session, components), most_blocks=MOST_BLOCKS) as talk:
        listed = read_listed(components, iter(talk.answer, script.DONE))
        results = listed.results
        talk.be_patient(_total_size(results.values()))
        known = list(_link_known(talk, listed, folder, earlier))
        known_targets = {brought.result.target for brought in known}
        missing = [result for target, result in results.items() if target not in known_targets]
        new, lost = fetch(talk, missing, folder, progress)
        talk.send(b"end - 0\n")
        list(talk.answers())
    return HostResults((*known, *new), (*listed.problems, *lost), listed.system, files)


def fetch(
    talk: Conversation, missing: Sequence[Result], folder: Path, progress: upload.Progress
) -> tuple[list[Brought], list[tuple[Component, str]]]:
    """Transfer files; return those that have arrived, and a problem for each other one."""
    total, done = _total_size(missing), 0
    progress(0, total)

    def count(size: int) -> None:
        nonlocal done
        done += size
        progress(min(done, total), total)  # output may have grown since it was listed

    new: list[Brought] = []
    lost: list[tuple[Component, str]] = []
    for component, own in _by_component(missing):
        wanted = {result.path: result for result in own}
        arrived: set[str] = set()
        talk.send_command(f"fetch {state_dir.folder(component.name)}", wanted)
        for brought in _received(_Stream(talk, count), wanted, folder):
            new.append(brought)
            arrived.add(brought.result.target)
        errors = reasons.ErrorLines(_messages(talk, "fetch").splitlines())
        for result in own:
            if result.target not in arrived:
                reason = errors.reason([result.path]) or "not received"
                lost.append((component, f"{result.path}: {reason}"))
    return new, lost


def _total_size(results: Iterable[Result]) -> int:
    return sum(result.size for result in results)


def _by_component(results: Sequence[Result]) -> Iterator[tuple[Component, list[Result]]]:
    """Yield each component with its results. The results of one component follow each other."""
    for _, own in groupby(results, key=lambda result: result.component.label):
        group = list(own)
        yield group[0].component, group


def _messages(talk: Conversation, command: str) -> str:
    """Return the error messages that follow a command.

    Skip empty records. The zeros at the end of a tar stream look like these.
    """
    for record in iter(talk.answer, script.DONE):
        if record.startswith(f"{command} "):
            return record.removeprefix(f"{command} ")
    return ""


def _link_known(talk: Conversation, listed: Listed, folder: Path, earlier: Path | None) -> Iterator[Brought]:
    """Hard-link the files that `earlier` holds with the same content; yield them.

    The host hashes only files whose size is the same in `earlier`.
    """
    if earlier is None:
        return
    alike = [each for each in listed.results.values() if _size(earlier / each.target) == each.size]
    for component, own in _by_component(alike):
        talk.send_command(f"hash {state_dir.folder(component.name)}", map(attrgetter("path"), own))
        hashes = {result.target: _sha1(earlier / result.target) for result in own}
        there = set(iter(talk.raw_answer, b"hash "))
        for result in own:
            if inventory.hash_line(result.path, hashes[result.target]) in there:
                target = folder / result.target
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(earlier / result.target, target)
                except OSError:  # the file system has no hard links, or no more for this file: transfer it
                    continue
                yield Brought(result, hashes[result.target], is_new=False)


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _sha1(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


def _received(stream: "_Stream", wanted: dict[str, Result], folder: Path) -> Iterator[Brought]:
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=BLOCK) as archive:  # type: ignore[call-overload]
            for member in archive:
                archive.members.clear()  # tarfile would keep all members and their headers in memory
                result = wanted.pop(member.name, None)  # each file may arrive only once
                stored = archive.offset - member.offset_data  # without its holes, but padded to whole tar blocks
                most = 2 * result.size + MOST_GROWTH if result else 0
                if result is None or archive.pax_headers or not _is_plain(member, stored, most):
                    name = member.name[:MOST_OF_A_NAME]
                    raise HostError(f"invalid answer: unexpected file {name!r}, {member.size:,} bytes")
                stream.expect(stored, member.size)
                content = archive.extractfile(member)
                assert content
                most = result.size if result.is_output else member.size
                yield Brought(result, _write(folder / result.target, content, member, most), is_new=True)
    except tarfile.TarError as error:
        raise HostError(f"invalid answer: not a tar archive of files: {error}") from error


def _is_plain(member: tarfile.TarInfo, stored: int, most: int) -> bool:
    """Return whether a member is a regular file of at most `most` bytes, with `stored` bytes in the stream."""
    return member.isreg() and min(stored, member.size) >= 0 and max(stored, member.size) <= most


def _write(target: Path, content: IO[bytes], member: tarfile.TarInfo, most: int) -> str:
    """Write the first `most` bytes of a file, with its permission bits and mtime; return their SHA-1.

    It appears at `target` only when it is complete. Its owner can always read and write it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha1(usedforsecurity=False)
    with replacing(target) as file:
        while block := content.read(min(BLOCK, most)):
            most -= len(block)
            digest.update(block)
            sparse.write_sparse(file, block)
        file.truncate()  # also flushes the buffer, before the time is set
        os.fchmod(file.fileno(), member.mode & 0o777 | 0o600)
        os.utime(file.fileno(), (member.mtime, member.mtime))
    return digest.hexdigest()


class _Stream:
    """A tar stream within a conversation. It never reads beyond its end, because records follow there.

    It reads the content of files in large blocks, and everything else one tar block at a time. `count` is called with
    the size of each block of content.
    """

    def __init__(self, talk: Conversation, count: Callable[[int], None]) -> None:
        self._talk = talk
        self._count = count
        self._content = 0
        self._besides = 0

    def expect(self, size: int, whole: int) -> None:
        """Expect the content of a file, which has `whole` bytes: `size` bytes in the stream."""
        self._count(whole - size)
        self._besides = 0
        self._content = size

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most `size`. Raise HostError if too many are not content of a file."""
        block = self._talk.read(min(size, self._content or tarfile.BLOCKSIZE))
        if self._content:
            self._content -= len(block)
            self._count(len(block))
            return block
        self._besides += len(block)
        if self._besides > MOST_BESIDES:  # tarfile would keep all of these bytes in memory
            raise HostError("invalid answer: not a tar archive of files")
        return block
