"""The checks of `fab doctor`: what a host lacks to run its components.

`probe` asks the host, and `packages` knows how to install packages. Only `examine` talks with a host; the rest is pure.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain

import attrs

from rr_config import Component

from ..components import requirements
from ..components.screen import MOST_WINDOWS
from ..remote.ask import conversation
from ..remote.conversation import Conversation
from ..remote.host import Host
from ..transfer.inventory import RemoteEntry, read_stat
from ..transfer.tree import TEMPORARY, ByRoot, Tree, above, locate
from ..util.clock import Clock
from ..util.text import byte_size
from .packages import NEEDED, OF_GNU, Manager
from .probe import LOOKED, Facts, Sample, probe_script, read_clock, read_facts, read_volumes

Files = Mapping[str, RemoteEntry]
Folders = Mapping[str, tuple[bytes, int]]  # the file system of each folder, by its number, and the free bytes there
MOST_SECONDS_APART = 1.0
SAMPLES = 3


class Verdict(StrEnum):
    """The result of a check. A run would fail because of a `problem`, and might fail because of a `warning`."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@attrs.frozen
class Check:
    """One check of a host, its verdict, and the details for a person.

    If the verdict depends on numbers, these are `measured` and `wanted`. The check `disk` has the free bytes and the
    bytes to send. The check `clock` has the seconds by which the host's clock is ahead. `windows`, `processes` and
    `terminals` have the free number and the needed number. None means no limit, or unknown.
    """

    name: str
    verdict: Verdict
    detail: str
    measured: float | None = None
    wanted: float | None = None


@attrs.frozen
class Diagnosis:
    """All checks of one host.

    `missing` are the packages that it lacks. `manager` is its package manager, or None if it has no known one.
    """

    host: str
    checks: tuple[Check, ...]
    missing: tuple[str, ...] = ()
    manager: Manager | None = None

    @property
    def is_well(self) -> bool:
        """Return whether no check has found a problem. Warnings do not count."""
        return all(check.verdict != Verdict.PROBLEM for check in self.checks)

    @property
    def install_command(self) -> str:
        """Return the command that installs the missing packages on the host.

        It is empty if nothing is missing, or if the user cannot install packages.
        """
        return self.manager.unattended(self.missing) if self.manager and self.missing else ""

    def as_dicts(self) -> list[dict[str, object]]:
        """Return the checks as plain values, as `fab doctor --json` prints them."""
        rows = []
        for check in self.checks:
            row: dict[str, object] = {"host": self.host, "check": check.name, "verdict": str(check.verdict)}
            rows.append(row | {"detail": check.detail, "measured": check.measured, "wanted": check.wanted})
        return rows


@attrs.frozen
class Volume:
    """A file system of a host: a path in it, its free bytes, and the bytes that a sync would send to it."""

    place: str
    free: int
    wanted: int


def unreachable(host: str, reason: str) -> Diagnosis:
    """Return the diagnosis of a host that cannot be examined."""
    return Diagnosis(host, (Check("login", Verdict.PROBLEM, reason),))


def examine(host: Host, session: str, components: Sequence[Component], trees: ByRoot, always_copy: bool) -> Diagnosis:
    """Examine a host, and change nothing there. Raise HostError if that fails.

    `components` will run on the host. `trees` are the files that it will get, by root. With `always_copy`, a sync sends
    files that are already there, too.
    """
    programs = requirements.reasons(components)
    with conversation(host, probe_script(session, programs, trees)) as talk:
        facts = read_facts(trees, iter(talk.answer, LOOKED))
        samples = [_sample(talk, host.clock) for _ in range(SAMPLES)]
        volumes = _look_at_volumes(talk, facts, trees, always_copy) if facts.can_tell_of_files else []
        talk.send(b"end\n")
        list(talk.answers())
    checks = [Check("login", Verdict.OK, f"as {facts.user}"), *package_checks(facts)]
    checks += [*program_checks(facts, programs), clock_check(list(filter(None, samples)))]
    checks += [*limit_checks(facts, len(components)), *disk_checks(facts, volumes)]
    return Diagnosis(host.name, tuple(checks), facts.missing, facts.manager)


def _sample(talk: Conversation, clock: Clock) -> Sample | None:
    sent = clock.now()
    talk.send(b"clock\n")
    return read_clock(talk.answer(), sent, clock.now())


def _look_at_volumes(talk: Conversation, facts: Facts, trees: ByRoot, always_copy: bool) -> list[Volume]:
    for number, (root, tree) in enumerate(trees.items(), 1):
        is_there = facts.roots[root].word == "there"
        talk.send_command(f"files {number}", tree.files if is_there and not always_copy else ())
        talk.send_command(f"folders {number}", _folders_to_ask(tree))
    answers = {}
    for root in trees:
        answers[root] = read_stat(iter(talk.raw_answer, b"")), read_volumes(iter(talk.raw_answer, b""))
    return volumes_of(facts, trees, answers)


def package_checks(facts: Facts) -> Iterator[Check]:
    """Check that the packages that scripts need are installed, and that screen works.

    Other commands fail for the same reasons in the same words; see tools.sh.
    """
    for name in NEEDED:
        if name == "screen" and facts.screen_problem:
            yield Check(name, Verdict.PROBLEM, facts.screen_problem)
            continue
        if name not in facts.missing:
            yield Check(name, Verdict.OK, "is installed")
            continue
        problem = "not installed, or not the GNU version" if name in OF_GNU else "not installed"
        how = f"install it with: {facts.manager.by_hand([name])}" if facts.manager else "install it on the host"
        yield Check(name, Verdict.PROBLEM, f"{problem}; {how}")


def program_checks(facts: Facts, programs: Mapping[str, str]) -> Iterator[Check]:
    """Check that the programs that components need are installed.

    `programs` maps each program to the reason why it is needed.
    """
    for name, why in programs.items():
        is_there = name not in facts.lacking
        detail = "is installed" if is_there else f"not installed ({why}); install it, or remove it from needs"
        yield Check(name, Verdict.OK if is_there else Verdict.PROBLEM, detail)


def clock_check(samples: Sequence[Sample]) -> Check:
    """Check that the clock of the host agrees with the clock here.

    The sample with the shortest round trip is the most precise one. Its error is at most half of the round trip, so the
    check warns only about a difference beyond that.
    """
    if not samples:
        return Check("clock", Verdict.WARNING, "the host does not report its time")
    best = min(samples)
    is_apart = abs(best.ahead) - best.round_trip / 2 > MOST_SECONDS_APART
    how = f"{abs(best.ahead):,.3f} s {'ahead of' if best.ahead > 0 else 'behind'} this machine"
    precision = f"(give or take {best.round_trip / 2:.3f} s)"
    return Check("clock", Verdict.WARNING if is_apart else Verdict.OK, f"{how} {precision}", round(best.ahead, 6))


def limit_checks(facts: Facts, components: int) -> Iterator[Check]:
    """Check that there are enough windows, processes and terminals for so many components."""
    windows = MOST_WINDOWS - 1  # the session has one for a shell
    verdict = Verdict.OK if components <= windows else Verdict.PROBLEM
    yield Check("windows", verdict, _compared(windows, components), windows, components)
    # The processes are a launcher and a program for each, screen, and a shell.
    yield _limit_check("processes", facts.processes, 2 * components + 2)
    yield _limit_check("terminals", facts.terminals, components + 1)


def _limit_check(name: str, known: tuple[int | None, int] | None, wanted: int) -> Check:
    if known is None:
        return Check(name, Verdict.WARNING, "the host does not report its limit", None, wanted)
    limit, number = known
    if limit is None:
        return Check(name, Verdict.OK, "unlimited", None, wanted)
    free = max(limit - number, 0)
    return Check(name, Verdict.OK if wanted <= free else Verdict.WARNING, _compared(free, wanted), free, wanted)


def _compared(free: int, wanted: int) -> str:
    return f"{free:,} free, {wanted:,} needed"


def _folders_to_ask(tree: Tree) -> list[str]:
    """Return the folders of a tree and all folders above them, sorted.

    A folder that does not exist will be created on the file system of the nearest folder above it.
    """
    return sorted({*tree.folders, *chain.from_iterable(map(above, tree.folders))})


def volumes_of(facts: Facts, trees: ByRoot, answers: Mapping[str, tuple[Files, Folders]]) -> list[Volume]:
    """Return the file systems that hold the trees, with the bytes that a sync would send to each.

    A file that is there with the right size does not count. `answers` holds the existing files and folders by root.
    """
    volumes: dict[bytes, Volume] = {}
    for root, tree in trees.items():
        files, folders = answers[root]
        for folder, size in _to_come(tree, files).items():
            known = _nearest(folder, folders)
            if known is None:
                continue  # the root is missing, which `disk_checks` reports
            number, free = known
            place = locate(facts.roots[root].path if root.startswith(TEMPORARY) else root, folder)
            volume = volumes.setdefault(number, Volume(place, free, 0))
            volumes[number] = attrs.evolve(volume, wanted=volume.wanted + size)
    return list(volumes.values())


def _nearest(folder: str, known: Folders) -> tuple[bytes, int] | None:
    """Return the file system of a folder, or of the nearest known folder above it."""
    for path in (folder, *above(folder)):
        if path in known:
            return known[path]
    return None


def _to_come(tree: Tree, files: Files) -> dict[str, int]:
    """Return for each folder of a tree how many bytes a sync would send to it."""
    sizes = dict.fromkeys(tree.folders, 0)
    for path, local in tree.files.items():
        found = files.get(path)
        if found is None or not found.is_file or found.size != local.size:
            sizes[posixpath.dirname(path)] += local.size
    return sizes


def disk_checks(facts: Facts, volumes: Iterable[Volume]) -> Iterator[Check]:
    """Check that the roots of the files exist, and that the file systems have enough space."""
    for root, place in facts.roots.items():
        if place.word == "lost":
            what = "folder for temporary files" if root.startswith(TEMPORARY) else "home folder"
            yield Check("home", Verdict.PROBLEM, f"no such {what}: {place.path}")
    if not facts.can_tell_of_files:
        yield Check("disk", Verdict.WARNING, "cannot be checked without coreutils and findutils")
    for each in volumes:
        verdict = Verdict.OK if each.wanted <= each.free else Verdict.WARNING
        detail = f"{each.place}: {byte_size(each.free)} free, {byte_size(each.wanted)} needed"
        yield Check("disk", verdict, detail, each.free, each.wanted)
