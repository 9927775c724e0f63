"""Talking with a script that runs on a host: what is sent to it, and the records that it answers.

Knows nothing of SSH: `hosts` brings the channel. What a script and its records look like, `shell` says.
"""

import contextlib
import math
import queue
import threading
from collections import deque
from collections.abc import Iterator

from ..util.clock import SYSTEM_CLOCK, Clock
from ..util.errors import ConnectionLost, HostError
from . import script
from .host import Channel

# What an honest host stays below, in bytes: before the greeting, in all, and in one record, or before it is read; what
# it is asked for about many paths comes on top.
MOST_NOISE = 1 << 20
MOST_ANSWERED = 1 << 28
MOST_IN_A_RECORD = 1 << 26
SLOWEST = 10_000_000  # bytes a second, that a disk reads, writes, or a processor hashes
COST_OF_A_RECORD = 64  # what Python keeps of one, beside its bytes
TOO_MUCH = "answers with more than it was asked for; is that the right machine, and is it well?"
GREETING, FAILED, DONE = script.GREETING.encode(), script.FAILED.encode(), script.DONE.encode()


class Conversation:
    """A script that runs on a host, what we send it (itself, first of all), and the records that it answers.

    Answers are taken in by a thread of their own as they come: neither side ever waits for the other to read.
    `identity` is what tells a home on the machine there from all others (see `script.GREETING`), once there was an
    answer. For a script that answers with more than there is memory for, `most_blocks` says how many blocks are taken
    in ahead; it must not be sent more, meanwhile, than fits into a pipe. One that answers with more than
    `most_answered` bytes is given up: HostError. So is one that says nothing, or takes nothing of what is sent, for
    `most_silent` seconds; and for `patience` seconds more, once it has greeted.
    """

    def __init__(
        self,
        channel: Channel,
        most_blocks: int | None = None,
        most_silent: float = math.inf,
        patience: float = 0,
        most_answered: float = MOST_ANSWERED,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._clock = clock
        self._channel = channel
        self._left: float = MOST_NOISE
        self._most_answered = most_answered
        self._most_in_a_record = MOST_IN_A_RECORD
        self._taken = self._read = 0  # bytes so far; each is changed by one thread alone
        self._is_flooded = False
        self._most_silent, self._patience = most_silent, patience
        channel.set_patience(most_silent)
        self._blocks: queue.SimpleQueue[bytes] | queue.Queue[bytes]
        self._blocks = queue.SimpleQueue() if most_blocks is None else queue.Queue(most_blocks)
        self._records: deque[bytes] = deque()
        self._parts: list[bytes] = []  # of the next record
        self._size = 0
        self._back = b""  # what has been taken in, and not been read
        threading.Thread(target=self._take_in, daemon=True).start()
        self.identity: bytes | None = None
        self._greeted = math.inf
        self._is_over = False

    def send(self, data: bytes) -> None:
        """Send `data` to the script's standard input. HostError where the connection is lost."""
        try:
            self._channel.send(data)
        except TimeoutError as error:
            raise self._silent() from error
        except OSError as error:
            raise self._lost() from error

    def tell(self, data: bytes) -> None:
        """As `send`, from any thread, not waiting until it is taken; a loss shows where answers are awaited."""

        def send() -> None:
            with contextlib.suppress(OSError):
                self._channel.send(data)

        threading.Thread(target=send, daemon=True).start()

    def cut(self) -> None:
        """End the conversation, from any thread; to who waits for an answer, the connection is lost."""
        self._channel.close(is_over=False)

    def reason(self) -> HostError | None:
        """Once nothing more can be sent: what the script, in answers that were not read, gives as the reason."""
        try:
            while True:
                self.raw_answer()
        except ConnectionLost:
            return None
        except HostError as error:
            return error

    def be_patient(self, size: int) -> None:
        """Let the script be silent for longer: as long as the work on so many bytes may take."""
        self._most_silent += size / SLOWEST
        self._channel.set_patience(self._most_silent)

    def expect(self, size: int) -> None:
        """Let so many bytes more be answered than to other questions, perhaps in one record."""
        self._most_answered += size
        self._most_in_a_record += size
        if self.identity is not None:
            self._left += size

    def answer(self) -> str:
        """The next record, or `script.DONE`. HostError where the script failed or was cut off."""
        return self.raw_answer().decode("utf-8", "surrogateescape")

    def raw_answer(self) -> bytes:
        """The same as bytes, for answers of many records."""
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
            raise HostError(record.removeprefix(FAILED).decode("utf-8", "surrogateescape"))
        self._is_over = record == DONE
        return record

    def read(self, size: int) -> bytes:
        """Of what follows the last record, not divided into records: the next bytes, `size` at most."""
        if self._records or self._parts:
            self._back = b"\0".join((*self._records, b"".join((*self._parts, self._back))))
            self._records.clear()
            self._parts, self._size = [], 0
        block = self._next_block()
        self._back = block[size:]
        return block[:size]

    def answers(self) -> Iterator[str]:
        """Every record up to `script.DONE`, which is left out."""
        return iter(self.answer, script.DONE)

    def close(self) -> None:
        """Let go of the channel. A script that has not ended yet is ended."""
        self._channel.close(self._is_over)
        with contextlib.suppress(queue.Empty):  # so that there is room for the end
            while True:
                self._blocks.get_nowait()

    def _next(self) -> bytes:
        while not self._records:
            block = self._next_block()
            first, *others = block.split(b"\0")
            self._parts.append(first)
            self._size += len(first)
            self._left -= len(block) + COST_OF_A_RECORD * len(others)
            if self._size > self._most_in_a_record or self._left < 0:
                raise HostError(TOO_MUCH)
            if others:
                *whole, rest = others
                self._records.extend((b"".join(self._parts), *whole))
                self._parts, self._size = [rest], len(rest)
        return self._records.popleft()

    def _next_block(self) -> bytes:
        if self._back:
            block, self._back = self._back, b""
            return block
        patience = None if self._most_silent == math.inf else self._most_silent
        try:
            block = self._blocks.get(timeout=patience)
        except queue.Empty:
            raise self._silent() from None
        if not block:
            self._blocks.put(block)
            raise self._lost()
        self._read += len(block)
        return block

    def _silent(self) -> HostError:
        return HostError(
            f"has done nothing for {self._most_silent:g} s, though it is connected; does a file system hang there, or"
            " is more time needed (--io-timeout)?"
        )

    def _lost(self) -> HostError:
        self._is_over = True
        if self._is_flooded:
            return HostError(TOO_MUCH)
        said, status = self._channel.end()
        if status is not None and self.identity is None:
            said = said.strip() or b"".join(self._parts).decode(errors="replace")  # as nologin(8) puts it out
        words = said.strip().splitlines()
        if words:
            return HostError(f"ended early: {words[-1]}")
        after = max(self._clock.monotonic() - self._greeted, 0)
        if status is not None:
            return ConnectionLost(f"ended early, with exit status {status}", after)
        return ConnectionLost("the connection was lost", after)

    def _take_in(self) -> None:
        with contextlib.suppress(OSError):  # a lost connection shows as the missing end of the answers
            while block := self._channel.receive():
                self._taken += len(block)
                if self._taken - self._read > self._most_in_a_record + MOST_NOISE:
                    self._is_flooded = True
                    self._channel.close(is_over=False)  # for who is sending meanwhile
                    break
                self._blocks.put(block)
        self._blocks.put(b"")
