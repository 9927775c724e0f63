"""Patterns of ssh_config(5): `*` stands for any text, `?` for one byte, and `!` in front of one negates it."""

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[bytes]:
    literal = re.escape(_bytes(pattern))
    return re.compile(literal.replace(rb"\*", b".*").replace(rb"\?", b"."), re.DOTALL)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def matches(text: str, pattern: str) -> bool:
    """Return whether `text` matches one pattern. Case matters."""
    if "*" in pattern or "?" in pattern:
        return _compiled(pattern).fullmatch(_bytes(text)) is not None
    return text == pattern


def matches_any(text: str, patterns: tuple[str, ...]) -> bool:
    """Return whether `text` matches a pattern and no negated one."""
    found = False
    for pattern in patterns:
        if matches(text, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def matches_list(text: str, patterns: str) -> bool:
    """Return whether `text` matches a list of patterns with commas between them."""
    return matches_any(text, tuple(patterns.split(",")))
