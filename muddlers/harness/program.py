"""One program of a harness: started, talked to, waited for and stopped, with a log of what it puts out."""

import asyncio
import collections
import errno
import os
import re
import signal
import sys
from pathlib import Path

import ends
from harness import LAST_LINES_SECONDS, file_name, note, stamp, stamped

MOST_LINES = 10000  # that nobody has awaited yet; older ones are in the log alone
LONGEST_LINE = 1 << 16  # longer ones are looked at in pieces
LONGEST_SHOWN = 1000  # characters of a line in what is said of it
SEARCH_SECONDS = 1.0  # of the processor, for a line
POLL_SECONDS = 0.02


class Failed(Exception):
    """A step could not be carried out, in words."""


def say(text):
    """A line of the harness's own, with the time."""
    try:
        print(stamp(), text, flush=True)
    except OSError:  # nobody looks any more
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115


def is_found(pattern, line):
    """Whether it matches somewhere in the line. Failed where that takes too long: nothing else is done meanwhile."""

    def give_up(*_):
        raise Failed(f"{pattern.pattern!r} takes more than {SEARCH_SECONDS:g} s on one line; make it simpler")

    signal.signal(signal.SIGPROF, give_up)  # `re` looks for signals now and then
    signal.setitimer(signal.ITIMER_PROF, SEARCH_SECONDS)
    try:
        return pattern.search(line) is not None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


class Program:
    """One program. `status` is its exit status once it has ended, as a shell has it; `told` is called then."""

    def __init__(self, name, command, logs, debug, told):
        self.name = name
        self.command = command
        self.logs = logs
        self.debug = debug
        self.told = told
        self.process = None
        self.status = None
        self.is_stopped = False
        self.lines = collections.deque(maxlen=MOST_LINES)
        self.changed = asyncio.Condition()
        self.ending = None

    @property
    def runs(self):
        return self.process is not None and self.status is None

    def log(self, kind):
        return self.logs / (f"{file_name(self.name)}.{kind}")

    async def start(self):
        if self.process is not None:
            raise Failed(f"{self.name}: has been started already")
        try:
            self.process = await self.begin()
        except OSError as error:
            raise Failed(f"{self.name}: {self.command[0]}: {error.strerror}") from None
        say(f"{self.name} | started, pid {self.process.pid}")
        readers = [asyncio.ensure_future(self.read(kind)) for kind in ("out", "err")]
        self.ending = asyncio.ensure_future(self.end(readers))

    async def begin(self):
        """A process of the program; a text that does not say what is to run it is run by sh, as a shell would."""
        pipe = asyncio.subprocess.PIPE
        how = {"stdin": pipe, "stdout": pipe, "stderr": pipe, "start_new_session": True}
        how["preexec_fn"] = ends.end_with_parent
        try:
            return await asyncio.create_subprocess_exec(*self.command, **how)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            return await asyncio.create_subprocess_exec("sh", *self.command, **how)

    async def read(self, kind):
        """Keep what it puts out there, with the time of each line."""
        stream = self.process.stdout if kind == "out" else self.process.stderr
        is_within_line, rest = False, b""
        with self.log(kind).open("wb") as log:
            written = log  # None once it cannot be written any more
            while True:
                block = await stream.read(1 << 16)
                if not block:
                    break
                text, is_within_line = stamped(block, is_within_line)
                written = note(text, written)
                *lines, rest = (rest + block).split(b"\n")
                await self.noted(lines)
                if len(rest) > LONGEST_LINE:
                    await self.noted([rest])
                    rest = b""
            if rest:
                await self.noted([rest])
                note(b"\n" if is_within_line else b"", written)

    async def noted(self, lines):
        for line in lines:
            text = line.decode("utf-8", "replace")
            say(f"{self.name} | {text}")
            self.lines.append(text)
        if lines:
            async with self.changed:
                self.changed.notify_all()

    async def end(self, readers):
        """Wait until it has ended; its children may hold its output a little longer."""
        while self.process.returncode is None:  # wait() would wait for its children, too, in some versions of Python
            await asyncio.sleep(POLL_SECONDS)
        code = self.process.returncode
        await asyncio.wait(readers, timeout=LAST_LINES_SECONDS)
        for reader in readers:
            reader.cancel()
        self.status = code if code >= 0 else 128 - code
        say(f"{self.name} | ended with exit status {self.status}")
        async with self.changed:
            self.changed.notify_all()
        self.told(self)

    async def send(self, lines, within):
        if not self.runs:
            raise Failed(f"{self.name}: {self.state}, and cannot be sent a line")
        text = b"".join(os.fsencode(line) + b"\n" for line in lines)
        if self.debug:
            with (self.debug / f"{file_name(self.name)}.in").open("ab") as log:
                log.write(stamped(text, False)[0])
        try:
            self.process.stdin.write(text)
            await asyncio.wait_for(self.process.stdin.drain(), within)
        except asyncio.TimeoutError:  # of which OSError is a base since Python 3.11
            raise Failed(f"{self.name}: has not taken its lines within {within:g} s") from None
        except OSError as error:
            raise Failed(f"{self.name}: takes no more lines: {error.strerror or 'its input has ended'}") from None

    async def close(self):
        """End its standard input."""
        if self.runs:
            self.process.stdin.close()

    async def until(self, is_true, within, what):
        """Wait until `is_true()`; Failed with `what` when it has not come about in time."""

        async def wait():
            async with self.changed:
                await self.changed.wait_for(is_true)

        try:
            await asyncio.wait_for(wait(), within)
        except asyncio.TimeoutError:
            raise Failed(f"{self.name}: {what} within {within:g} s") from None

    async def find(self, regex, within):
        """Wait for a line that matches; those up to it are done with."""
        pattern = re.compile(regex)

        def has_come():
            while self.lines:
                if is_found(pattern, self.lines.popleft()):
                    return True
            if self.process is None or self.status is not None:
                raise Failed(f"{self.name}: {self.state}, without a line like {regex!r}")
            return False

        await self.until(has_come, within, f"has put out no line like {regex!r}")

    @property
    def state(self):
        if self.process is None:
            return "has not been started"
        return "runs" if self.status is None else f"has ended with exit status {self.status}"

    async def refuse(self, regex):
        pattern = re.compile(regex)
        for log in filter(Path.exists, map(self.log, ("out", "err"))):
            with log.open(encoding="utf-8", errors="replace", newline="\n") as lines:
                is_begun = False
                for piece in iter(lambda: lines.readline(LONGEST_LINE), ""):
                    text = piece.rstrip("\n") if is_begun else piece.rstrip("\n").partition(" ")[2]
                    if is_found(pattern, text):
                        raise Failed(f"{self.name}: has put out: {text[:LONGEST_SHOWN]}")
                    is_begun = not piece.endswith("\n")

    async def ended(self, status, within):
        if self.process is None:
            raise Failed(f"{self.name}: has not been started")
        await self.until(lambda: self.status is not None, within, "has not ended")
        if self.status != status:
            raise Failed(f"{self.name}: {self.state}, and not {status}")

    async def stop(self, number, within):
        if not self.runs:
            return
        self.is_stopped = (
            self.process.returncode is None
        )  # else it has ended by itself, and its children hold its output
        self.signal(number)
        try:
            await self.until(lambda: self.status is not None, within, "has not ended")
        except Failed:
            self.signal(signal.SIGKILL)
            await self.until(lambda: self.status is not None, 10, "has not ended, even when killed")

    def signal(self, number):
        """To the program, and what it has started."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass
        except PermissionError:
            raise Failed(f"{self.name}: runs as another user, and cannot be ended by this one") from None
