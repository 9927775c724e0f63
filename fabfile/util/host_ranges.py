"""Host ranges: `node[1-60]` in place of 60 names, and equal lines about many hosts as one line. Pure.

NodeSet of ClusterShell writes the ranges. Many clusters use it, and distributions package it. Version 1.10.1 is of July
2026. Its licence is LGPL 2.1 or later, so a program with the MIT licence may depend on it. It is
imported only when there are several names with numbers.

The alternative is python-hostlist 2.3.0, of August 2025. It is smaller (16 kB, ClusterShell 1.5 MB), and loads in 7 ms
of CPU, NodeSet in 22 ms. But its licence is GPL 2 or later, and it is one module of one author. Both keep natural order
and leading zeros, and fold several numbers: `rack[1-2]-node[1-40]`.
"""

import re
from collections.abc import Iterable, Iterator

from rr_config.hosts.natural_order import natural_key

Place = tuple[str, str]  # a host, or a label `host/name`, and a text about it
# A user and a port may stand beside the host. Other characters have a meaning for NodeSet.
FOLDABLE = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@:-]*")
DIGIT = re.compile("[0-9]")


def host_range(hosts: Iterable[str]) -> str:
    """Return the names of hosts as one text, each once, in natural order.

    >>> host_range(["node10", "node2", "node1", "localhost"])
    'localhost,node[1-2,10]'
    """
    names = sorted(set(hosts), key=natural_key)
    numbered = [name for name in names if FOLDABLE.fullmatch(name) and DIGIT.search(name)]
    if len(numbered) < 2:
        return ",".join(names)
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

    others = [name for name in names if name not in set(numbered)]
    return ",".join([*others, str(NodeSet.fromlist(numbered, resolver=RESOLVER_NOGROUP))])


def places_by_name(places: Iterable[str]) -> str:
    """Return places as one text: hosts as a range, and components of one name as that name on their hosts.

    >>> places_by_name(["node9/worker", "node3/worker", "node1/broker"])
    'broker on node1, worker on node[3,9]'
    >>> places_by_name(["node2", "node1"])
    'node[1-2]'
    """
    hosts: dict[str, list[str]] = {}
    for place in sorted(places, key=natural_key):
        host, _, name = place.partition("/")
        hosts.setdefault(name, []).append(host)
    texts = [f"{name} on {host_range(own)}" if name else host_range(own) for name, own in hosts.items()]
    return ", ".join(texts)


def folded(lines: Iterable[Place]) -> Iterator[Place]:
    """Yield lines in natural order of their places. Lines with the same text, and the same component, become one.

    >>> list(folded([("node2/a", "ready"), ("node1/a", "ready"), ("node1/b", "ready")]))
    [('node[1-2]/a', 'ready'), ('node1/b', 'ready')]
    """
    hosts: dict[tuple[str, str, str], list[str]] = {}
    for place, text in sorted(lines, key=lambda line: natural_key(line[0])):
        host, slash, name = place.partition("/")
        hosts.setdefault((slash, name, text), []).append(host)
    for (slash, name, text), names in hosts.items():
        yield f"{host_range(names)}{slash}{name}", text
