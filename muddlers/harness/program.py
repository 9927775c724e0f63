"""Start, feed, watch and stop one program of a harness, and log its output."""

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

MOST_LINES = 10000  # lines kept for `await`; older ones are only in the log
LONGEST_LINE = 1 << 16  # bytes; longer lines are matched in pieces
LONGEST_SHOWN = 1000  # characters of a line in a message
SEARCH_SECONDS = 1.0  # CPU time for matching one line
POLL_SECONDS = 0.02


class Failed(Exception):
    """A step failed. The text of the exception is the message."""


def say(text):
    """Print a message of the harness with the time, and ignore a closed stdout."""
    try:
        print(stamp(), text, flush=True)
    except OSError:  # stdout is closed
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115


def is_found(pattern, line):
    """Return whether `pattern` matches somewhere in `line`.

    Raises Failed after SEARCH_SECONDS of CPU time, because matching blocks the event loop.
    """

    def give_up(*_):
        raise Failed(f"{pattern.pattern!r} timed out after {SEARCH_SECONDS:g} s on one line; simplify the regex")

    signal.signal(signal.SIGPROF, give_up)  # `re` checks for signals while it matches
    signal.setitimer(signal.ITIMER_PROF, SEARCH_SECONDS)
    try:
        return pattern.search(line) is not None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


class Program:
    """One program.

    `status` is the exit status as a shell reports it, or None until the program ends. `told` is called with the program
    when it has ended. `is_stopped` is true if the harness stopped it.
    """

    def __init__(self, name, command, logs, debug, told):
        self.name, self.command, self.told = name, command, told
        self.logs, self.debug = logs, debug
        self.process = self.status = None
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
            raise Failed(f"{self.name}: already started")
        try:
            self.process = await self.begin()
        except OSError as error:
            raise Failed(f"{self.name}: {self.command[0]}: {error.strerror}") from None
        say(f"{self.name} | started, pid {self.process.pid}")
        readers = [asyncio.ensure_future(self.read(kind)) for kind in ("out", "err")]
        self.ending = asyncio.ensure_future(self.end(readers))

    async def begin(self):
        """Create the process. Run an executable text without a `#!` line by sh, as a shell does."""
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
        """Log stdout or stderr (`kind` is "out" or "err") with the time of each line."""
        stream = self.process.stdout if kind == "out" else self.process.stderr
        is_within_line, rest = False, b""
        with self.log(kind).open("wb") as log:
            written = log  # None after a failed write
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
        """Wait until the program has ended. Its children may keep its output open a little longer."""
        while self.process.returncode is None:  # wait() also waits for its children in some versions of Python
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
            raise Failed(f"{self.name}: cannot send: {self.state}")
        text = b"".join(os.fsencode(line) + b"\n" for line in lines)
        if self.debug:
            with (self.debug / f"{file_name(self.name)}.in").open("ab") as log:
                log.write(stamped(text, False)[0])
        try:
            self.process.stdin.write(text)
            await asyncio.wait_for(self.process.stdin.drain(), within)
        except asyncio.TimeoutError:  # before OSError, which is its base class since Python 3.11
            raise Failed(f"{self.name}: timed out after {within:g} s: did not read all lines") from None
        except OSError as error:
            raise Failed(f"{self.name}: cannot send: {error.strerror or 'stdin is closed'}") from None

    async def close(self):
        """Close stdin of the program."""
        if self.runs:
            self.process.stdin.close()

    async def until(self, is_true, within, what):
        """Wait until `is_true()`. Raises Failed with the message `what` after `within` seconds."""

        async def wait():
            async with self.changed:
                await self.changed.wait_for(is_true)

        try:
            await asyncio.wait_for(wait(), within)
        except asyncio.TimeoutError:
            raise Failed(f"{self.name}: timed out after {within:g} s: {what}") from None

    async def find(self, regex, within):
        """Wait for a line of output that matches. Later calls only see the lines after it."""
        pattern = re.compile(regex)

        def has_come():
            while self.lines:
                if is_found(pattern, self.lines.popleft()):
                    return True
            if self.process is None or self.status is not None:
                raise Failed(f"{self.name}: {self.state}; no line matches {regex!r}")
            return False

        await self.until(has_come, within, f"no line matches {regex!r}")

    @property
    def state(self):
        if self.process is None:
            return "not started"
        return "running" if self.status is None else f"ended with exit status {self.status}"

    async def refuse(self, regex):
        pattern = re.compile(regex)
        for log in filter(Path.exists, map(self.log, ("out", "err"))):
            with log.open(encoding="utf-8", errors="replace", newline="\n") as lines:
                is_begun = False
                for piece in iter(lambda: lines.readline(LONGEST_LINE), ""):
                    text = piece.rstrip("\n") if is_begun else piece.rstrip("\n").partition(" ")[2]
                    if is_found(pattern, text):
                        raise Failed(f"{self.name}: refused line: {text[:LONGEST_SHOWN]}")
                    is_begun = not piece.endswith("\n")

    async def ended(self, status, within):
        if self.process is None:
            raise Failed(f"{self.name}: not started")
        await self.until(lambda: self.status is not None, within, "still running")
        if self.status != status:
            raise Failed(f"{self.name}: {self.state}; expected {status}")

    async def stop(self, number, within):
        if not self.runs:
            return
        # A program with a return code has ended by itself; its children keep its output open.
        self.is_stopped = self.process.returncode is None
        self.signal(number)
        try:
            await self.until(lambda: self.status is not None, within, "still running")
        except Failed:
            self.signal(signal.SIGKILL)
            await self.until(lambda: self.status is not None, 10, "still running after SIGKILL")

    def signal(self, number):
        """Send a signal to the process group of the program."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass
        except PermissionError:
            raise Failed(f"{self.name}: permission denied to send a signal; it runs as another user") from None
