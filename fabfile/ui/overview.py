"""A status that fits the terminal: the whole table, or totals, failures and a line for each component name. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from rr_config.hosts.natural_order import natural_key

from ..components.status import State, Status
from ..runner.watch import Look
from ..util.host_ranges import folded, host_range
from ..util.text import counted, duration, printable
from .recap import ORDER
from .tables import cpu_share, folded_hosts, for_seconds, how_ended, memory_size, note, status_rows
from .terminal import BOLD, RED, YELLOW, Line, Row, aligned

NO_ANSWER = "no answer yet"
ALWAYS = (State.FAILED, State.UNKNOWN)  # totals that are shown even if they are 0
WIDEST_HOSTS = 24  # of the hosts in a line about a failure
MOST_HOSTS = 3  # lines about sessions of other owners, and late hosts in the line about them


def screen(look: Look, width: int, height: int, is_whole: bool) -> list[Line]:
    """Return the lines of a look that fit a terminal: the whole table if possible, or else a summary.

    With `is_whole`, it is the table in any case, and the end of a longer one is missing.
    """
    head = _head(look, width)
    rows = status_rows(look.statuses, look.late)
    room = height - len(head) - 1  # and an empty line
    if is_whole or len(rows) <= room:
        return [*head, ("", ""), *_cut(aligned(rows), room, "row")][:height]
    return summary(look, width, height)


def summary(look: Look, width: int, height: int) -> list[Line]:
    """Return a summary in at most `height` lines."""
    head = _head(look, width)
    bad, names = _bad_rows(look), group_rows(look.statuses, "component")
    room = height - len(head) - 1
    if not bad:
        return [*head, ("", ""), *_cut(aligned(names), room, "component")][:height]
    room -= 1
    if len(bad) + len(names) > room:
        bad = _folded(bad)
    for_bad = min(len(bad), max(room - len(names), room // 2))
    lines = [*head, ("", ""), *_cut(aligned(bad), for_bad, "row"), ("", "")]
    return [*lines, *_cut(aligned(names), room - for_bad, "component")][:height]


def _cut(lines: Sequence[Line], most: int, noun: str) -> list[Line]:
    """Return at most so many lines; the last one says how many are missing."""
    if len(lines) <= most:
        return list(lines)
    left = len(lines) - max(most - 1, 0)
    return [*lines[: max(most - 1, 0)], (f"and {counted(left, noun)} more", "")]


def grouped(look: Look, width: int, height: int, by: str) -> list[Line]:
    """Return the totals and the table of groups, in at most `height` lines."""
    head, below = _head(look, width), _cut(notes_below(look), MOST_HOSTS, "line")
    room = height - len(head) - 1 - len(below)
    return [*head, ("", ""), *_cut(aligned(group_rows(look.statuses, by)), room, "row"), *below][:height]


def _head(look: Look, width: int) -> list[Line]:
    """Return the totals with the time, then late hosts, hosts without an answer yet, and sessions of other owners."""
    counts = Counter(each.state for each in look.statuses)
    hosts = len({each.component.host for each in look.statuses} | look.pending.keys())
    pending = sum(look.pending.values())
    begin = f"{counted(len(look.statuses) + pending, 'component')}, {counted(hosts, 'host')}:"
    totals = [f"{counts[state]:,} {state}" for state in ORDER if counts[state] or state in ALWAYS]
    states = "  ".join([*totals, *([f"{pending:,} {NO_ANSWER}"] if pending else [])])
    time = f"{datetime.fromtimestamp(look.time):%H:%M:%S}"
    style = RED if any(counts[state] for state in State if state.is_bad) else BOLD
    if len(begin) + len(states) + len(time) + 3 <= width:
        lines = [(f"{begin} {states}".ljust(width - len(time)) + time, style)]
    else:
        lines = [(begin.ljust(width - len(time)) + time, style), (f"  {states}", style)]
    waits = [(f"{NO_ANSWER}: {printable(host_range(look.pending))}", YELLOW)] if look.pending else []
    return lines + _late_line(look.late) + waits + _foreign_lines(look)


def _late_line(late: Mapping[str, float]) -> list[Line]:
    """Return a line about hosts without an answer for some time, the slowest first."""
    if not late:
        return []
    slowest = sorted(late, key=lambda host: -late[host])
    parts = [f"{printable(host)} for {duration(late[host])}" for host in slowest[:MOST_HOSTS]]
    if len(late) > MOST_HOSTS:
        parts.append(f"and {counted(len(late) - MOST_HOSTS, 'host')} more")
    return [(f"no answer: {', '.join(parts)}", YELLOW)]


def _foreign_lines(look: Look) -> list[Line]:
    """Return a line for each session of another owner; hosts with equal ones share it."""
    hosts: dict[str, list[str]] = {}
    for host, session in sorted(look.foreign.items()):
        hosts.setdefault(str(session), []).append(host)
    lines = [(printable(f"{host_range(names)}: {session}"), YELLOW) for session, names in hosts.items()]
    return _cut(lines, MOST_HOSTS, "session")


def _bad_rows(look: Look) -> list[Row]:
    """Return a row for each failed component, then for each host that does not answer, with a head."""
    rows: list[Row] = []
    bad = sorted((each for each in look.statuses if each.state.is_bad), key=lambda each: each.state is State.UNKNOWN)
    for status, count in folded_hosts(bad):
        name = status.component.name if count == 1 else counted(count, "component")
        said = note(status, look.late)
        if status.state is not State.FAILED:
            said = f"{status.state}: {said}"
        said = ": ".join(filter(None, [said, printable(status.last_line)]))
        cells = printable(name), printable(status.component.host), how_ended(status), for_seconds(status), said
        rows.append((cells, RED))
    return [(("FAILED", "HOST", "EXIT", "FOR", "LAST LINE"), BOLD), *rows] if rows else []


def _folded(rows: Sequence[Row]) -> list[Row]:
    """Join rows that differ only in the host and the time. Keep the time of the first one."""
    head, *others = rows
    alike: dict[tuple[str, ...], list[Row]] = {}
    for row in others:
        name, _, how, _, said = row[0]
        alike.setdefault((name, how, said), []).append(row)
    found = [head]
    for same in alike.values():
        (name, _, how, seconds, said), style = same[0]
        hosts = host_range([cells[1] for cells, _ in same])
        if len(hosts) > WIDEST_HOSTS:
            hosts = f"{hosts[: WIDEST_HOSTS - 1]}…"
        found.append(((name, hosts, how, seconds, said), style))
    return found


def notes_below(look: Look) -> list[Line]:
    """Return a line for each reason why hosts do not answer, or components failed or are lost, if it is known."""
    notes: dict[str, str] = {}
    for status, _ in folded_hosts(look.statuses):
        is_silent = status.state is State.UNKNOWN
        notes[status.component.host if is_silent else status.component.label] = status.problem or ""
    return [(printable(f"{places}: {text}"), RED) for places, text in folded(notes.items()) if text]


def in_order(look: Look, by: str | None) -> Look:
    """Return the look with its components in natural order of their names, or those in the worst state first."""
    if by == "component":
        return attrs.evolve(look, statuses=sorted(look.statuses, key=lambda each: natural_key(each.component.name)))
    if by == "state":
        return attrs.evolve(look, statuses=sorted(look.statuses, key=lambda each: ORDER.index(each.state)))
    return look  # by host already


def group_rows(found: Sequence[Status], by: str) -> list[Row]:
    """Return a row for each host, component name or state, in the order of the components in `found`, and a head.

    Each has the number of components, if possible in each state that occurs, and the rest that they have in common.
    """
    groups: dict[str, list[Status]] = {}
    for status in found:
        groups.setdefault(_group(status, by), []).append(status)
    occurring = {each.state for each in found} | {State.FAILED}
    states = [] if by == "state" else [state for state in ORDER if state in occurring]
    numbers = [state.upper() for state in states] or ["COUNT"]
    rows: list[Row] = [((by.upper(), *numbers, "CPU", "MEMORY", "COMPONENTS" if by == "host" else "HOSTS"), BOLD)]
    for name, own in groups.items():
        counts = Counter(each.state for each in own)
        numbers = [(f"{counts[state]:,}" if counts[state] else ".").rjust(len(state)) for state in states]
        cells = (printable(name), *(numbers or [f"{len(own):,}".rjust(5)]), *_used(own), printable(_members(own, by)))
        rows.append((cells, RED if any(each.state.is_bad for each in own) else ""))
    return rows


def _group(status: Status, by: str) -> str:
    return {"host": status.component.host, "component": status.component.name, "state": str(status.state)}[by]


def _members(found: Sequence[Status], by: str) -> str:
    """Return the names of the components if they are on one host, or their hosts."""
    if by == "host":
        return ",".join(dict.fromkeys(each.component.name for each in found))
    return host_range(each.component.host for each in found)


def _used(found: Sequence[Status]) -> tuple[str, str]:
    """Return the CPU and memory that components use together."""
    cores = [each.cpu for each in found if each.cpu is not None]
    sizes = [each.memory for each in found if each.memory is not None]
    return cpu_share(sum(cores) if cores else None), memory_size(sum(sizes) if sizes else None)
