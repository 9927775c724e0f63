"""A conversation with a script that runs on a host: what is sent to it, and the records that it answers.

This module knows nothing of SSH: a `Host` provides the channel. `script` describes scripts and records.
"""

import contextlib
import math
import os
import queue
from collections import deque
from collections.abc import Iterable, Iterator

import attrs

from ..util import daemons, errors, limits
from ..util.clock import SYSTEM_CLOCK, Clock
from . import script
from .host import KILLED, Channel

UNCHANGED = "Password change required but no TTY available."  # sshd runs passwd(1) in place of the script
TOO_MUCH = "invalid answer: too much data; check that this is the right host"
GREETING, FAILED, DONE = script.GREETING.encode(), script.FAILED.encode(), script.DONE.encode()


@attrs.define(eq=False)
class Conversation:
    """A script that runs on a host, the bytes sent to it (itself, first of all), and the records that it answers.

    A thread receives the answers as they come, so neither side ever waits for the other to read. `identity` tells one
    home on one machine from all others (see `script.GREETING`); it is known after the first record.

    A script that answers with more than fits into memory needs `most_blocks`: so many blocks are received ahead, and
    meanwhile no more may be sent than fits into a pipe. The conversation fails with HostError if the script answers
    with more than `most_answered` bytes, or if it says nothing, or accepts nothing, for `most_silent` seconds. After
    its first record it gets `patience` seconds more. If the first record does not arrive within GREETING_SECONDS, the
    login shell has not run the script.
    """

    _channel: Channel
    _most_blocks: int = 0
    _most_silent: float = math.inf
    _patience: float = 0
    _most_answered: float = limits.MOST_ANSWERED
    _clock: Clock = SYSTEM_CLOCK
    identity: bytes | None = attrs.field(init=False, default=None)
    _left: float = attrs.field(init=False, default=limits.MOST_NOISE)
    _most_in_a_record: int = attrs.field(init=False, default=limits.MOST_IN_A_RECORD)
    _taken: int = attrs.field(init=False, default=0)  # bytes so far, changed by one thread alone; likewise _read
    _read: int = attrs.field(init=False, default=0)
    _is_flooded: bool = attrs.field(init=False, default=False)
    _blocks: queue.SimpleQueue[bytes] | queue.Queue[bytes] = attrs.field(init=False)
    _records: deque[bytes] = attrs.field(init=False, factory=deque)
    _parts: list[bytes] = attrs.field(init=False, factory=list)  # of the next record
    _size: int = attrs.field(init=False, default=0)
    _back: bytes = attrs.field(init=False, default=b"")  # received, but not read
    _greeted: float = attrs.field(init=False, default=math.inf)
    _is_over: bool = attrs.field(init=False, default=False)
    _greeting_due: float = attrs.field(init=False, default=math.inf)  # on the clock; from the first wait on

    def __attrs_post_init__(self) -> None:
        self._blocks = queue.Queue(self._most_blocks) if self._most_blocks else queue.SimpleQueue()
        self._channel.set_patience(self._most_silent)
        daemons.start_daemon(self._receive)

    def send(self, data: bytes) -> None:
        """Send `data` to the script's stdin. Raise HostError if the connection is lost."""
        try:
            self._channel.send(data)
        except TimeoutError as error:
            raise self._silent() from error
        except OSError as error:
            why = self.reason() if self.identity is None else None  # a login shell may have said why it ends
            raise why or self._lost() from error

    def send_command(self, words: str, paths: Iterable[str]) -> None:
        """Send a line with `words` and a number of bytes, and then so many bytes of NUL-terminated paths."""
        listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
        self.send(f"{words} {len(listed)}\n".encode() + listed)

    def tell(self, data: bytes) -> None:
        """Send `data` from any thread without waiting. A loss shows where answers are awaited."""

        def send() -> None:
            with contextlib.suppress(OSError):
                self._channel.send(data)

        daemons.start_daemon(send)

    def cut(self) -> None:
        """End the conversation, from any thread. For a thread that waits for an answer, the connection is lost."""
        self._channel.close(is_over=False)

    def reason(self) -> errors.HostError | None:
        """Return the error that the script gives in answers that were not read.

        Call it when nothing more can be sent.
        """
        try:
            while True:
                self.raw_answer()
        except errors.ConnectionLost:
            return None
        except errors.HostError as error:
            return error

    def be_patient(self, size: int) -> None:
        """Allow the script to be silent for as long as work on so many bytes may take."""
        self._most_silent += size / limits.SLOWEST
        self._channel.set_patience(self._most_silent)

    def expect(self, size: int) -> None:
        """Allow the script to answer with so many more bytes, perhaps in one record."""
        self._most_answered += size
        self._most_in_a_record += size
        if self.identity is not None:
            self._left += size

    def answer(self) -> str:
        """Return the next record, or `script.DONE`. Raise HostError if the script failed or was cut off."""
        return self.raw_answer().decode("utf-8", "surrogateescape")

    def raw_answer(self) -> bytes:
        """Return the next record as bytes, for answers with many records."""
        if self.identity is None and self._greeting_due == math.inf:
            self._greeting_due = self._clock.monotonic() + limits.GREETING_SECONDS
        while self.identity is None:
            greeting = self._next()
            if greeting.startswith(GREETING):
                self.identity = greeting.removeprefix(GREETING)
                self._greeted = self._clock.monotonic()
                self._most_silent += self._patience
                self._channel.set_patience(self._most_silent)
                self._left = self._most_answered
        record = self._next()
        if record.startswith(FAILED):
            raise errors.ScriptFailed(record.removeprefix(FAILED).decode("utf-8", "surrogateescape"))
        self._is_over = record == DONE
        return record

    def has_more(self) -> bool:
        """Return whether anything has been received that was not read. `raw_answer` may still wait for the rest."""
        return bool(self._records) or not self._blocks.empty()

    def read(self, size: int) -> bytes:
        """Return the next bytes behind the last record, at most `size`; they are not divided into records."""
        if self._records or self._parts:
            self._back = b"\0".join((*self._records, b"".join((*self._parts, self._back))))
            self._records.clear()
            self._parts, self._size = [], 0
        block = self._next_block()
        self._back = block[size:]
        return block[:size]

    def answers(self) -> Iterator[str]:
        """Return an iterator over all records before `script.DONE`."""
        return iter(self.answer, script.DONE)

    def close(self) -> None:
        """Close the channel. A script that has not ended is ended."""
        self._channel.close(self._is_over)
        with contextlib.suppress(queue.Empty):  # to make room for the end mark
            while True:
                self._blocks.get_nowait()

    def _next(self) -> bytes:
        while not self._records:
            block = self._next_block()
            first, *others = block.split(b"\0")
            self._parts.append(first)
            self._size += len(first)
            self._left -= len(block) + limits.COST_OF_A_RECORD * len(others)
            is_too_long = self._size > self._most_in_a_record
            if others:
                *whole, rest = others
                self._records.extend((b"".join(self._parts), *whole))
                self._parts, self._size = [rest], len(rest)
            if is_too_long or self._left < 0:
                raise self._too_much()
        return self._records.popleft()

    def _next_block(self) -> bytes:
        if self._back:
            block, self._back = self._back, b""
            return block
        try:
            block = self._blocks.get(timeout=self._wait())
        except queue.Empty:
            raise self._silent() from None
        if not block:
            self._blocks.put(block)
            raise self._lost()
        self._read += len(block)
        return block

    def _wait(self) -> float | None:
        """Return the seconds to wait for the next block; None is any time."""
        seconds = self._most_silent
        if self.identity is None:
            seconds = min(seconds, max(self._greeting_due - self._clock.monotonic(), 0))
        return None if seconds == math.inf else seconds

    def _too_much(self) -> errors.HostError:
        if self.identity is None and not any(record.startswith(GREETING) for record in self._records):
            much = f"{limits.MOST_NOISE >> 20} MB"
            return errors.ScriptNotRun(f"printed more than {much} and ran no script")
        return errors.HostError(TOO_MUCH)

    def _silent(self) -> errors.HostError:
        if self.identity is None:
            seconds = min(self._most_silent, limits.GREETING_SECONDS)
            hint = " that read or wait, and the load of the host"
            hint += ", or raise --io-timeout" if self._most_silent < limits.GREETING_SECONDS else ""
            return errors.ScriptNotRun(f"did not run the script within {seconds:g} s", hint=hint)
        problem = f"timed out after {self._most_silent:g} s without progress; a file system may hang on the host"
        return errors.HostError(f"{problem}; check it, or raise --io-timeout")

    def _lost(self) -> errors.HostError:
        self._is_over = True
        if self._is_flooded:
            return errors.HostError(TOO_MUCH)
        said, status = self._channel.end()
        if status is not None and self.identity is None:
            return self._not_run(said, status)
        words = said.strip().splitlines()
        if words:
            return errors.HostError(f"remote script ended early: {words[-1]}")
        after = max(self._clock.monotonic() - self._greeted, 0)
        if status not in (None, KILLED):
            return errors.ConnectionLost(f"remote script ended early with exit status {status}", after)
        return errors.ConnectionLost("the connection was lost", after)

    def _not_run(self, said: str, status: int) -> errors.HostError:
        """Return the error for a login shell that has ended without a record of the script."""
        said = said.strip() or b"".join(self._parts).decode(errors="replace").strip()  # such as nologin(8) prints
        if not said:
            how = "was killed" if status == KILLED else f"ended with exit status {status}"
            return errors.ScriptNotRun(f"{how} and ran no script")
        if said.endswith(UNCHANGED):
            return errors.HostError(errors.PASSWORD_EXPIRED)
        return errors.ScriptNotRun("ran no script", said.splitlines()[-1])

    def _receive(self) -> None:
        with contextlib.suppress(OSError):  # a lost connection shows as a missing end of the answers
            while block := self._channel.receive():
                self._taken += len(block)
                if self._taken - self._read > self._most_in_a_record + limits.MOST_NOISE:
                    self._is_flooded = True
                    self._channel.close(is_over=False)  # wakes a thread that is sending
                    break
                self._blocks.put(block)
        self._blocks.put(b"")
