"""Sync one host: get its `inventory`, compare it with the `tree` and the `checksums`, and `apply` the `diff`.

This takes one channel. Once the script has begun, it takes one to three round trips for any number of files: one for
the inventory, one if contents are compared, and one if anything changes.
"""

import os
import posixpath
from collections.abc import Iterable, Mapping, Sequence

import attrs

from rr_config.component import LOCALHOST

from ..remote.ask import conversation
from ..remote.host import Host
from ..remote.script import Script, Values
from ..util.errors import HostError
from .apply import HostUpdate, LocalSources
from .checksums import compare
from .diff import causes, why_sent
from .protocol.remote_commands import NOT_YET, RemoteCommands, checked_preview_script, preview_script, sync_script
from .relay.member import Member
from .relay.relay import Relay
from .relay.tree import Key
from .root import Root, ask_inventories, find_conflicts, read_inventories
from .surplus import refusal
from .tree import TEMPORARY, ByRoot
from .upload import Progress

CHECKED = "checked"  # the last answer of connect.sh
LEAST_RELAYED = 1 << 20  # bytes
NEW_FOLDER = "(new temporary folder)"


@attrs.frozen
class PathProblem:
    """A path on a host that could not be synced, and the reason."""

    path: str
    reason: str


@attrs.frozen
class SyncResult:
    """The result of a sync of one host.

    `files`, `sent` and `chmodded` are numbers of files: all that should be there, those sent, and those that only got
    other permission bits. `sent_bytes` counts the content that was sent. `problems` are paths that could not be synced.
    `removed` is the number of files and folders that were removed.
    """

    files: int
    sent: int
    sent_bytes: int
    chmodded: int
    problems: tuple[PathProblem, ...]
    removed: int = 0


@attrs.frozen
class FileToSend:
    """A file that a sync would send: its paths here and on the host, the bytes that would be sent, and the reason.

    `link` is the text of a kept symbolic link, and None for a file.
    """

    local: str
    remote: str
    bytes: int
    why: str
    link: str | None = None


@attrs.frozen
class SyncPlan:
    """The changes that a sync of one host would make.

    `files` is the number of files that should be there. `make` are folders to create, and `chmod` files and folders
    that get other permission bits. A path in a missing temporary folder begins with NEW_FOLDER. `remove` are files and
    folders to remove, and `refused` is the reason if these are too many. `relayed` are the sizes of batches that hosts
    pass on to each other.
    """

    files: int
    send: tuple[FileToSend, ...]
    make: tuple[str, ...]
    chmod: tuple[str, ...]
    problems: tuple[PathProblem, ...]
    remove: tuple[str, ...] = ()
    refused: str | None = None
    relayed: Mapping[Key, int] = attrs.field(factory=dict)


@attrs.frozen
class Wishes:
    """The options of a sync.

    Copy unchanged files, too; remove more than surplus.MOST files and folders; let hosts pass files on to each other.
    """

    always_copy: bool = False
    may_remove: bool = False
    relay: Relay | None = None


def sync(
    host: Host, session: str, trees: ByRoot, sources: LocalSources, wishes: Wishes, progress: Progress, own: Values
) -> SyncResult:
    """Bring the files of `trees`, by root, to `host`. Raise HostError if the host as a whole fails.

    `own` are the values that ownership.sh wants.
    """
    roots = [Root(name, tree) for name, tree in trees.items()]
    with conversation(host, sync_script(session, trees, own, wishes.relay is not None)) as talk:
        commands = RemoteCommands(talk, trees)
        update = _find_changes(commands, roots, sources, wishes.always_copy, may_change=True)
        if refused := _refused(roots, wishes):
            raise HostError(refused)
        member = _member(host, commands, update, wishes.relay)
        update.apply(commands, progress, member)
        if member:
            member.serve()
    # Leaving the conversation has ended the script, without a round trip.
    return _result(roots, update)


def _member(host: Host, commands: RemoteCommands, update: HostUpdate, relay: Relay | None) -> Member | None:
    """Let the host join the relay, if it takes part."""
    keys = _relayed(host, update, relay)
    if relay is None or not keys:
        return None
    member = Member(relay, host.name, commands)
    member.join(keys)
    return member


def _relayed(host: Host, update: HostUpdate, relay: Relay | None) -> dict[Key, int]:
    """Return the sizes of the batches that a host gets through the relay: none if it gets so little that this would
    take longer.
    """
    if relay is None or host.name == LOCALHOST:
        return {}
    sizes = {batch.key(): batch.size for batch in update.batches()}
    return sizes if sum(sizes.values()) >= LEAST_RELAYED else {}


def may_remove(trees: ByRoot) -> bool:
    """Return whether a sync may remove files."""
    return any(mirror.deletes for tree in trees.values() for mirror in tree.mirrors.values())


def check_removals(host: Host, connect: Script, session: str, trees: ByRoot) -> list[str]:
    """Run the script `connect`, and count the removals of a sync over the same channel; return what `connect` answers.

    Raise HostError if there are more than surplus.MOST. Do not count them if `connect` answers that the session belongs
    to another owner. Change nothing.
    """
    roots = [Root(name, tree) for name, tree in trees.items()]
    with conversation(host, checked_preview_script(connect, session, trees)) as talk:
        answers = [*iter(talk.answer, CHECKED), CHECKED]
        if len(answers) > 1:
            return answers
        commands = RemoteCommands(talk, trees)
        _look(commands, roots)
        commands.end()
    find_conflicts(roots)
    if refused := _refused(roots, Wishes()):
        raise HostError(refused)
    return answers


def _look(commands: RemoteCommands, roots: Sequence[Root]) -> str:
    """Set the folders and inventories of the roots; return the name of staging folders."""
    asked = ask_inventories(commands, roots, with_lists=True)
    staging, *folders = map(os.fsdecode, commands.answer(0))
    for root, folder in zip(roots, folders, strict=True):
        root.folder = folder
    read_inventories(commands, asked)
    return staging


def _find_changes(
    commands: RemoteCommands, roots: Sequence[Root], sources: LocalSources, always_copy: bool, may_change: bool
) -> HostUpdate:
    """Compare the roots with the host, and set their changes; return the update that applies these."""
    staging = _look(commands, roots)
    if not always_copy:
        compare(commands, roots, sources.hashes, may_change)
    find_conflicts(roots)
    for root in roots:
        root.find_changes()
    return HostUpdate(roots, staging, sources)


def _result(roots: Sequence[Root], update: HostUpdate) -> SyncResult:
    sent = []
    for (root, path), local in update.files():
        if path not in root.problems:
            sent.append(update.sent_bytes((root, path), local))
    chmodded = 0
    for root in roots:
        chmodded += len((root.changes.chmod.keys() & root.tree.files.keys()) - root.problems.keys())
    removed = sum(root.removed for root in roots)
    return SyncResult(_count_files(roots), len(sent), sum(sent), chmodded, _path_problems(roots), removed)


def _refused(roots: Iterable[Root], wishes: Wishes) -> str | None:
    return refusal(sum(len(root.removals) for root in roots), wishes.may_remove)


def _count_files(roots: Iterable[Root]) -> int:
    return sum(len(root.tree.files) for root in roots)


def _path_problems(roots: Iterable[Root]) -> tuple[PathProblem, ...]:
    problems = []
    for root in roots:
        for path, reason in causes(root.problems, root.changes).items():
            problems.append(PathProblem(root.spelled(path), reason))
    return tuple(problems)


def preview(host: Host, session: str, trees: ByRoot, sources: LocalSources, wishes: Wishes) -> SyncPlan:
    """Return the changes that `sync` would make, as far as they can be known in advance. Change nothing.

    Raise HostError if the host as a whole fails.
    """
    roots = [Root(name, tree) for name, tree in trees.items()]
    with conversation(host, preview_script(session, trees)) as talk:
        commands = RemoteCommands(talk, trees)
        update = _find_changes(commands, roots, sources, wishes.always_copy, may_change=False)
        commands.end()
    for root in roots:
        if root.name.startswith(TEMPORARY) and posixpath.basename(root.folder) == NOT_YET:
            root.folder = NEW_FOLDER
    return _plan(roots, update, wishes, _relayed(host, update, wishes.relay))


def _plan(roots: Sequence[Root], update: HostUpdate, wishes: Wishes, relayed: dict[Key, int]) -> SyncPlan:
    send: list[FileToSend] = []
    make: list[str] = []
    chmod: list[str] = []
    remove: list[str] = []
    for (root, path), local in update.files():
        size = update.sent_bytes((root, path), local)
        why = "--always-copy" if wishes.always_copy else why_sent(root.inventory, path, local.size)
        send.append(FileToSend(local.path, root.spelled(path), size, why, local.link))
    for root in roots:
        make += map(root.spelled, root.changes.make)
        chmod += map(root.spelled, root.changes.chmod.keys() - root.new.keys())
        remove += map(root.spelled, root.removals)
    changes = tuple(send), tuple(sorted(make)), tuple(sorted(chmod))
    refused = _refused(roots, wishes)
    return SyncPlan(_count_files(roots), *changes, _path_problems(roots), tuple(remove), refused, relayed)
