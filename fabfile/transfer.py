"""Brings one host what it lacks: asks what it has, compares, and has the difference delivered.

One channel, and three or four round trips, however many files there are.
"""

import os
from collections.abc import Mapping

import attrs

from .changes import Changes, causes, changes, why_sent
from .content import compare
from .delivery import Delivery, Sources
from .hosts import Host, conversation
from .manifest import Place, Tree, conflicts
from .orders import NOT_YET, Orders, look_script, sync_script
from .sending import Progress
from .survey import Survey

NEW_FOLDER = "(new temporary folder)"


@attrs.frozen
class PathProblem:
    """A path on a host that could not be made as wanted, and why."""

    path: str
    reason: str


@attrs.frozen
class Synced:
    """What a sync did on one host, counted in files, and in bytes of content that went there; what it could not do."""

    files: int
    sent: int
    sent_bytes: int
    chmodded: int
    problems: tuple[PathProblem, ...]


@attrs.frozen
class ToSend:
    """A file that a sync would send: where it is here and there, how many bytes of it would go there, and why."""

    local: str
    remote: str
    bytes: int
    why: str


@attrs.frozen
class ToSync:
    """What a sync would do on one host: `files` are wanted there; `make` and `chmod` are folders and files there.

    Where a temporary folder is not there yet, a path in it begins with NEW_FOLDER.
    """

    files: int
    send: tuple[ToSend, ...]
    make: tuple[str, ...]
    chmod: tuple[str, ...]
    problems: tuple[PathProblem, ...]


@attrs.frozen
class _Found:
    """What has to be done on a host, by root, and with what."""

    surveys: Mapping[str, Survey]
    todo: Mapping[str, Changes]
    delivery: Delivery

    @property
    def problems(self) -> dict[Place, str]:
        return {(root, path): why for root, each in self.todo.items() for path, why in each.problems.items()}


def sync(
    host: Host,
    session: str,
    trees: Mapping[str, Tree],
    sources: Sources,
    always_copy: bool,
    progress: Progress,
) -> Synced:
    """Bring `trees`, by root, to `host`. HostError where the host as a whole fails."""
    with conversation(host, sync_script(session, trees)) as talk:  # which ends the script: one round trip less
        orders = Orders(talk, trees)
        found = _find_out(orders, trees, sources, always_copy, may_change=True)
        delivery, todo = found.delivery, found.todo
        problems = found.problems | delivery.carry_out(orders, progress)
    named = causes(problems, todo)
    sent = [delivery.sent_bytes(place, local) for place, local in delivery.files() if place not in problems]
    return Synced(
        files=sum(len(tree.files) for tree in trees.values()),
        sent=len(sent),
        sent_bytes=sum(sent),
        chmodded=sum(p in trees[r].files and (r, p) not in problems for r, each in todo.items() for p in each.chmod),
        problems=tuple(PathProblem(delivery.spelled(place), reason) for place, reason in named.items()),
    )


def preview(host: Host, session: str, trees: Mapping[str, Tree], sources: Sources, always_copy: bool) -> ToSync:
    """What `sync` would do, as far as can be known without doing it. Changes nothing."""
    with conversation(host, look_script(session, trees)) as talk:
        orders = Orders(talk, trees)
        found = _find_out(orders, trees, sources, always_copy, may_change=False)
        orders.end()
    delivery, todo = found.delivery, found.todo

    def spelled(place: Place) -> str:
        before, not_yet, below = delivery.spelled(place).partition(f"/{NOT_YET}")
        return NEW_FOLDER + below if not_yet else before

    new = {(root, path) for root, each in todo.items() for path in each.make}
    chmod = [(root, path) for root, each in todo.items() for path in each.chmod if (root, path) not in new]
    return ToSync(
        files=sum(len(tree.files) for tree in trees.values()),
        send=tuple(
            ToSend(
                local.path,
                spelled(place),
                delivery.sent_bytes(place, local),
                "--always-copy" if always_copy else why_sent(found.surveys[place[0]], place[1], local.size),
            )
            for place, local in delivery.files()
        ),
        make=tuple(sorted(map(spelled, new))),
        chmod=tuple(sorted(map(spelled, chmod))),
        problems=tuple(PathProblem(spelled(p), why) for p, why in causes(found.problems, todo).items()),
    )


def _find_out(
    orders: Orders, trees: Mapping[str, Tree], sources: Sources, always_copy: bool, may_change: bool
) -> _Found:
    asked = {root: orders.ask_for_survey(root, tree) for root, tree in trees.items()}
    staging, *places = map(os.fsdecode, orders.answer(0))
    known = dict(zip(trees, places, strict=True))
    surveys = {root: orders.survey(asked[root], tree) for root, tree in trees.items()}
    compared = {} if always_copy else compare(orders, trees, surveys, sources.hashes, may_change)
    same = {root: each.same for root, each in compared.items()}
    taken = conflicts(trees, known)
    todo = {root: changes(tree, surveys[root], same.get(root), taken.get(root)) for root, tree in trees.items()}
    partial = {(root, path): part for root, each in compared.items() for path, part in each.partial.items()}
    return _Found(surveys, todo, Delivery(trees, known, todo, partial, staging, sources))
