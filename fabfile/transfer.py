"""Brings one host what it lacks: asks what it has, compares, and has the difference delivered.

One channel, and three or four round trips, however many files there are.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Mapping

import attrs

from rr_config.files import LocalFile

from .delivery import Delivery, Progress
from .hosts import Host, conversation
from .manifest import Survey, Tree, causes, changes, conflicts, hash_line, to_hash
from .orders import Orders, sync_script

BLOCK = 1 << 18


@attrs.frozen
class PathProblem:
    """A path on a host that could not be made as wanted, and why."""

    path: str
    reason: str


@attrs.frozen
class Synced:
    """What a sync did on one host: counts of files (and bytes of those sent), beside what could not be done."""

    files: int
    sent: int
    sent_bytes: int
    chmodded: int
    problems: tuple[PathProblem, ...]


def sync(
    host: Host,
    session: str,
    trees: Mapping[str, Tree],
    sha1: Callable[[LocalFile], str],
    always_copy: bool,
    progress: Progress,
) -> Synced:
    """Bring `trees`, by root, to `host`. HostError where the host as a whole fails."""
    with conversation(host, sync_script(session, trees)) as talk:
        orders = Orders(talk, trees)
        asked = {root: orders.ask_for_survey(root, tree) for root, tree in trees.items()}
        known = dict(zip(trees, map(os.fsdecode, orders.answer(0)), strict=True))
        surveys = {root: orders.survey(asked[root], tree) for root, tree in trees.items()}
        same = {} if always_copy else _same_content(orders, trees, surveys, sha1)
        taken = conflicts(trees, known)
        todo = {root: changes(tree, surveys[root], same.get(root), taken.get(root)) for root, tree in trees.items()}
        delivery = Delivery(trees, known, todo, f".remote-runner-{session}", sha1)
        problems = {(root, path): why for root, each in todo.items() for path, why in each.problems.items()}
        problems |= delivery.carry_out(orders, progress)
        orders.end()
    named = causes(problems, todo)
    sent = [local.size for place, local in delivery.files() if place not in problems]
    return Synced(
        files=sum(len(tree.files) for tree in trees.values()),
        sent=len(sent),
        sent_bytes=sum(sent),
        chmodded=sum(p in trees[r].files and (r, p) not in problems for r, each in todo.items() for p in each.chmod),
        problems=tuple(PathProblem(delivery.spelled(place), reason) for place, reason in named.items()),
    )


def _same_content(
    orders: Orders, trees: Mapping[str, Tree], surveys: Mapping[str, Survey], sha1: Callable[[LocalFile], str]
) -> dict[str, frozenset[str]]:
    """The files, by root, that have the same content on the host as here. Both sides hash at the same time."""
    paths = {root: to_hash(tree, surveys[root]) for root, tree in trees.items()}
    asked: dict[str, int] = {}
    for root in trees:
        if paths[root]:
            orders.enter(root)
            asked[root] = orders.tell("hash", paths[root])
    lines = {root: {hash_line(path, sha1(trees[root].files[path])): path for path in paths[root]} for root in asked}
    found: dict[str, frozenset[str]] = dict.fromkeys(trees, frozenset())
    for root, number in asked.items():
        found[root] = frozenset(lines[root][line] for line in lines[root].keys() & orders.answer(number))
    return found


class LocalHashes:
    """The SHA-1 of local files, each read once however many hosts ask, from any thread."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def __call__(self, local: LocalFile) -> str:
        """The hash, as hexadecimal digits."""
        if local.path not in self._known:
            with self._lock:
                lock = self._locks.setdefault(local.path, threading.Lock())
            with lock:
                if local.path not in self._known:
                    self._known[local.path] = _sha1(local.path)
            self._locks.pop(local.path, None)
        return self._known[local.path]


def _sha1(path: str) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    file = os.open(path, os.O_RDONLY)  # takes half the time of open(), which counts where files are small
    try:
        while block := os.read(file, BLOCK):
            digest.update(block)
    finally:
        os.close(file)
    return digest.hexdigest()
