"""Formatting for the user: printable text, counts, sizes and durations."""

from collections.abc import Iterable


def printable(text: str, instead: str = "�") -> str:
    """Return `text` with unprintable characters replaced. Text from a host or a program could control the terminal."""
    return "".join(c if c.isprintable() else instead for c in text.encode("utf-8", "replace").decode())


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, for example `1 file` or `2 files`."""
    ending = "es" if noun.endswith(("s", "ch")) else "s"
    return f"{number:,} {noun if number == 1 else noun + ending}"


def byte_size(number: float) -> str:
    """Return a number of bytes in the largest unit that gives at least 1, for example `1.5 MB`."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while number >= 1000 and len(units) > 1:
        number /= 1000
        del units[0]
    return f"{number:.0f} {units[0]}" if units[0] == "B" else f"{number:.1f} {units[0]}"


def duration(seconds: float) -> str:
    """Return a time in its two largest nonzero units, for example `5 s`, `3 min 5 s` or `2 d 3 h`."""
    left = max(round(seconds), 0)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def shortest_and_longest(seconds: Iterable[float]) -> str:
    """Return the shortest and the longest time of several, once if they are the same, for example `2 s to 4 s`."""
    ascending = sorted(seconds)
    return " to ".join(dict.fromkeys(map(duration, [*ascending[:1], *ascending[-1:]])))
