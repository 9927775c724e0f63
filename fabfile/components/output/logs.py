"""Output of components: read it on a host, and split it into lines here. Pure.

screen writes all that a window shows to a file. It is read from a position on: the time of the component's start, and
an offset. So a reader that asks again after a lost connection misses no byte and gets none twice. A component that is
started again has a new file, perhaps with the same inode.
"""

import re
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from rr_config import Component, ConfigError

from ...remote import shell, state_dir
from ...remote.script import Script, Value, load
from ...util.limits import LONGEST_LINE
from .log_times import parse_since, read_times

# Escape sequences (ECMA-48, section 5): CSI, OSC and others, also with C1 controls, which join ESC and the letter
# behind it in one character. A sequence without an end is none, and the pattern does not search through it twice.
CSI = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
STRING = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x80-\x9f]*(?:\x07|\x1b\\|\x9c)"
ESCAPE = rf"{CSI}|{STRING}|\x1b[ -/]*[0-~]"
# Control characters C0 (except tab and newline) and C1, and those that reverse the direction of text (Unicode UAX 9).
CONTROL = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
CONTROLS = re.compile(rf"{ESCAPE}|[{CONTROL}]")
LONGEST_LAST_LINE = 300  # characters of the last line of a failed program
LOOKED = b"looked"  # the record after the first look at all outputs
# A control sequence, or text.
STEPS = re.compile(rf"({CONTROLS.pattern})|([^{CONTROL}]+)")


def _check_lines(_: object, __: object, lines: int | None) -> None:
    if lines is not None and lines < 0:
        raise ConfigError(f"--lines {lines}: must be at least 0")


def _check_since(_: object, __: object, since: str | None) -> None:
    if since is not None:
        parse_since(since)


@attrs.frozen
class Selection:
    """The part of the output to show. By default it is all output so far.

    `lines` is the number of last lines of each component. `since` limits the output to that since a time, for example
    `10m` (see `log_times.parse_since`). `follow` continues with new output, without end. `timestamps` gives each line
    its time. Raise ConfigError for an invalid value.

        >>> Selection(lines=10, since="5m").follow
        False
        >>> Selection(lines=-1)
        Traceback (most recent call last):
        rr_config.errors.ConfigError: --lines -1: must be at least 0
    """

    lines: int | None = attrs.field(default=None, validator=_check_lines)
    since: str | None = attrs.field(default=None, validator=_check_since)
    follow: bool = False
    timestamps: bool = False


@attrs.frozen
class LogLine:
    """A line of a component's output, without its newline.

    `time` is when it was written, in seconds since 1970 by the clock of its host, if times were selected.
    """

    text: bytes
    time: int | None = None


@attrs.define
class LogReader:
    """Splits the output of one component into lines."""

    component: Component
    position: str = ""
    _rest: bytes = b""
    _times: deque[tuple[int, int]] = attrs.field(factory=deque)

    def read(self, position: str, content: bytes, times: Iterable[tuple[int, int]] = ()) -> Iterator[LogLine]:
        """Yield the lines that end in `content`.

        `position` is the position behind `content`; `times` are as `log_times.read_times` returns them.
        """
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
        """Yield the last line if it had no newline."""
        if self._rest:
            rest, self._rest = self._rest, b""
            yield LogLine(rest, self._time_of(int(self.position.partition("/")[2])))

    def _time_of(self, end: int) -> int | None:
        while len(self._times) > 1 and self._times[0][0] < end:
            self._times.popleft()
        return self._times[0][1] if self._times else None


def rendered(line: bytes) -> bytes:
    """Return a line as a terminal would finally show it: without control characters, or text that was overwritten.

    The result is valid UTF-8, because a terminal might treat invalid bytes as control characters.
    """
    content = line.decode("utf-8", "replace").rstrip("\r")
    if "\r" not in content and "\b" not in content:
        return CONTROLS.sub("", content).encode()
    shown: list[str] = []
    at = 0
    for control, text in STEPS.findall(content):
        if control == "\r":
            at = 0
        elif control == "\b":
            at = max(at - 1, 0)
        elif control in ("\x1b[K", "\x1b[0K"):
            del shown[at:]
        elif control == "\x1b[2K":
            shown[:] = "".ljust(at)
        shown[at : at + len(text)] = text
        at += len(text)
    return "".join(shown).encode()


def shown_lines(output: str) -> tuple[str, ...]:
    """Return the lines of some output as `rendered` does, without empty ones."""
    lines = [rendered(line).decode(errors="replace") for line in output.encode(errors="replace").split(b"\n")]
    return tuple(line for line in lines if line.strip())


def last_line(output: str, status: int | None) -> str:
    """Return the last line of a program's output. If a signal ended it, sh may have added a line such as `Killed`."""
    lines = shown_lines(output)
    by = shell.signal_of(status)
    if by and lines:
        words = re.escape(signal.strsignal(signal.Signals[by]) or by)
        if re.fullmatch(rf"(.*/launcher: line \d+: +\d+ )?{words}( \(core dumped\))?( .*)?", lines[-1]):
            lines = lines[:-1]
    return _shortened(lines[-1]) if lines else ""


def _shortened(line: str) -> str:
    return line if len(line) <= LONGEST_LAST_LINE else f"{line[:LONGEST_LAST_LINE]}..."


def logs_script(session: str, readers: Sequence[LogReader], wanted: Selection) -> Script:
    """Return the script that answers with the selected output of components, behind the positions of `readers`."""
    positions = ""
    for reader in readers:
        if reader.position:
            positions += f"{state_dir.folder(reader.component.name)}/{reader.position} "
    values: dict[str, Value] = {"lines": "" if wanted.lines is None else wanted.lines, "since": "", "ago": ""}
    if wanted.since is not None:
        since = parse_since(wanted.since)
        values["ago" if since.is_ago else "since"] = since.seconds
    values |= {"session": session, "folders": state_dir.folders(reader.component for reader in readers)}
    return load("logs", positions=f" {positions}", follow=wanted.follow, timestamps=wanted.timestamps, **values)


def read_logs(readers: Mapping[str, LogReader], record: bytes) -> Iterator[tuple[Component, LogLine]]:
    """Yield the lines that end in one record of `logs_script`; `readers` are by the folder of their component."""
    if record == LOOKED:
        return
    _, folder, position, times, content = record.split(b" ", 4)
    reader = readers[folder.decode()]
    for line in reader.read(position.decode(), content, read_times(times.decode())):
        yield reader.component, line
