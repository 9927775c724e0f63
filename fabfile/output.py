"""The output of components: the script that reads it on a host, and what becomes of it here. Pure.

A component's output is a file to which screen writes all that its window shows. It is read from a position on,
the time of the component's start and an offset, so that whoever asks again, after a lost connection, misses no
byte and gets none twice. A component that is started again has a new file, perhaps of the same inode.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import attrs

from rr_config import Component

from . import state

# What a terminal takes for an order: CSI, OSC and other escape sequences (ECMA-48, section 5).
ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\)|[ -/]*[0-~])", re.DOTALL)
CONTROLS = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
# A line that is longer comes in parts.
LONGEST_LINE = 1 << 16


@attrs.define
class Reader:
    """Makes lines of what comes of one component."""

    component: Component
    position: str = ""
    _rest: bytes = b""

    def read(self, position: str, content: bytes) -> Iterator[bytes]:
        """The lines that end in `content`, without their newlines; `position` is that behind it."""
        if position.partition("/")[0] != self.position.partition("/")[0]:
            yield from self.end()  # it was started again
        self.position = position
        *lines, self._rest = (self._rest + content).split(b"\n")
        yield from lines
        if len(self._rest) > LONGEST_LINE:
            yield from self.end()

    def end(self) -> Iterator[bytes]:
        """The last line, if it had no newline."""
        if self._rest:
            rest, self._rest = self._rest, b""
            yield rest


def cleaned(line: bytes) -> bytes:
    """What was last seen of a line on a terminal: without control characters, and what a carriage return hides."""
    plain = ESCAPES.sub(b"", line).rstrip(b"\r")
    return CONTROLS.sub(b"", plain.rpartition(b"\r")[2])


def logs_script(session: str, readers: Sequence[Reader], lines: int | None, follow: bool) -> str:
    """Answers with what the components have put out: all of it, or the last `lines` lines of each.

    Behind the positions of `readers`, where they have one. If it is to `follow`, it goes on with what comes.
    """
    folders = " ".join(state.folder(reader.component.name) for reader in readers)
    known = "".join(f"{state.folder(r.component.name)}/{r.position} " for r in readers if r.position)
    return (
        f'{state.keep(session)}folders="{folders}"\nat=" {known}"\n'
        f"lines={'' if lines is None else lines}\nfollow={'1' if follow else ''}\n{LOGS}"
    )


def read_logs(readers: Mapping[str, Reader], record: bytes) -> Iterator[tuple[Component, bytes]]:
    """The lines that end in one answer of `logs_script`; `readers` by the folder of their component."""
    _, folder, position, content = record.split(b" ", 3)
    reader = readers[folder.decode()]
    for line in reader.read(position.decode(), content):
        yield reader.component, line


# $at holds FOLDER/TIME/OFFSET of each file that has been read, TIME being that when its launcher was written,
# which is after an earlier output has been removed. Answers are output FOLDER TIME/OFFSET CONTENT, without NUL, which
# ends an answer, and of which a terminal shows nothing.
LOGS = r"""
cd "$state" || fail "$state cannot be entered"
files=$(for folder in $folders; do echo "$folder/launcher" "$folder/output"; done)
read_on() {  # FILE TIME SIZE
  folder=${1%/output}
  case $at in
    *" $folder/$2/"*) offset=${at#*" $folder/$2/"}; offset=${offset%% *} ;;
    *" $folder/"*) offset=0 ;;
    *) offset=0; [ -z "$lines" ] || offset=$(($3 - $(tail -n "$lines" -- "$1" | head -c "$3" | wc -c))) ;;
  esac
  [ "$offset" -le "$3" ] || offset=0
  # Also where there is nothing to show: from here on, nothing is to be missed.
  case $at in *" $folder/$2/"*) ;; *) answer "output $folder $2/$offset " ;; esac
  while [ "$offset" -lt "$3" ]; do
    count=$(($3 - offset))
    [ $count -le 131072 ] || count=131072
    printf 'output %s %s/%s ' "$folder" "$2" $((offset + count))
    dd if="$1" bs=64K iflag=skip_bytes,count_bytes skip="$offset" count="$count" status=none | tr -d '\000'
    printf '\0'
    offset=$((offset + count))
  done
  now="$now$folder/$2/$offset "
}
while [ -d "/proc/$PPID" ]; do
  now=' '
  while read -r time size file; do
    case $file in
      */launcher) written=$time ;;
      */output) read_on "$file" "$written" "$size" ;;
    esac
  done <<END
$(stat -c '%.9Y %s %n' -- $files 2>/dev/null)
END
  at=$now
  lines=
  [ "$follow" ] || break
  sleep 0.2
done
"""
