"""Brings one host what it lacks: asks what it has, compares, and has the difference delivered.

One channel, and three or four round trips, however many files there are.
"""

import os
from collections.abc import Mapping

import attrs

from ..remote.ask import conversation
from ..remote.host import Host
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
    """A path on a host that could not be made as wanted, and why."""

    path: str
    reason: str


@attrs.frozen
class SyncResult:
    """What a sync did on one host, counted in files, and in bytes of content that went there; what it could not do."""

    files: int
    sent: int
    sent_bytes: int
    chmodded: int
    problems: tuple[PathProblem, ...]


@attrs.frozen
class FileToSend:
    """A file that a sync would send: where it is here and there, how many bytes of it would go there, and why."""

    local: str
    remote: str
    bytes: int
    why: str


@attrs.frozen
class SyncPlan:
    """What a sync would do on one host: `files` are wanted there; `make` and `chmod` are folders and files there.

    Where a temporary folder is not there yet, a path in it begins with NEW_FOLDER.
    """

    files: int
    send: tuple[FileToSend, ...]
    make: tuple[str, ...]
    chmod: tuple[str, ...]
    problems: tuple[PathProblem, ...]


@attrs.frozen
class _Found:
    """What has to be done on a host, by root, and with what."""

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
) -> SyncResult:
    """Bring `trees`, by root, to `host`. HostError where the host as a whole fails."""
    with conversation(host, sync_script(session, trees)) as talk:  # which ends the script: one round trip less
        orders = RemoteCommands(talk, trees)
        found = _find_out(orders, trees, sources, always_copy, may_change=True)
        update, todo = found.update, found.todo
        problems = found.problems | update.apply(orders, progress)
    named = causes(problems, todo)
    sent = [update.sent_bytes(place, local) for place, local in update.files() if place not in problems]
    return SyncResult(
        files=sum(len(tree.files) for tree in trees.values()),
        sent=len(sent),
        sent_bytes=sum(sent),
        chmodded=sum(p in trees[r].files and (r, p) not in problems for r, each in todo.items() for p in each.chmod),
        problems=tuple(PathProblem(update.spelled(place), reason) for place, reason in named.items()),
    )


def preview(host: Host, session: str, trees: Mapping[str, Tree], sources: LocalSources, always_copy: bool) -> SyncPlan:
    """What `sync` would do, as far as can be known without doing it. Changes nothing."""
    with conversation(host, preview_script(session, trees)) as talk:
        orders = RemoteCommands(talk, trees)
        found = _find_out(orders, trees, sources, always_copy, may_change=False)
        orders.end()
    update, todo = found.update, found.todo

    def spelled(place: RootPath) -> str:
        before, not_yet, below = update.spelled(place).partition(f"/{NOT_YET}")
        return NEW_FOLDER + below if not_yet else before

    new = {(root, path) for root, each in todo.items() for path in each.make}
    chmod = [(root, path) for root, each in todo.items() for path in each.chmod if (root, path) not in new]
    return SyncPlan(
        files=sum(len(tree.files) for tree in trees.values()),
        send=tuple(
            FileToSend(
                local.path,
                spelled(place),
                update.sent_bytes(place, local),
                "--always-copy" if always_copy else why_sent(found.inventories[place[0]], place[1], local.size),
            )
            for place, local in update.files()
        ),
        make=tuple(sorted(map(spelled, new))),
        chmod=tuple(sorted(map(spelled, chmod))),
        problems=tuple(PathProblem(spelled(p), why) for p, why in causes(found.problems, todo).items()),
    )


def _find_out(
    orders: RemoteCommands, trees: Mapping[str, Tree], sources: LocalSources, always_copy: bool, may_change: bool
) -> _Found:
    asked = {root: orders.ask_inventory(root, tree) for root, tree in trees.items()}
    staging, *places = map(os.fsdecode, orders.answer(0))
    known = dict(zip(trees, places, strict=True))
    inventories = {root: orders.inventory(asked[root], tree) for root, tree in trees.items()}
    compared = {} if always_copy else compare(orders, trees, inventories, sources.hashes, may_change)
    same = {root: each.same for root, each in compared.items()}
    taken = conflicts(trees, known)
    todo = {root: changes(tree, inventories[root], same.get(root), taken.get(root)) for root, tree in trees.items()}
    partial = {(root, path): part for root, each in compared.items() for path, part in each.partial.items()}
    return _Found(inventories, todo, HostUpdate(trees, known, todo, partial, staging, sources))
