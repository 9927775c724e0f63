"""Times of output lines: reading them, and what `--since` means. Pure; see `scripts/log_times.sh`.

The file `times` beside `output` has a line `TIME SIZE` each time that the note-taker saw it grow. A line of output gets
the time of the first note that includes its end. Behind the last note, it gets the time when `output` was last written.
So the time is never much too early, and hardly more than a second too late, while notes are taken.
"""

import re
from datetime import UTC, datetime

import attrs

from rr_config import ConfigError

from ...util.epoch import epoch_time

AGO = re.compile(r"(\d{1,9})([smhd]?)", re.ASCII)
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@attrs.frozen
class Since:
    """The time that `--since` says: so many `seconds` since 1970, or before now by the clock of a host (`is_ago`)."""

    seconds: int
    is_ago: bool


def parse_since(text: str) -> Since:
    """Return the time that `text` says.

    It is a number of seconds ago, or one like 90s, 10m, 2h or 1d, or a time by ISO 8601, in this machine's time zone
    unless it names one. Raise ConfigError for anything else.
    """
    ago = AGO.fullmatch(text)
    if ago:
        return Since(int(ago[1]) * UNITS[ago[2]], is_ago=True)
    try:
        return Since(int(datetime.fromisoformat(text).timestamp()), is_ago=False)
    except (ValueError, OverflowError, OSError) as error:
        expected = "must be seconds, 10m, 2h, 1d, or a time like 2026-11-25T10:48"
        raise ConfigError(f"--since {text!r}: invalid time; {expected}") from error


def shown(seconds: int) -> str:
    """Return a time in ISO 8601, in the time zone of this machine."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat()


def read_times(answer: str) -> list[tuple[int, int]]:
    """Return the pairs of SIZE and TIME that `print_times` printed as TIME:SIZE,...: output had SIZE bytes at TIME."""
    pairs = [pair.split(":") for pair in answer.split(",") if pair]
    return [(int(size), epoch_time(int(time))) for time, size in pairs]
