"""Validation of times from hosts and files, in seconds since 1970. Pure."""

from typing import TypeVar

from .limits import LAST_TIME

T = TypeVar("T", int, float)


def epoch_time(seconds: T) -> T:
    """Return `seconds` unchanged. Raise ValueError unless it is a time from 1970 to 9000; infinity is invalid, too."""
    if not 0 <= seconds <= LAST_TIME:
        raise ValueError(f"{str(seconds)[:30]}: must be a time from 1970 to 9000")
    return seconds


def optional_epoch_time(seconds: T | None) -> T | None:
    """Return the result of `epoch_time`, or None for a time that has not come yet."""
    return None if seconds is None else epoch_time(seconds)
