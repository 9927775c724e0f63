"""Parse known_hosts files, and decide whether they accept a key. Pure.

sshd(8) defines the format in "SSH_KNOWN_HOSTS FILE FORMAT". `host_keys` reads and writes the files.
"""

import base64
import hmac
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence

import attrs

CERTIFIER, REVOKED = "@cert-authority", "@revoked"


class KeyRefused(Exception):
    """The key of a host is not trusted; the message contains the reason and the next step."""


class KeyDoubtful(KeyRefused):
    """The known_hosts files contradict the key. StrictHostKeyChecking no accepts it, and then no password is sent."""


@attrs.frozen
class Entry:
    """The key in a line of a known_hosts file, without its hosts. `marker` is CERTIFIER, REVOKED or empty."""

    file: str
    line: int
    marker: str
    type: str
    key: bytes

    def __str__(self) -> str:
        return f"{self.file} line {self.line}"


class KnownHosts:
    """The entries of several files, in order. Each file is a path and its text. Malformed lines are skipped."""

    def __init__(self, files: Iterable[tuple[str, str]]) -> None:
        self._by_name: dict[str, list[Entry]] = defaultdict(list)
        self._by_pattern: list[tuple[Callable[[str], bool], Entry]] = []
        for path, text in files:
            for number, line in enumerate(text.split("\n"), 1):
                parsed = _parsed(path, number, line)
                if parsed is not None:
                    self._add(*parsed)

    def _add(self, names: str, entry: Entry) -> None:
        if re.search(r"[*?!|]", names):
            self._by_pattern.append((_matcher(names), entry))
        else:
            for name in names.split(","):
                self._by_name[name].append(entry)

    def of(self, name: str) -> list[Entry]:
        """Return all entries for `name`, a host as `spelled` returns it."""
        found = list(self._by_name.get(name, ()))
        for matches, entry in self._by_pattern:
            if matches(name):
                found.append(entry)
        return found


def spelled(host: str, port: int) -> str:
    """Return a host as known_hosts files spell it: with brackets and a port unless the port is 22."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def _parsed(path: str, number: int, line: str) -> tuple[str, Entry] | None:
    marker, *fields = line.split() if line.lstrip().startswith("@") else ("", *line.split())
    if len(fields) < 3 or fields[0].startswith("#") or marker not in ("", CERTIFIER, REVOKED):
        return None
    names, type_, text = fields[:3]
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    if text != base64.b64encode(key).decode() or not is_key(key, type_.encode("utf-8", "surrogateescape")):
        return None
    return names.lower() if "|" not in names else names, Entry(path, number, marker, type_, key)


def is_key(key: bytes, type_: bytes) -> bool:
    """Return whether a public key has this type, and consists of complete fields."""
    if not key.startswith(len(type_).to_bytes(4, "big") + type_):
        return False
    end = 0
    while end < len(key):
        end += 4 + int.from_bytes(key[end : end + 4], "big")
    return end == len(key)


def _matcher(names: str) -> Callable[[str], bool]:
    """Return a predicate: does a name match `names`?

    `names` is the hash of one name, or a list of patterns. A name that matches a pattern with `!` is excluded.
    """
    if names.startswith("|1|"):
        salt, _, digest = names.removeprefix("|1|").partition("|")
        try:
            key, expected = base64.b64decode(salt), base64.b64decode(digest)
        except ValueError:
            return lambda name: False
        return lambda name: hmac.digest(key, _bytes(name), "sha1") == expected
    parts = names.split(",")
    wanted = _pattern(part for part in parts if not part.startswith("!"))
    excluded = _pattern(part[1:] for part in parts if part.startswith("!"))
    return lambda name: bool(wanted.fullmatch(_bytes(name))) and not excluded.fullmatch(_bytes(name))


def _pattern(patterns: Iterable[str]) -> re.Pattern[bytes]:
    """Return a regular expression that matches any of `patterns`: `*` is any text, and `?` is one byte."""
    each = (re.escape(_bytes(pattern)).replace(rb"\*", b".*").replace(rb"\?", b".") for pattern in patterns)
    return re.compile(b"|".join(each) or b"(?!)", re.DOTALL)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def is_known(entries: Sequence[Entry], key: bytes) -> bool:
    """Return whether the `entries` of a host contain `key`; False if they contain no key of a host.

    Raise KeyDoubtful if the key is revoked, or if only other keys are known, of any type. OpenSSH does the
    same, because an impostor can choose the type.
    """
    check_revoked(entries, [key])
    plain = [entry for entry in entries if not entry.marker]
    if any(entry.key == key for entry in plain):
        return True
    if plain:
        why = "the host was reinstalled, or another machine pretends to be it"
        raise KeyDoubtful(f"differs from {plain[0]}; {why}; remove that line if you trust the new key")
    return False


def check_revoked(entries: Sequence[Entry], keys: Collection[bytes]) -> None:
    """Raise KeyDoubtful if one of `keys` is revoked: a key of a host, or one that has signed its certificate."""
    for entry in entries:
        if entry.marker == REVOKED and entry.key in keys:
            raise KeyDoubtful(f"is revoked by {entry}")
