"""The checks of `fab doctor`: what a host lacks to run its components.

`probe` asks the host, and `packages` knows how to install packages. Only `examine` talks with a host; the rest is pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

import attrs

from rr_config import Component

from ..components.requirements import Requirement, requirements
from ..components.screen import MOST_WINDOWS
from ..remote.ask import conversation
from ..remote.conversation import Conversation
from ..remote.host import Host
from ..transfer.inventory import read_stat
from ..transfer.tree import TEMPORARY, ByRoot
from ..util.clock import Clock
from ..util.text import byte_size
from .packages import NEEDED, OF_GNU, Manager
from .places import executable_folders, shortage, state_shortage, unexecutable
from .probe import LOOKED, Facts, Sample, probe_script, read_clock, read_facts, read_volumes
from .volumes import Volume, folders_to_ask, volumes_of

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


def unreachable(host: str, reason: str) -> Diagnosis:
    """Return the diagnosis of a host that cannot be examined."""
    return Diagnosis(host, (Check("login", Verdict.PROBLEM, reason),))


def examine(host: Host, session: str, components: Sequence[Component], trees: ByRoot, always_copy: bool) -> Diagnosis:
    """Examine a host, and change nothing there. Raise HostError if that fails.

    `components` will run on the host. `trees` are the files that it will get, by root. With `always_copy`, a sync sends
    files that are already there, too.
    """
    programs = requirements(components)
    folders = executable_folders(components)
    with conversation(host, probe_script(session, programs, trees, folders)) as talk:
        facts = read_facts(trees, iter(talk.answer, LOOKED))
        samples = [_sample(talk, host.clock) for _ in range(SAMPLES)]
        volumes = _look_at_volumes(talk, facts, trees, always_copy) if facts.can_tell_of_files else []
        talk.send(b"end\n")
        list(talk.answers())
    checks = [Check("login", Verdict.OK, f"as {facts.user}"), *package_checks(facts)]
    checks += [*program_checks(facts, programs), clock_check(list(filter(None, samples)))]
    checks += [*limit_checks(facts, len(components)), *disk_checks(facts, volumes)]
    checks += [*place_checks(facts, folders, len(components)), logout_check(facts), *session_checks(facts)]
    return Diagnosis(host.name, tuple(checks), facts.missing, facts.manager)


def _sample(talk: Conversation, clock: Clock) -> Sample | None:
    sent = clock.now()
    talk.send(b"clock\n")
    return read_clock(talk.answer(), sent, clock.now())


def _look_at_volumes(talk: Conversation, facts: Facts, trees: ByRoot, always_copy: bool) -> list[Volume]:
    for number, (root, tree) in enumerate(trees.items(), 1):
        is_there = facts.roots[root].word == "there"
        talk.send_command(f"files {number}", tree.files if is_there and not always_copy else ())
        talk.send_command(f"folders {number}", folders_to_ask(tree))
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


def program_checks(facts: Facts, programs: Iterable[Requirement]) -> Iterator[Check]:
    """Check that the programs that components need are installed."""
    for each in programs:
        is_there = each.text not in facts.lacking
        detail = "is installed" if is_there else f"not installed ({each.reason}); install it, or remove it from needs"
        yield Check(each.program, Verdict.OK if is_there else Verdict.PROBLEM, detail)


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


def disk_checks(facts: Facts, volumes: Iterable[Volume]) -> Iterator[Check]:
    """Check that the roots of the files exist, and that the file systems have enough space."""
    for root, place in facts.roots.items():
        if place.word == "lost":
            what = "folder for temporary files" if root.startswith(TEMPORARY) else "home folder"
            yield Check("home", Verdict.PROBLEM, f"no such {what}: {place.path}")
    if not facts.can_tell_of_files:
        yield Check("disk", Verdict.WARNING, "cannot be checked without coreutils and findutils")
    for each in volumes:
        short = shortage(each.place, each.free, each.wanted, each.inodes, each.entries)
        detail = short or f"{each.place}: {byte_size(each.free)} free, {byte_size(each.wanted)} needed"
        yield Check("disk", Verdict.WARNING if short else Verdict.OK, detail, each.free, each.wanted)


def place_checks(facts: Facts, folders: Mapping[str, str], components: int) -> Iterator[Check]:
    """Check the space for the state of components, and that programs in these folders can be executed."""
    state, *found = facts.file_systems
    short = state_shortage(state, components)
    yield Check("state", Verdict.WARNING if short else Verdict.OK, short or "has enough space")
    problems = list(unexecutable(folders, found))
    for problem in problems:
        yield Check("executables", Verdict.WARNING, problem)
    if not problems:
        yield Check("executables", Verdict.OK, "are on file systems that execute programs")


def logout_check(facts: Facts) -> Check:
    """Check that programs go on when the login ends."""
    if not facts.kills_at_logout:
        return Check("logout", Verdict.OK, "programs go on")
    how = f"set it to no in logind.conf of the host, or add {facts.user} to KillExcludeUsers"
    return Check("logout", Verdict.WARNING, f"KillUserProcesses=yes kills programs when the login ends; {how}")


def session_checks(facts: Facts) -> Iterator[Check]:
    """Check that screen lists the sessions that were started."""
    for id_, folder in facts.unseen:
        where = f"with SCREENDIR={folder}" if folder else "without SCREENDIR"
        how = "commands do not see it; log in with the same value, or end it on the host"
        yield Check("sessions", Verdict.WARNING, f"{id_} was started {where}, and screen does not list it; {how}")
    if not facts.unseen:
        yield Check("sessions", Verdict.OK, "are listed by screen")
