"""Brings the results of components from one host into a folder here: those that are not here already."""

import contextlib
import errno
import hashlib
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import IO

import attrs

from rr_config import Component

from ..remote import script, state_dir
from ..remote.ask import conversation
from ..remote.conversation import Conversation
from ..remote.host import Host
from ..transfer.file_hashes import FileHash, file_hashes
from ..transfer.inventory import hash_line
from ..transfer.tree import Tree
from ..transfer.upload import Progress
from ..util.errors import HostError
from .remote_files import Listed, Result, collect_script, read_listed

BLOCK = 1 << 18
# How many blocks of a host are in memory at most: 64 KB each.
MOST_BLOCKS = 32
# Between the contents of two files, a tar stream has their names, and no more than that.
MOST_BESIDES = 1 << 20
# By how many bytes, more than twice its size, a file may have grown since it was listed.
MOST_GROWTH = 1 << 30


@attrs.frozen
class Brought:
    """A file that has been put at its place here; unless it `is_new`, it is a link to that of an earlier collection."""

    result: Result
    sha1: str
    is_new: bool


@attrs.frozen
class HostResults:
    """What has been brought from one host, and what could not be; what is in the files it should have, by path."""

    brought: tuple[Brought, ...]
    problems: tuple[tuple[Component, str], ...]
    system: str
    files: Mapping[str, FileHash]


@attrs.frozen
class Collected:
    """What has been brought, by host, and into which folder."""

    folder: Path
    results: dict[str, HostResults]


def latest(to: Path) -> Path | None:
    """The folder of the last collection below `to`: whose `run.json` was written last, whatever its name."""
    written = max(to.glob("*/run.json"), key=lambda path: path.stat().st_mtime_ns, default=None)
    return written and written.parent


def make_ready(to: Path) -> None:
    """See to it that new folders can be made below `to`. OSError where that cannot be.

    `to` may be a link, but no folder of another user, who could put something else there at any time.
    """
    to.mkdir(parents=True, exist_ok=True)
    if to.stat().st_uid not in (os.getuid(), 0):
        raise PermissionError(errno.EPERM, "belongs to another user; name a folder of your own")
    if not os.access(to, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def new_folder(to: Path, now: float) -> Path:
    """A new folder below `to`, whose name tells the time here. OSError as of `make_ready`."""
    make_ready(to)
    name = f"{datetime.fromtimestamp(now):%Y-%m-%dT%H-%M-%S}"
    for ending in ("", *(f"-{number}" for number in range(2, 1000))):
        with contextlib.suppress(FileExistsError):
            folder = to / f"{name}{ending}"
            folder.mkdir()
            return folder
    raise FileExistsError(f"{to}/{name}: is there already, a thousand times")


def bring(
    host: Host,
    session: str,
    components: Sequence[Component],
    trees: Mapping[str, Tree],
    folder: Path,
    earlier: Path | None,
    progress: Progress,
) -> HostResults:
    """Put what `host` has of `components` below `folder`; what `earlier`, another such folder, has is linked.

    Some round trips, however many files there are. HostError where the host as a whole fails, OSError where
    something cannot be written here.
    """
    files = file_hashes(host, session, trees)
    with conversation(host, collect_script(session, components), most_blocks=MOST_BLOCKS) as talk:
        listed = read_listed(components, iter(talk.answer, script.DONE))
        talk.be_patient(sum(result.size for result in listed.results.values()))
        known = dict(_link_known(talk, listed, folder, earlier))
        missing = [result for place, result in listed.results.items() if place not in known]
        total, done = sum(result.size for result in missing), 0
        new: list[Brought] = []
        words: list[str] = []
        for component, own in _by_component(missing):
            wanted = {result.path: result for result in own}
            _order(talk, "fetch", component, list(wanted.values()))
            for brought in _received(talk, wanted, folder):
                new.append(brought)
                done += brought.result.size
                progress(min(done, total), total)
            words += _words(talk, "fetch").splitlines()
        talk.send(b"end - 0\n")
        list(talk.answers())
    here = {brought.result.place for brought in new}
    lost = [(each.component, f"{each.path}: {_reason(each.path, words)}") for each in missing if each.place not in here]
    return HostResults((*known.values(), *new), (*listed.problems, *lost), listed.system, files)


def _by_component(results: Sequence[Result]) -> Iterator[tuple[Component, list[Result]]]:
    """The results of each component, which follow each other."""
    for _, own in groupby(results, key=lambda result: result.component.label):
        group = list(own)
        yield group[0].component, group


def _order(talk: Conversation, order: str, component: Component, results: Sequence[Result]) -> None:
    paths = b"".join(os.fsencode(result.path) + b"\0" for result in results)
    talk.send(f"{order} {state_dir.folder(component.name)} {len(paths)}\n".encode() + paths)


def _words(talk: Conversation, order: str) -> str:
    """What the host had to say of an order; the end of a tar stream is nothing but empty records."""
    for record in iter(talk.answer, script.DONE):
        if record.startswith(f"{order} "):
            return record.removeprefix(f"{order} ")
    return ""


def _link_known(
    talk: Conversation, listed: Listed, folder: Path, earlier: Path | None
) -> Iterator[tuple[str, Brought]]:
    """Link what has the same content in `earlier`: of the same size there, and then of the same SHA-1."""
    if earlier is None:
        return
    alike = [each for each in listed.results.values() if _size(earlier / each.place) == each.size]
    for component, own in _by_component(alike):
        _order(talk, "hash", component, own)
        hashes = {result.place: _sha1(earlier / result.place) for result in own}
        there = set(iter(talk.raw_answer, b"hash "))
        for result in own:
            if hash_line(result.path, hashes[result.place]) in there:
                target = folder / result.place
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(earlier / result.place, target)
                except OSError:  # a file system without links, or with no more of them: then it is brought
                    continue
                yield result.place, Brought(result, hashes[result.place], is_new=False)


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _sha1(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


def _received(talk: Conversation, wanted: dict[str, Result], folder: Path) -> Iterator[Brought]:
    stream = _Stream(talk)
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=BLOCK) as archive:  # type: ignore[call-overload]
            for member in archive:
                archive.members.clear()  # tarfile would keep them all, with whatever their headers hold
                result = wanted.pop(member.name, None)  # each is to come once
                if result is None or archive.pax_headers or not _is_plain(member, 2 * result.size + MOST_GROWTH):
                    raise HostError(f"sends what was not asked for: {member.name[:200]!r}, {member.size:,} bytes")
                stream.expect(member.size)
                content = archive.extractfile(member)
                assert content
                yield Brought(result, _write(folder / result.place, content, member), is_new=True)
    except tarfile.TarError as error:
        raise HostError(f"sends what is no archive of files: {error}") from error


def _is_plain(member: tarfile.TarInfo, most: int) -> bool:
    """Whether it is a regular file, of `most` bytes at most, of which all that there is follows in the stream."""
    return member.isreg() and not member.issparse() and 0 <= member.size <= most


def _write(target: Path, content: IO[bytes], member: tarfile.TarInfo) -> str:
    """Put a file there, once it is whole, with its permission bits and time of change; its SHA-1."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name[:200]}.part")
    digest = hashlib.sha1(usedforsecurity=False)
    try:
        with part.open("wb") as file:
            while block := content.read(BLOCK):
                digest.update(block)
                file.write(block)
        part.chmod(member.mode & 0o777 | 0o600)
        os.utime(part, (member.mtime, member.mtime))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)  # where the connection was cut, or the disk is full
    return digest.hexdigest()


class _Stream:
    """A tar stream, of which no byte behind its end is taken: content in large blocks, all else in small ones."""

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk
        self._content = 0
        self._besides = 0

    def expect(self, size: int) -> None:
        """Now comes the content of a file."""
        self._besides = 0
        self._content = -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE

    def read(self, size: int) -> bytes:
        """The next bytes, `size` at most."""
        block = self._talk.read(min(size, self._content or tarfile.BLOCKSIZE))
        self._besides += 0 if self._content else len(block)
        if self._besides > MOST_BESIDES:  # tarfile would keep all of it in memory
            raise HostError("sends what is no archive of files")
        self._content = max(self._content - len(block), 0)
        return block


def _reason(path: str, words: Sequence[str]) -> str:
    """What tar said of it."""
    return next((line.rsplit(": ", 1)[-1].lower() for line in words if path in line), "it did not arrive")
