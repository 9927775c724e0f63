"""The natural order of hosts and components: `node2` comes before `node10`. Pure.

The library natsort would need 60 ms to load, which is as long as many commands run. So the key is here.
"""

import re
from collections.abc import Iterable

from ..component import Component

DIGITS = re.compile("([0-9]+)")
Chunks = tuple[tuple[str, int, str], ...]  # a text, and the number behind it: its length, then its digits
NaturalKey = tuple[tuple[Chunks, ...], str]


def natural_key(text: str) -> NaturalKey:
    """Return the key that sorts a host, or a label `host/name`, by its numbers.

    >>> sorted(["node10/a", "node2/b10", "node2/b9", "node"], key=natural_key)
    ['node', 'node2/b9', 'node2/b10', 'node10/a']
    """
    return tuple(map(_chunks, text.split("/"))), text  # the text itself decides between `node1` and `node01`


def _chunks(text: str) -> Chunks:
    parts = [*DIGITS.split(text), ""]
    found: list[tuple[str, int, str]] = []
    for before, digits in zip(parts[::2], parts[1::2], strict=True):
        number = digits.lstrip("0")
        found.append((before, len(number), number))
    return tuple(found)


def in_natural_order(components: Iterable[Component]) -> list[Component]:
    """Return components sorted by host, then by name."""
    return sorted(components, key=lambda component: natural_key(component.label))
