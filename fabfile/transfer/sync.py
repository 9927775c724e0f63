"""Sync one host: get its `inventory`, compare it with the `tree` and the `checksums`, and `apply` the `diff`.

This takes one channel, and three or four round trips for any number of files.
"""

import os
from collections.abc import Mapping

import attrs

from ..remote.ask import conversation
from ..remote.host import Host
from ..remote.script import Value
from .apply import HostUpdate, LocalSources
from .checksums import compare
from .diff import Changes, causes, changes, why_sent
from .inventory import Inventory
from .remote_commands import NOT_YET, RemoteCommands, preview_script, sync_script
from .tree import RootPath, Tree, conflicts
from .upload import Progress

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
    """

    files: int
    sent: int
    sent_bytes: int
    chmodded: int
    problems: tuple[PathProblem, ...]


@attrs.frozen
class FileToSend:
    """A file that a sync would send: its paths here and on the host, the bytes that would be sent, and the reason."""

    local: str
    remote: str
    bytes: int
    why: str


@attrs.frozen
class SyncPlan:
    """The changes that a sync of one host would make.

    `files` is the number of files that should be there. `make` are folders to create, and `chmod` files and folders
    that get other permission bits. A path in a missing temporary folder begins with NEW_FOLDER.
    """

    files: int
    send: tuple[FileToSend, ...]
    make: tuple[str, ...]
    chmod: tuple[str, ...]
    problems: tuple[PathProblem, ...]


@attrs.frozen
class _Found:
    """The inventories and changes of a host, by root, and the update that applies them."""

    inventories: Mapping[str, Inventory]
    todo: Mapping[str, Changes]
    update: HostUpdate

    @property
    def problems(self) -> dict[RootPath, str]:
        return {(root, path): why for root, each in self.todo.items() for path, why in each.problems.items()}


def sync(
    host: Host,
    session: str,
    trees: Mapping[str, Tree],
    sources: LocalSources,
    always_copy: bool,
    progress: Progress,
    ownership: Mapping[str, Value],
) -> SyncResult:
    """Bring the files of `trees`, by root, to `host`. Raise HostError if the host as a whole fails.

    `ownership` are the values that ownership.sh wants.
    """
    with conversation(
        host, sync_script(session, trees, ownership)
    ) as talk:  # leaving it ends the script, without a round trip
        commands = RemoteCommands(talk, trees)
        found = _find_out(commands, trees, sources, always_copy, may_change=True)
        update, todo = found.update, found.todo
        problems = found.problems | update.apply(commands, progress)
    named = causes(problems, todo)
    sent = [update.sent_bytes(root_path, local) for root_path, local in update.files() if root_path not in problems]
    return SyncResult(
        files=sum(len(tree.files) for tree in trees.values()),
        sent=len(sent),
        sent_bytes=sum(sent),
        chmodded=sum(p in trees[r].files and (r, p) not in problems for r, each in todo.items() for p in each.chmod),
        problems=tuple(PathProblem(update.spelled(root_path), reason) for root_path, reason in named.items()),
    )


def preview(host: Host, session: str, trees: Mapping[str, Tree], sources: LocalSources, always_copy: bool) -> SyncPlan:
    """Return the changes that `sync` would make, as far as they can be known in advance. Change nothing.

    Raise HostError if the host as a whole fails.
    """
    with conversation(host, preview_script(session, trees)) as talk:
        commands = RemoteCommands(talk, trees)
        found = _find_out(commands, trees, sources, always_copy, may_change=False)
        commands.end()
    update, todo = found.update, found.todo

    def spelled(root_path: RootPath) -> str:
        before, not_yet, below = update.spelled(root_path).partition(f"/{NOT_YET}")
        return NEW_FOLDER + below if not_yet else before

    new = {(root, path) for root, each in todo.items() for path in each.make}
    chmod = [(root, path) for root, each in todo.items() for path in each.chmod if (root, path) not in new]
    return SyncPlan(
        files=sum(len(tree.files) for tree in trees.values()),
        send=tuple(
            FileToSend(
                local.path,
                spelled(root_path),
                update.sent_bytes(root_path, local),
                "--always-copy" if always_copy else why_sent(found.inventories[root_path[0]], root_path[1], local.size),
            )
            for root_path, local in update.files()
        ),
        make=tuple(sorted(map(spelled, new))),
        chmod=tuple(sorted(map(spelled, chmod))),
        problems=tuple(PathProblem(spelled(p), why) for p, why in causes(found.problems, todo).items()),
    )


def _find_out(
    commands: RemoteCommands, trees: Mapping[str, Tree], sources: LocalSources, always_copy: bool, may_change: bool
) -> _Found:
    asked = {root: commands.ask_inventory(root, tree) for root, tree in trees.items()}
    staging, *root_folders = map(os.fsdecode, commands.answer(0))
    known = dict(zip(trees, root_folders, strict=True))
    inventories = {root: commands.inventory(asked[root], tree) for root, tree in trees.items()}
    compared = {} if always_copy else compare(commands, trees, inventories, sources.hashes, may_change)
    same = {root: each.same for root, each in compared.items()}
    taken = conflicts(trees, known)
    todo = {root: changes(tree, inventories[root], same.get(root), taken.get(root)) for root, tree in trees.items()}
    partial = {(root, path): part for root, each in compared.items() for path, part in each.partial.items()}
    return _Found(inventories, todo, HostUpdate(trees, known, todo, partial, staging, sources))
