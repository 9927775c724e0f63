"""Talking with a script that runs on a host: what is sent to it, and the records that it answers.

Knows nothing of SSH: `hosts` brings the channel. What a script and its records look like, `shell` says.
"""

import contextlib
import queue
import threading
from collections.abc import Iterator
from typing import Protocol

from . import shell


class HostError(Exception):
    """Something on or about one host went wrong; the message says what, for a person, in one line."""


class Channel(Protocol):
    """Both directions of a script's standard streams."""

    def send(self, data: bytes) -> None:
        """Send all of `data`; OSError where the other end is gone."""

    def receive(self) -> bytes:
        """The next bytes of its standard output; empty at the end."""

    def close(self, is_over: bool) -> str:
        """Let go of it, and end the script unless it has ended (`is_over`); the end of its standard error."""


class Conversation:
    """A script that runs on a host, what we send it, and the records that it answers.

    Answers are taken in by a thread of their own as they come: neither side ever waits for the other to read.
    """

    def __init__(self, channel: Channel, script: bytes) -> None:
        self._channel = channel
        self._records: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._take_in, daemon=True).start()
        self._greeted = False
        self._is_over = False
        self.send(script)

    def send(self, data: bytes) -> None:
        """Send `data` to the script's standard input. HostError where the connection is lost."""
        try:
            self._channel.send(data)
        except OSError as error:
            raise HostError(self._lost()) from error

    def answer(self) -> str:
        """The next record, or `shell.DONE`. HostError where the script failed or was cut off."""
        while not self._greeted:
            self._greeted = self._next() == shell.GREETING
        record = self._next()
        if record.startswith(shell.FAILED):
            raise HostError(record.removeprefix(shell.FAILED))
        return record

    def answers(self) -> Iterator[str]:
        """Every record up to `shell.DONE`, which is left out."""
        return iter(self.answer, shell.DONE)

    def close(self) -> None:
        """Let go of the channel. A script that has not ended yet is ended."""
        self._channel.close(self._is_over)

    def _next(self) -> str:
        record = self._records.get()
        if record is None:
            self._records.put(None)
            raise HostError(self._lost())
        self._is_over = record == shell.DONE
        return record

    def _lost(self) -> str:
        self._is_over = True
        said = self._channel.close(self._is_over).strip()
        return f"ended early: {said.splitlines()[-1]}" if said else "the connection was lost"

    def _take_in(self) -> None:
        rest = b""
        with contextlib.suppress(OSError):  # a lost connection shows as the missing end of the answers
            while block := self._channel.receive():
                *records, rest = (rest + block).split(b"\0")
                for record in records:
                    self._records.put(record.decode("utf-8", "surrogateescape"))
        self._records.put(None)
