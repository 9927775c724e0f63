"""Asks a host what it has, and streams what it lacks. One channel, a handful of round trips.

A sync is one conversation with a script that does what it is told (`stat`, `hash`, `mkdir`, ...) for
all paths at once. Files arrive, as one tar stream, in a staging folder inside each target folder, and
are moved into place (rename(2), on the same file system) once they are known to be whole.
"""

import hashlib
import os
import posixpath
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

import attrs

from rr_config import Component
from rr_config.files import LocalFile, Placed

from . import shell, state
from .conversation import Conversation
from .hosts import Host, conversation
from .manifest import TEMPORARY, Changes, Found, Manifest, Survey, changes, manifest, roots, to_hash, unmet

BLOCK = 1 << 18
TAR_BLOCK = tarfile.BLOCKSIZE
END_OF_TAR = bytes(2 * TAR_BLOCK)
# Called with the number of bytes that have been sent, and of all that are to be sent.
Progress = Callable[[int, int], None]


@attrs.frozen
class PathProblem:
    """A path on a host that could not be made as wanted, and why."""

    path: str
    reason: str


@attrs.frozen
class Synced:
    """What a sync did on one host: counts of files (and bytes sent), beside what could not be done."""

    files: int
    sent: int
    sent_bytes: int
    chmodded: int
    problems: tuple[PathProblem, ...]


class LocalHashes:
    """The SHA-1 of local files, each read once however many hosts ask, from any thread."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def __call__(self, local: LocalFile) -> str:
        """The hash, as hexadecimal digits."""
        with self._lock:
            lock = self._locks.setdefault(local.path, threading.Lock())
        with lock:
            if local.path not in self._known:
                with open(local.path, "rb") as file:  # noqa: PTH123
                    digest = hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False))
                self._known[local.path] = digest.hexdigest()
            return self._known[local.path]


def sync(
    host: Host,
    session: str,
    components: Sequence[Component],
    placed: Callable[[Component], Iterable[Placed]],
    sha1: Callable[[LocalFile], str],
    always_copy: bool,
    progress: Progress,
) -> Synced:
    """Bring what `components` need to `host`. HostError where the host as a whole fails."""
    wanted_roots = roots(components)
    with conversation(host, sync_script(session, wanted_roots)) as talk:
        known = dict(zip(wanted_roots, _until_end(talk)[0], strict=True))
        wanted = manifest(components, known, placed)
        survey = _survey(talk, [*wanted.files, *wanted.folders])
        if not always_copy:
            survey = _with_hashes(talk, survey, to_hash(wanted, survey))
        todo = changes(wanted, survey, sha1, always_copy)
        problems = [PathProblem(path, reason) for path, reason in todo.problems.items()]
        problems += _carry_out(talk, f".remote-runner-{session}", wanted, todo, progress)
        talk.send(b"end\n")
        list(talk.answers())
    failed = {problem.path for problem in problems}
    sent = [path for path in todo.send if path not in failed]
    return Synced(
        files=len(wanted.files),
        sent=len(sent),
        sent_bytes=sum(wanted.files[path].size for path in sent),
        chmodded=sum(1 for path in todo.chmod if path in wanted.files and path not in failed),
        problems=tuple(problems),
    )


def sync_script(session: str, wanted_roots: Iterable[str]) -> str:
    """Answers the roots in their order, then does what it is told, as a line and a list of paths each."""
    lines = [f"need openssl tar\n{state.keep(session)}{state.TEMPORARY}{OBEY}"]
    for root in wanted_roots:
        if root.startswith(TEMPORARY):
            folder = shell.quote(state.folder(root.removeprefix(TEMPORARY)))
            lines.append(f'dir=$(temporary {folder}) || fail "no temporary folder can be made; is /tmp full?"')
            lines.append('answer "$dir"')
        else:
            lines.append(f"home {shell.path(root)} {shell.quote(root)}")
    return "\n".join([*lines, "ended ''", "obey"])


# What is being staged is written down first, so that the next sync removes what a killed one has left.
OBEY = """\
home() {
  case $1 in /*) answer "$1" ;; *) fail "there is no home folder $2" ;; esac
}
unstage() {
  [ -f "$state/.staging" ] || return
  xargs -0 -r rm -rf -- <"$state/.staging"
  rm -f "$state/.staging"
}
full() {  # tar's own words for it are about numbers of bytes
  xargs -0 -r stat -f --printf '%a %n: no space left on device\\n' -- <"$state/.staging" | grep '^0 '
}
ended() { answer "=$1"; }
obey() {
  while read -r order size rest; do
    words=
    case $order in
      stat) head -c "$size" | xargs -0 -r stat -L --printf '%f %s %n\\0' -- 2>/dev/null ;;
      hash) head -c "$size" | xargs -0 -r openssl dgst -sha1 -r 2>/dev/null | tr '\\n' '\\0' ;;
      mkdir) words=$(head -c "$size" | xargs -0 -r mkdir -p -- 2>&1) ;;
      chmod) words=$(head -c "$size" | xargs -0 -r chmod "$rest" -- 2>&1) ;;
      stage)
        unstage
        words=$({ head -c "$size" >"$state/.staging" && xargs -0 -r mkdir -m 700 -- <"$state/.staging"; } 2>&1)
        ;;
      untar) words=$(head -c "$size" | { said=$(tar -xPpmof - 2>&1) || full; echo "$said"; cat >/dev/null; }) ;;
      move)
        target=$(head -c "$rest"; echo .)
        words=$(head -c "$size" | xargs -0 -r mv -f -t "${target%.}" -- 2>&1)
        ;;
      unstage) unstage ;;
      end) return ;;
    esac
    ended "$words"
  done
}
export LC_ALL=C
unstage
trap unstage EXIT
trap 'exit 1' HUP INT PIPE TERM
"""


def _order(talk: Conversation, order: str, paths: Iterable[str], rest: str = "", before: bytes = b"") -> None:
    payload = b"".join(os.fsencode(path) + b"\0" for path in paths)
    talk.send(f"{order} {len(payload)} {rest}\n".encode() + before + payload)


def _until_end(talk: Conversation) -> tuple[list[str], str]:
    """The answers to one order, and what the programs that it ran had to complain."""
    records = []
    while not (record := talk.answer()).startswith("="):
        records.append(record)
    return records, record[1:]


def _survey(talk: Conversation, paths: Sequence[str]) -> dict[str, Found]:
    _order(talk, "stat", paths)
    return read_stat(_until_end(talk)[0])


def read_stat(records: Iterable[str]) -> dict[str, Found]:
    """What `stat --printf '%f %s %n'` says of each path; one that is not there is left out."""
    survey = {}
    for record in records:
        mode, size, path = record.split(" ", 2)
        survey[path] = Found(int(mode, 16), int(size))
    return survey


def _with_hashes(talk: Conversation, survey: dict[str, Found], paths: Sequence[str]) -> dict[str, Found]:
    if not paths:
        return survey
    _order(talk, "hash", paths)
    hashes = read_hashes(_until_end(talk)[0], paths)
    return survey | {path: attrs.evolve(survey[path], sha1=digest) for path, digest in hashes.items()}


def read_hashes(lines: Iterable[str], paths: Iterable[str]) -> dict[str, str]:
    r"""What `openssl dgst -r` says of each of `paths`; one that it could not read is left out.

    Its lines are `HASH *PATH`; where PATH has a newline, `\HASH *PATH` with `\n` in its place, of
    which one that OpenSSL before 3.0 prints falls apart: such a file counts as unknown.
    """
    names = {("\\" if "\n" in path else "", path.replace("\n", "\\n")): path for path in paths}
    hashes = {}
    for line in lines:
        digest, _, name = line.partition(" *")
        path = names.get(("\\" if digest.startswith("\\") else "", name))
        if path is not None:
            hashes[path] = digest.lstrip("\\")
    return hashes


def _carry_out(
    talk: Conversation, staging: str, wanted: Manifest, todo: Changes, progress: Progress
) -> Iterator[PathProblem]:
    """Make, send, move and chmod; what did not come out as wanted, with the host's words for it."""
    if not (todo.make or todo.send or todo.chmod):
        return
    staged = {path: posixpath.join(posixpath.dirname(path), staging, posixpath.basename(path)) for path in todo.send}
    _order(talk, "mkdir", todo.make)
    _order(talk, "stage", sorted({posixpath.dirname(path) for path in staged.values()}))
    unsteady = _send_files(talk, staged, wanted, progress)
    _order(talk, "stat", staged.values())
    words = [_until_end(talk)[1] for _ in ("mkdir", "stage", "untar")]
    arrived = read_stat(_until_end(talk)[0])
    whole = [p for p in todo.send if p not in unsteady and _is_whole(wanted.files[p], arrived.get(staged[p]))]
    orders = 1
    for folder, paths in groupby(sorted(whole, key=posixpath.dirname), key=posixpath.dirname):
        target = os.fsencode(folder)
        _order(talk, "move", [staged[path] for path in paths], rest=str(len(target)), before=target)
        orders += 1
    _order(talk, "unstage", [])  # before folders get their bits, which may forbid it
    for mode, paths in groupby(sorted(todo.chmod, key=todo.chmod.__getitem__), key=todo.chmod.__getitem__):
        _order(talk, "chmod", paths, rest=f"{mode:04o}")
        orders += 1
    _order(talk, "stat", [*todo.make, *todo.send, *todo.chmod])
    words += [_until_end(talk)[1] for _ in range(orders)]
    after: Survey = read_stat(_until_end(talk)[0])
    missed = dict.fromkeys([*unmet(wanted, todo, after), *unsteady])
    for path in missed:
        reason = "it changed here while it was sent" if path in unsteady else _reason(path, words)
        yield PathProblem(path, reason)


def _is_whole(local: LocalFile, arrived: Found | None) -> bool:
    return arrived is not None and arrived.is_file and arrived.size == local.size


def _reason(path: str, words: Iterable[str]) -> str:
    """The end of the line that speaks of `path`, or of the nearest folder above it; else the last line."""
    lines = [line for text in words for line in text.splitlines()]
    while path not in ("/", ""):
        for line in lines:
            if path in line:
                return line.rsplit(": ", 1)[-1].lower()
        path = posixpath.dirname(path)
    return lines[-1].lower() if lines else "it is not there, or not as it should be, for no reason that was given"


def _send_files(talk: Conversation, staged: dict[str, str], wanted: Manifest, progress: Progress) -> set[str]:
    """Send the tar stream of all files; the paths of those that changed meanwhile, or went away."""
    headers = {path: _tar_header(name, wanted.files[path]) for path, name in staged.items()}
    length = sum(len(header) + _padded(wanted.files[path].size) for path, header in headers.items())
    length += len(END_OF_TAR)
    unsteady: set[str] = set()
    talk.send(f"untar {length}\n".encode())
    sent = 0
    for block in _joined(_tar_stream(headers, wanted, unsteady)):
        talk.send(block)
        sent += len(block)
        progress(sent, length)
    return unsteady


def _tar_stream(headers: dict[str, bytes], wanted: Manifest, unsteady: set[str]) -> Iterator[bytes]:
    for path, header in headers.items():
        yield header
        local = wanted.files[path]
        for block in _content(local):
            if block is None:
                unsteady.add(path)
            else:
                yield block
        yield bytes(_padded(local.size) - local.size)
    yield END_OF_TAR


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces, so that small files do not cost a packet each."""
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _tar_header(path: str, local: LocalFile) -> bytes:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = local.size, local.mode
    return entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padded(size: int) -> int:
    return -(-size // TAR_BLOCK) * TAR_BLOCK


def _content(local: LocalFile) -> Iterator[bytes | None]:
    """As many bytes as `local` had when it was looked at; None besides, if it is not the same any more."""
    left = local.size
    try:
        with open(local.path, "rb") as file:  # noqa: PTH123
            before = os.fstat(file.fileno())
            while left and (block := file.read(min(BLOCK, left))):
                left -= len(block)
                yield block
            after = os.fstat(file.fileno())
        if left or before.st_mtime_ns != after.st_mtime_ns or after.st_size != local.size:
            yield None
    except OSError:
        yield None
    while left:
        yield bytes(min(BLOCK, left))
        left -= min(BLOCK, left)
