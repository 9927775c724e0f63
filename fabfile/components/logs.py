"""The output of components: the script that reads it on a host, and what becomes of it here. Pure.

A component's output is a file to which screen writes all that its window shows. It is read from a position on,
the time of the component's start and an offset, so that whoever asks again, after a lost connection, misses no
byte and gets none twice. A component that is started again has a new file, perhaps of the same inode.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from rr_config import Component, ConfigError

from ..remote import state_dir
from .log_times import KNOWN_TIMES, read_times, since_expression

# What a terminal takes for an order: CSI, OSC and other escape sequences (ECMA-48, section 5), also by C1 controls, in
# which ESC and the letter behind it are one character. What has no end is none, and is not looked through twice.
CSI = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
STRING = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x80-\x9f]*(?:\x07|\x1b\\|\x9c)"
ESCAPE = rf"{CSI}|{STRING}|\x1b[ -/]*[0-~]"
# Controls C0 (but for tab and newline) and C1, and what has text run from right to left (Unicode UAX 9).
CONTROL = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
ORDERS = re.compile(rf"{ESCAPE}|[{CONTROL}]")
# An order, or text.
STEPS = re.compile(rf"({ORDERS.pattern})|([^{CONTROL}]+)")
# A line that is longer comes in parts.
LONGEST_LINE = 1 << 16


def _check_lines(_: object, __: object, lines: int | None) -> None:
    if lines is not None and lines < 0:
        raise ConfigError(f"--lines {lines}: must be 0 at least")


def _check_since(_: object, __: object, since: str | None) -> None:
    if since is not None:
        since_expression(since)


@attrs.frozen
class Selection:
    """What is wanted of the output: all of it, if nothing else is said.

    The last `lines` lines of each component; what was put out `since` a time (`10m` ago, say; see
    `stamps.since_expression`); what comes after, without end (`follow`); and with each line its time (`timestamps`).
    ConfigError where one cannot be meant.
    """

    lines: int | None = attrs.field(default=None, validator=_check_lines)
    since: str | None = attrs.field(default=None, validator=_check_since)
    follow: bool = False
    timestamps: bool = False


@attrs.frozen
class LogLine:
    """A line that a component has put out, without its newline.

    `time` is when, in seconds since 1970 by the clock of its host, if that was asked for.
    """

    text: bytes
    time: int | None = None


@attrs.define
class LogReader:
    """Makes lines of what comes of one component."""

    component: Component
    position: str = ""
    _rest: bytes = b""
    _times: deque[tuple[int, int]] = attrs.field(factory=deque)

    def read(self, position: str, content: bytes, times: Iterable[tuple[int, int]] = ()) -> Iterator[LogLine]:
        """The lines that end in `content`; `position` is that behind it, `times` are as of `stamps.read_times`."""
        written, _, behind = position.partition("/")
        if written != self.position.partition("/")[0]:
            yield from self.end()  # it was started again
            self._times.clear()
        self.position = position
        self._times.extend(times)
        content = self._rest + content
        end = int(behind) - len(content)
        *lines, self._rest = content.split(b"\n")
        for line in lines:
            end += len(line) + 1
            yield LogLine(line, self._time_of(end))
        if len(self._rest) > LONGEST_LINE:
            yield from self.end()

    def end(self) -> Iterator[LogLine]:
        """The last line, if it had no newline."""
        if self._rest:
            rest, self._rest = self._rest, b""
            yield LogLine(rest, self._time_of(int(self.position.partition("/")[2])))

    def _time_of(self, end: int) -> int | None:
        while len(self._times) > 1 and self._times[0][0] < end:
            self._times.popleft()
        return self._times[0][1] if self._times else None


def rendered(line: bytes) -> bytes:
    """What was last seen of a line on a terminal: no control characters, nor what was written over, or erased.

    It is UTF-8: of bytes that are none, a terminal might make controls.
    """
    content = line.decode("utf-8", "replace").rstrip("\r")
    if "\r" not in content and "\b" not in content:
        return ORDERS.sub("", content).encode()
    shown: list[str] = []
    at = 0
    for order, text in STEPS.findall(content):
        if order == "\r":
            at = 0
        elif order == "\b":
            at = max(at - 1, 0)
        elif order in ("\x1b[K", "\x1b[0K"):
            del shown[at:]
        elif order == "\x1b[2K":
            shown[:] = " " * at
        shown[at : at + len(text)] = text
        at += len(text)
    return "".join(shown).encode()


def logs_script(session: str, readers: Sequence[LogReader], wanted: Selection) -> str:
    """Answers with what is wanted of the output of components, behind the positions that `readers` have."""
    folders = " ".join(state_dir.folder(reader.component.name) for reader in readers)
    known = "".join(f"{state_dir.folder(r.component.name)}/{r.position} " for r in readers if r.position)
    return (
        f'{state_dir.keep(session)}folders="{folders}"\nat=" {known}"\n'
        f"lines={'' if wanted.lines is None else wanted.lines}\n"
        f"since={'' if wanted.since is None else f'$(({since_expression(wanted.since)}))'}\n"
        f"follow={'1' * wanted.follow}\nstamped={'1' * wanted.timestamps}\n{KNOWN_TIMES}{LOGS}"
    )


def read_logs(readers: Mapping[str, LogReader], record: bytes) -> Iterator[tuple[Component, LogLine]]:
    """The lines that end in one answer of `logs_script`; `readers` by the folder of their component."""
    _, folder, position, times, content = record.split(b" ", 4)
    reader = readers[folder.decode()]
    for line in reader.read(position.decode(), content, read_times(times.decode())):
        yield reader.component, line


# $at holds FOLDER/TIME/OFFSET of each file that has been read, TIME being that when its launcher was written,
# which is after an earlier output has been removed. Answers are output FOLDER TIME/OFFSET TIMES CONTENT. NUL ends an
# answer; in the content it becomes another of which a terminal shows nothing.
LOGS = r"""
cd "$state" || fail "$state cannot be entered"
files=$(for folder in $folders; do echo "$folder/launcher" "$folder/output"; done)
first=1
read_on() {  # FILE TIME; with its $size, and when it was $changed
  folder=${1%/output}
  case $at in
    *" $folder/$2/"*) offset=${at#*" $folder/$2/"}; offset=${offset%% *} ;;
    *" $folder/"*) offset=0 ;;
    *)
      offset=0
      [ -z "$lines" ] || offset=$((size - $(tail -n "$lines" -- "$1" | head -c "$size" | wc -c)))
      [ -z "$since" ] || not_before
      ;;
  esac
  [ "$offset" -le "$size" ] || offset=0
  # Also where there is nothing to show: from here on, nothing is to be missed.
  case $at in *" $folder/$2/"*) ;; *) answer "output $folder $2/$offset  " ;; esac
  is_stamped=$stamped
  while [ "$offset" -lt "$size" ]; do
    count=$((size - offset))
    [ $count -le 131072 ] || count=131072
    printf 'output %s %s/%s ' "$folder" "$2" $((offset + count))
    [ -z "$is_stamped" ] || known_times
    printf ' '
    dd if="$1" bs=64K iflag=skip_bytes,count_bytes skip="$offset" count="$count" status=none | tr '\000' '\177'
    printf '\0'
    offset=$((offset + count))
    is_stamped=
  done
  now="$now$folder/$2/$offset "
}
while ! orphaned; do
  now=' '
  while read -r time size file; do
    changed=${time%%[!0-9]*}
    case $file in
      */launcher) written=$time ;;
      */output) read_on "$file" "$written" ;;
    esac
  done <<END
$(stat -c '%.9Y %s %n' -- $files 2>/dev/null)
END
  at=$now
  lines=
  since=
  first=
  [ "$follow" ] || break
  sleep 0.2
done
"""
