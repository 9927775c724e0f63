"""Read host ranges in the output of `fab`."""

import re

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet


def sent_to(output: str) -> dict[str, list[int]]:
    """Return how many files each stage `sync` sent to each host."""
    found: dict[str, list[int]] = {}
    for hosts, count in re.findall(r"^  (\S+)  \d+ files?, (nothing|\d+) sent", output, re.MULTILINE):
        for host in NodeSet(hosts, resolver=RESOLVER_NOGROUP):
            found.setdefault(host, []).append(0 if count == "nothing" else int(count))
    return found
