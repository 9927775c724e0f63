"""`Rounds`: which of many hosts to ask next, so that one that does not answer delays no other. Pure."""

import itertools
from collections.abc import Iterable

import attrs


@attrs.define
class Rounds:
    """Hosts that are asked again and again, in rounds. A host is asked again only after its answer.

    At most `at_once` hosts are asked at the same time. A host without an answer from an earlier round does not count.
    """

    at_once: int
    _waiting: dict[str, None] = attrs.field(init=False, factory=dict)  # an ordered set
    _asked: set[str] = attrs.field(init=False, factory=set)  # in any round
    _asked_now: set[str] = attrs.field(init=False, factory=set)  # in this round

    def begin(self, names: Iterable[str]) -> None:
        """Begin a round in which all these hosts are asked, except those that still owe an answer."""
        self._asked_now = set()
        for name in names:
            if name not in self._asked:
                self._waiting.setdefault(name)

    def due(self) -> list[str]:
        """Return the hosts to ask now. They count as asked."""
        names = list(itertools.islice(self._waiting, self.at_once - len(self._asked_now)))
        for name in names:
            del self._waiting[name]
        self._asked.update(names)
        self._asked_now.update(names)
        return names

    def answered(self, name: str) -> None:
        """Record that a host has answered."""
        self._asked.discard(name)
        self._asked_now.discard(name)

    @property
    def is_complete(self) -> bool:
        """Whether all hosts of this round have been asked and have answered."""
        return not self._waiting and not self._asked_now
