"""Moments, as hosts and files tell them: in seconds since 1970. Pure."""

from typing import TypeVar

# The year 9000: whatever is shown around a moment, a margin or a time zone, `datetime` has it, too.
LAST = 221_845_392_000

T = TypeVar("T", int, float)


def epoch_time(seconds: T) -> T:
    """The same, where it is one that a calendar has. ValueError where it is not, as infinity is none."""
    if not 0 <= seconds <= LAST:
        raise ValueError(f"{str(seconds)[:30]}: is no time from 1970 to 9000")
    return seconds


def optional_epoch_time(seconds: T | None) -> T | None:
    """The same for a moment that need not have come."""
    return None if seconds is None else epoch_time(seconds)
