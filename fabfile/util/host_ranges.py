"""One text for many hosts."""

from collections.abc import Sequence


def host_range(hosts: Sequence[str]) -> str:
    """Return the names of hosts as one text."""
    return ", ".join(hosts)
