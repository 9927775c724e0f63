"""When lines of output were put out: how a host is asked, and what `--since` means. Pure.

What is known of it is in the file `times` beside `output`: lines `TIME SIZE` (see `notetaker`). A line has the time of
the first of these that includes its end, and one behind them all that when `output` was last written to: never much
before it was put out, and hardly more than a second after, while notes are taken.
"""

import re
from datetime import UTC, datetime

from rr_config import ConfigError

from ..util.epoch import epoch_time

AGO = re.compile(r"(\d{1,9})([smhd]?)", re.ASCII)
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def since_expression(text: str) -> str:
    """The time that `--since` says, in seconds since 1970 by the clock of a host, where sh calculates it.

    ConfigError where it is neither a number of seconds, nor like 90s, 10m, 2h or 1d, nor a time by ISO 8601; that is
    one of this machine's time zone, unless it says of which.
    """
    ago = AGO.fullmatch(text)
    if ago:
        return f"$(date +%s) - {int(ago[1]) * UNITS[ago[2]]}"
    try:
        return str(int(datetime.fromisoformat(text).timestamp()))
    except (ValueError, OverflowError, OSError) as error:
        raise ConfigError(
            f"--since {text!r}: is no time; give seconds, or 10m, 2h, 1d, or a time like 2026-11-25T10:48"
        ) from error


def shown(seconds: int) -> str:
    """A time by ISO 8601, in the time zone of this machine."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat()


def read_times(answer: str) -> list[tuple[int, int]]:
    """What KNOWN_TIMES answers, TIME:SIZE,...: pairs of a size and the time when output had become as long."""
    pairs = [pair.split(":") for pair in answer.split(",") if pair]
    return [(int(size), epoch_time(int(time))) for time, size in pairs]


# For the output of $folder, which was last written to at $changed and then had $size:
# known_times: prints those of what is behind $offset. What is noted is of use only the first time ($first).
# not_before: moves $offset on to the first line that was put out at or after $since.
# (sort -m puts a number into its place among those that are noted, which ascend.)
KNOWN_TIMES = r"""
known_times() {
  [ -z "$first" ] || echo "- $offset" | LC_ALL=C sort -m -n -s -k 2,2 "$folder/times" - 2>/dev/null |
    sed '0,/^-/d' | tr ' \n' ':,'
  printf '%s:%s' "$changed" "$size"
}
not_before() {
  from=$(echo "$since -" | LC_ALL=C sort -m -n -s -k 1,1 - "$folder/times" 2>/dev/null | sed '/-$/,$d' | tail -n 1)
  from=${from#* }
  if [ "$changed" -lt "$since" ]; then
    from=$size
    [ "$follow" ] || { offset=$size; return; }
  fi
  [ "${from:-0}" -gt "$offset" ] || return 0
  begin=$((from > 65536 ? from - 65536 : 0))  # the line that goes on there is to be whole
  begun=$({
    dd if="$folder/output" bs=64K iflag=skip_bytes,count_bytes skip=$begin count=$((from - begin)) status=none
    echo .
  } | tail -n 1 | wc -c)
  offset=$((from + 2 - begun))
}
"""
