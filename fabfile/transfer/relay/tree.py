"""The relay tree of each batch: which host fetches it from which other one. Pure.

The hosts that want a batch stand in a line. The first one gets it from this machine. Each other one has a parent before
it in the line, as in a binary heap: the nth host fetches from the ((n - 1) // 2)th. A host that cannot offer anything
stands outside the line, and fetches from a host in it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

Key = bytes  # of a batch; see Batch.key


class Lines:
    """The lines of all batches. `wanted` maps hosts to their batches. `servers` are the hosts that can offer batches.

    >>> lines = Lines({host: [b"batch"] for host in "abcde"}, "abcd")
    >>> {host: list(lines.sources(host, b"batch")) for host in "abcde"}
    {'a': [], 'b': ['a'], 'c': ['a'], 'd': ['b', 'a'], 'e': ['d', 'b', 'a']}
    """

    def __init__(self, wanted: Mapping[str, Iterable[Key]] | None = None, servers: Collection[str] = ()) -> None:
        self._servers = set(servers)
        self._wanting: dict[Key, list[str]] = {}
        self._lines: dict[Key, _Line] = {}
        for host, keys in (wanted or {}).items():
            self.add(host, keys, host in self._servers)

    def add(self, host: str, keys: Iterable[Key], can_serve: bool) -> None:
        """Add a host behind all others."""
        if can_serve:
            self._servers.add(host)
        for key in keys:
            self._wanting.setdefault(key, []).append(host)
            self._lines.pop(key, None)

    def take_out(self, host: str) -> None:
        """Let no host fetch from `host` any more."""
        if host in self._servers:
            self._servers.remove(host)
            self._lines.clear()

    def is_shared(self, key: Key) -> bool:
        """Return whether several hosts want a batch."""
        return len(self._wanting.get(key, ())) > 1

    def sources(self, host: str, key: Key) -> Iterator[str]:
        """Yield the hosts from which `host` may fetch a batch, the nearest first. After them there is this machine."""
        line = self._line(key)
        place = line.parent(host)
        while place is not None:
            yield line.servers[place]
            place = (place - 1) // 2 if place else None

    def children(self, host: str, key: Key) -> list[str]:
        """Return the hosts whose nearest source is `host`."""
        return self._line(key).children.get(host, [])

    def second(self, key: Key) -> str | None:
        """Return the second host in the line, which takes the place of the first one if that fails."""
        servers = self._line(key).servers
        return servers[1] if len(servers) > 1 else None

    def _line(self, key: Key) -> "_Line":
        if key not in self._lines:
            self._lines[key] = _Line(self._wanting[key], self._servers)
        return self._lines[key]


class _Line:
    """The line of one batch: `servers` in their order, and `children` by host."""

    def __init__(self, wanting: Sequence[str], servers: Collection[str]) -> None:
        self.servers = [host for host in wanting if host in servers]
        self._places = {host: place for place, host in enumerate(self.servers)}
        others = [host for host in wanting if host not in self._places]
        self._others = {host: number for number, host in enumerate(others)}
        self.children: dict[str, list[str]] = {}
        for host in wanting:
            place = self.parent(host)
            if place is not None:
                self.children.setdefault(self.servers[place], []).append(host)

    def parent(self, host: str) -> int | None:
        """Return the place of the nearest source, or None for this machine."""
        place = self._places.get(host)
        if place is not None:
            return (place - 1) // 2 if place else None
        if not self.servers:
            return None
        return len(self.servers) - 1 - self._others[host] % len(self.servers)  # the last ones have fewer children


def flows(wanted: Mapping[str, Mapping[Key, int]]) -> dict[str, dict[str | None, int]]:
    """Return the number of bytes that each host gets from each source; None is this machine.

    `wanted` maps hosts to the sizes of their batches. All hosts can serve.
    """
    lines = Lines(wanted, wanted.keys())
    found: dict[str, dict[str | None, int]] = {}
    for host, sizes in wanted.items():
        own = found.setdefault(host, {})
        for key, size in sizes.items():
            source = next(lines.sources(host, key), None)
            own[source] = own.get(source, 0) + size
    return found
