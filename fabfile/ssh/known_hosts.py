"""What known_hosts files say of the keys of hosts. Pure; their format is in sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"."""

import base64
import hmac
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import attrs

CERTIFIER, REVOKED = "@cert-authority", "@revoked"


class KeyRefused(Exception):
    """The key of a host may not be trusted; the message says why, and what to do."""


@attrs.frozen
class Entry:
    """A line of a known_hosts file: whose key it has is not in here. `marker` is CERTIFIER, REVOKED or nothing."""

    file: str
    line: int
    marker: str
    type: str
    key: bytes

    def __str__(self) -> str:
        return f"{self.file} line {self.line}"


class KnownHosts:
    """The entries of some files, each a path and its text, in their order. Lines that are malformed do not count."""

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
        """All that is said of `name`: a host as `spelled` does it."""
        return [*self._by_name.get(name, ()), *(entry for matches, entry in self._by_pattern if matches(name))]


def spelled(host: str, port: int) -> str:
    """How known_hosts files spell a host."""
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
    if not key.startswith(len(type_).to_bytes(4, "big") + type_.encode("utf-8", "surrogateescape")):
        return None
    return names.lower() if "|" not in names else names, Entry(path, number, marker, type_, key)


def _matcher(names: str) -> Callable[[str], bool]:
    """Whether a name is one of those: a hash of it, or patterns of which none with `!` may match."""
    if names.startswith("|1|"):
        salt, _, digest = names.removeprefix("|1|").partition("|")
        try:
            key, expected = base64.b64decode(salt), base64.b64decode(digest)
        except ValueError:
            return lambda name: False
        return lambda name: hmac.digest(key, name.encode("utf-8", "surrogateescape"), "sha1") == expected
    parts = names.split(",")
    wanted = _pattern(part for part in parts if not part.startswith("!"))
    excluded = _pattern(part[1:] for part in parts if part.startswith("!"))
    return lambda name: bool(wanted.fullmatch(name)) and not excluded.fullmatch(name)


def _pattern(patterns: Iterable[str]) -> re.Pattern[str]:
    """What matches one of `patterns`, in which `*` and `?` alone are special."""
    each = (re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") for pattern in patterns)
    return re.compile("|".join(each) or "(?!)", re.DOTALL)


def types(entries: Iterable[Entry]) -> list[str]:
    """Of which types keys are known, so that a host is to be asked for one of those first."""
    return list(dict.fromkeys(entry.type for entry in entries if not entry.marker))


def is_known(entries: Sequence[Entry], key: bytes) -> bool:
    """Whether that key is the right one, by all that is said of its host; not, where nothing is said of it.

    KeyRefused where another one would be right, or none. Other than OpenSSH, where keys of other types alone are
    known, the host is taken for another one: who pretends to be it could choose the type.
    """
    revoked = [entry for entry in entries if entry.marker == REVOKED and entry.key == key]
    if revoked:
        raise KeyRefused(f"is revoked by {revoked[0]}")
    plain = [entry for entry in entries if not entry.marker]
    if any(entry.key == key for entry in plain):
        return True
    if plain:
        raise KeyRefused(
            f"is not that of {plain[0]}: it has been set up anew, or somebody pretends to be it; if you know that the"
            " new key is right, remove that line"
        )
    certifiers = [entry for entry in entries if entry.marker == CERTIFIER]
    if certifiers:
        raise KeyRefused(
            f"is to be certified, says {certifiers[0]}, which cannot be checked here; add the key itself to that file"
        )
    return False
