"""What a host lacks for the components that it is to run. Only `examine` talks with a host; the rest is pure."""

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

import attrs

from rr_config import Component

from ..components import requirements
from ..components.screen import MOST_WINDOWS
from ..remote.ask import conversation
from ..remote.conversation import Conversation
from ..remote.host import Host
from ..transfer.inventory import RemoteEntry, read_stat
from ..transfer.tree import TEMPORARY, Tree, above, locate
from ..util.clock import Clock
from ..util.text import byte_size
from .packages import NEEDED, OF_GNU, Manager
from .probe import LOOKED, Facts, Sample, probe_script, read_clock, read_facts, read_volumes

MOST_SECONDS_APART = 1.0
SAMPLES = 3


class Verdict(StrEnum):
    """How a check has turned out: a run would fail for a `problem`, and may for what is a `warning`."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@attrs.frozen
class Check:
    """One thing that was looked at, and what was found, in words.

    `measured` and `wanted` are what the verdict comes from, where that is numbers: bytes that are free, and that are
    to come; seconds by which the host's clock is ahead; windows, processes or terminals. None: without limit, or
    not known.
    """

    name: str
    verdict: Verdict
    detail: str
    measured: float | None = None
    wanted: float | None = None


@attrs.frozen
class Diagnosis:
    """All checks of one host; the packages that it lacks, and how they can be installed, if they can."""

    host: str
    checks: tuple[Check, ...]
    missing: tuple[str, ...] = ()
    manager: Manager | None = None

    @property
    def is_well(self) -> bool:
        """Whether there is no problem. There may be warnings."""
        return all(check.verdict != Verdict.PROBLEM for check in self.checks)

    @property
    def install_command(self) -> str:
        """The command that installs there what is missing; empty where nothing is, or nobody can."""
        return self.manager.unattended(self.missing) if self.manager and self.missing else ""

    def as_dicts(self) -> list[dict[str, object]]:
        """Each check under plain names, as `fab doctor --json` has it."""
        return [
            {"host": self.host, "check": check.name, "verdict": str(check.verdict), "detail": check.detail}
            | {"measured": check.measured, "wanted": check.wanted}
            for check in self.checks
        ]


@attrs.frozen
class Volume:
    """A file system: a place in it, the bytes that are free, and those that are to come."""

    place: str
    free: int
    wanted: int


def unreachable(host: str, reason: str) -> Diagnosis:
    """The diagnosis of a host that cannot be looked at."""
    return Diagnosis(host, (Check("login", Verdict.PROBLEM, reason),))


def examine(
    host: Host, session: str, components: Sequence[Component], trees: Mapping[str, Tree], always_copy: bool
) -> Diagnosis:
    """Look at a host that is to run `components` and to get `trees`, by root. HostError where that is impossible."""
    programs = requirements.reasons(components)
    with conversation(host, probe_script(session, programs, trees)) as talk:
        facts = read_facts(trees, iter(talk.answer, LOOKED))
        samples = [_sample(talk, host.clock) for _ in range(SAMPLES)]
        volumes = _look_at_volumes(talk, facts, trees, always_copy) if facts.can_tell_of_files else []
        talk.send(b"end\n")
        list(talk.answers())
    checks = [
        Check("login", Verdict.OK, f"as {facts.user}"),
        *package_checks(facts),
        *program_checks(facts, programs),
        clock_check([each for each in samples if each is not None]),
        *limit_checks(facts, len(components)),
        *disk_checks(facts, volumes),
    ]
    return Diagnosis(host.name, tuple(checks), facts.missing, facts.manager)


def _sample(talk: Conversation, clock: Clock) -> Sample | None:
    sent = clock.now()
    talk.send(b"clock\n")
    there = talk.answer()
    return read_clock(there, sent, clock.now())


def _look_at_volumes(talk: Conversation, facts: Facts, trees: Mapping[str, Tree], always_copy: bool) -> list[Volume]:
    for number, (root, tree) in enumerate(trees.items(), 1):
        is_there = facts.roots[root].word == "there"
        for order, paths in (("files", tree.files if is_there and not always_copy else ()), ("folders", _asked(tree))):
            listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
            talk.send(f"{order} {number} {len(listed)}\n".encode() + listed)

    def records() -> list[bytes]:
        return list(iter(talk.raw_answer, b""))

    answers = {root: (read_stat(records()), read_volumes(records())) for root in trees}
    return volumes_of(facts, trees, answers)


def package_checks(facts: Facts) -> Iterator[Check]:
    """Whether what scripts need is installed."""
    for name in NEEDED:
        if name not in facts.missing:
            yield Check(name, Verdict.OK, "is installed")
            continue
        how = f"install it there with: {facts.manager.by_hand([name])}" if facts.manager else "install it there"
        yield Check(name, Verdict.PROBLEM, f"not installed{', or not that of GNU' * (name in OF_GNU)}; {how}")


def program_checks(facts: Facts, programs: Mapping[str, str]) -> Iterator[Check]:
    """Whether the programs are there that components need, each of which has its words."""
    for name, why in programs.items():
        is_there = name not in facts.lacking
        detail = "is installed" if is_there else f"not installed ({why}); install it there, or do without"
        yield Check(name, Verdict.OK if is_there else Verdict.PROBLEM, detail)


def clock_check(samples: Sequence[Sample]) -> Check:
    """How far the clocks are apart, by the sample that took the least; not more than can be said for sure."""
    if not samples:
        return Check("clock", Verdict.WARNING, "the host does not say what time it is")
    best = min(samples)
    is_apart = abs(best.ahead) - best.round_trip / 2 > MOST_SECONDS_APART
    how = f"{abs(best.ahead):,.3f} s {'ahead of' if best.ahead > 0 else 'behind'} this machine"
    precision = f"(give or take {best.round_trip / 2:.3f} s)"
    return Check("clock", Verdict.WARNING if is_apart else Verdict.OK, f"{how} {precision}", round(best.ahead, 6))


def limit_checks(facts: Facts, components: int) -> Iterator[Check]:
    """Whether so many components find windows, processes and terminals."""
    windows = MOST_WINDOWS - 1  # one is that of a shell
    verdict = Verdict.OK if components <= windows else Verdict.PROBLEM
    yield Check("windows", verdict, _compared(windows, components), windows, components)
    for name, known, wanted in (
        ("processes", facts.processes, 2 * components + 2),  # a launcher and a program each, screen, and a shell
        ("terminals", facts.terminals, components + 1),
    ):
        yield _limit_check(name, known, wanted)


def _limit_check(name: str, known: tuple[int | None, int] | None, wanted: int) -> Check:
    if known is None:
        return Check(name, Verdict.WARNING, "the host does not say how many there may be", None, wanted)
    limit, number = known
    if limit is None:
        return Check(name, Verdict.OK, "without limit", None, wanted)
    free = max(limit - number, 0)
    return Check(name, Verdict.OK if wanted <= free else Verdict.WARNING, _compared(free, wanted), free, wanted)


def _compared(free: int, wanted: int) -> str:
    return f"{free:,} free, {wanted:,} needed"


def _asked(tree: Tree) -> list[str]:
    """The folders of a tree, and all above them: the nearest that is there says what the others will be in."""
    return sorted({path for folder in tree.folders for path in (folder, *above(folder))})


def volumes_of(
    facts: Facts,
    trees: Mapping[str, Tree],
    answers: Mapping[str, tuple[Mapping[str, RemoteEntry], Mapping[str, tuple[bytes, int]]]],
) -> list[Volume]:
    """Each file system that something is to go to. What has its size already is not to come again.

    `answers` are, by root, the files and the folders that are there.
    """
    volumes: dict[bytes, Volume] = {}
    for root, tree in trees.items():
        files, folders = answers[root]
        for folder, size in _to_come(tree, files).items():
            known = next((folders[path] for path in (folder, *above(folder)) if path in folders), None)
            if known is None:
                continue  # of a root that is lost
            number, free = known
            place = locate(facts.roots[root].path if root.startswith(TEMPORARY) else root, folder)
            volume = volumes.setdefault(number, Volume(place, free, 0))
            volumes[number] = attrs.evolve(volume, wanted=volume.wanted + size)
    return list(volumes.values())


def _to_come(tree: Tree, files: Mapping[str, RemoteEntry]) -> dict[str, int]:
    """For each folder of a tree, the bytes that are to go into it."""
    sizes = dict.fromkeys(tree.folders, 0)
    for path, local in tree.files.items():
        found = files.get(path)
        if found is None or not found.is_file or found.size != local.size:
            sizes[posixpath.dirname(path)] += local.size
    return sizes


def disk_checks(facts: Facts, volumes: Iterable[Volume]) -> Iterator[Check]:
    """Whether the files find room, and the roots that they go to."""
    for root, place in facts.roots.items():
        if place.word == "lost":
            what = "folder for temporary files" if root.startswith(TEMPORARY) else "home folder"
            yield Check("home", Verdict.PROBLEM, f"there is no {what} {place.path}")
    if not facts.can_tell_of_files:
        yield Check("disk", Verdict.WARNING, "cannot be looked at without coreutils and findutils")
    for each in volumes:
        verdict = Verdict.OK if each.wanted <= each.free else Verdict.WARNING
        detail = f"{each.place}: {byte_size(each.wanted)} are to come, {byte_size(each.free)} are free"
        yield Check("disk", verdict, detail, each.free, each.wanted)
