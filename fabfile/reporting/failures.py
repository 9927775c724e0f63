"""The block "What failed" of a report: equal failures as one, and the logs that show each kind of failure. Pure."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

import attrs

from ..components.output.logs import last_line
from ..components.status import State
from ..util.host_ranges import host_range
from ..util.text import shortest_and_longest
from .history import ComponentHistory

MOST_OPEN = 10  # logs that are open when the page opens


@attrs.frozen
class Failure:
    """Components with one name that failed in the same way, or hosts that did not answer for the same reason.

    `name` is empty for such hosts. `members` are indices in the list of histories. `times` says how long they ran, if
    known, and `last_line` is the end of the output of the first one.
    """

    name: str
    hosts: str
    outcome: str
    times: str
    last_line: str
    members: tuple[int, ...]


def failures(found: Sequence[ComponentHistory], outputs: Mapping[str, str], now: float) -> list[Failure]:
    """Return what failed: components in order of their start index, then hosts that did not answer.

    `outputs` holds the end of each log by label.
    """
    alike: dict[tuple[bool, str, str], list[int]] = {}
    for number, history in enumerate(found):
        if history.outcome_class == "bad":
            is_unknown = history.state == State.UNKNOWN
            kind = (is_unknown, "" if is_unknown else history.name, history.outcome)
            alike.setdefault(kind, []).append(number)
    groups = []
    for (_, name, outcome), members in sorted(alike.items(), key=lambda item: item[0][0]):
        first = found[members[0]]
        seconds = [found[number].duration(now) for number in members]
        groups.append(
            Failure(
                name=name,
                hosts=host_range(found[number].host for number in members),
                outcome=outcome,
                times=shortest_and_longest(each for each in seconds if each is not None),
                last_line=last_line(outputs.get(first.label, ""), first.exit_status if first.signal else None),
                members=tuple(members),
            )
        )
    return groups


def logs_to_open(groups: Sequence[Failure]) -> list[int]:
    """Return the indices of at most MOST_OPEN failed components: one of each failure, then the second ones, and so on.

    A host that did not answer sent no log.
    """
    columns = zip_longest(*(group.members for group in groups if group.name))
    numbers = [number for column in columns for number in column if number is not None]
    return numbers[:MOST_OPEN]
