"""Brings one host what it lacks: asks what it has, compares, and has the difference delivered.

One channel, and three or four round trips, however many files there are.
"""

import os
from collections.abc import Mapping

import attrs

from .content import LocalHashes, compare
from .delivery import Delivery, Progress
from .hosts import Host, conversation
from .manifest import Tree, causes, changes, conflicts
from .orders import Orders, sync_script


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


def sync(
    host: Host,
    session: str,
    trees: Mapping[str, Tree],
    hashes: LocalHashes,
    always_copy: bool,
    progress: Progress,
) -> Synced:
    """Bring `trees`, by root, to `host`. HostError where the host as a whole fails."""
    with conversation(host, sync_script(session, trees)) as talk:
        orders = Orders(talk, trees)
        asked = {root: orders.ask_for_survey(root, tree) for root, tree in trees.items()}
        staging, *places = map(os.fsdecode, orders.answer(0))
        known = dict(zip(trees, places, strict=True))
        surveys = {root: orders.survey(asked[root], tree) for root, tree in trees.items()}
        compared = {} if always_copy else compare(orders, trees, surveys, hashes)
        same = {root: each.same for root, each in compared.items()}
        taken = conflicts(trees, known)
        todo = {root: changes(tree, surveys[root], same.get(root), taken.get(root)) for root, tree in trees.items()}
        partial = {(root, path): part for root, each in compared.items() for path, part in each.partial.items()}
        delivery = Delivery(trees, known, todo, partial, staging, hashes)
        problems = {(root, path): why for root, each in todo.items() for path, why in each.problems.items()}
        problems |= delivery.carry_out(orders, progress)
        orders.end()
    named = causes(problems, todo)
    sent = [delivery.sent_bytes(place, local) for place, local in delivery.files() if place not in problems]
    return Synced(
        files=sum(len(tree.files) for tree in trees.values()),
        sent=len(sent),
        sent_bytes=sum(sent),
        chmodded=sum(p in trees[r].files and (r, p) not in problems for r, each in todo.items() for p in each.chmod),
        problems=tuple(PathProblem(delivery.spelled(place), reason) for place, reason in named.items()),
    )
