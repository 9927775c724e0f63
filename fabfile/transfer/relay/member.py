"""`Member`: a host that takes part in a relay. It delivers batches to the host, and keeps them there for others."""

import hashlib
import logging
import re
from collections import deque
from collections.abc import Collection, Iterable

import attrs

from ..protocol.remote_commands import RemoteCommands
from ..upload import Batch, Sender
from .host_state import Copy, Source
from .relay import Relay
from .tree import Key

log = logging.getLogger(__name__)

SERVERS = 2  # on each host: one for each child
ADDRESS = re.compile(r"(\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:.]+\])( \d{1,5})+")


@attrs.frozen
class _Job:
    """A batch on its way to the host: its source, and the numbers of the commands that bring it and carry it out."""

    batch: Batch
    key: Key
    source: str | None
    copy: Copy
    brought: int
    played: int


class Member:
    """The part of one host in a relay. The methods are called by the thread of that host."""

    def __init__(self, relay: Relay, host: str, commands: RemoteCommands) -> None:
        self._relay, self._host, self._commands = relay, host, commands
        self._jobs: deque[_Job] = deque()
        self._failed: list[Batch] = []
        self._own: set[Key] = set()

    def join(self, keys: Collection[Key]) -> None:
        """Start servers on the host, and join the relay with the batches that the host wants."""
        number = self._commands.relay("serve", len(self._relay.credentials), str(SERVERS))
        self._commands.send(self._relay.credentials)
        address = " ".join(map(bytes.decode, self._commands.answer(number)))
        self._relay.join(self._host, keys, address if ADDRESS.fullmatch(address) else "")

    def deliver(self, sender: Sender, batch: Batch) -> None:
        """Bring a batch to the host if others want it, too. Its parts may arrive later, at the latest with `finish`."""
        self._drop()
        key = batch.key()
        if key in self._own or not self._relay.is_shared(key):
            self._own.add(key)
            return
        self._begin(sender, batch, key)
        while len(self._jobs) > 1:
            self._end_first(sender)
        self._repeat(sender)

    def finish(self, sender: Sender, batches: Iterable[Batch]) -> None:
        """Wait until the host has all shared batches. Send the others of `batches`, for which no other host waits."""
        while self._jobs:
            self._end_first(sender)
            self._repeat(sender)
        for batch in batches if self._own else ():
            if batch.key() in self._own:
                self._drop()
                self._commands.enter(batch.root.name)
                sender.send(batch)

    def serve(self) -> None:
        """Wait until no other host needs this one."""
        self._relay.droppable(self._host)
        while not self._relay.is_free(self._host):
            self._relay.wait(self._host)
            self._relay.droppable(self._host)

    def _drop(self) -> None:
        for key in self._relay.droppable(self._host):
            self._commands.relay("drop", 0, self._relay.name(key))

    def _begin(self, sender: Sender, batch: Batch, key: Key) -> None:
        source = self._source(sender, key)
        self._commands.enter(batch.root.name)
        if source.host is not None and source.copy is not None:
            self._fetch(batch, key, source.host, source.copy)
        elif self._relay.is_wanted(self._host, key):
            self._stream(sender, batch, key)
        else:
            self._relay.begin(self._host, key)
            sender.send(batch)
            self._relay.done(self._host, key, None)

    def _source(self, sender: Sender, key: Key) -> Source:
        """Wait for a source that has a batch. Meanwhile other hosts may fetch those that have arrived."""
        while True:
            source = self._relay.source(self._host, key)
            if source.host is None or source.copy is not None:
                return source
            if self._jobs:
                self._end_first(sender)
            else:
                self._relay.wait(self._host)

    def _fetch(self, batch: Batch, key: Key, source: str, copy: Copy) -> None:
        name, address = self._relay.name(key), self._relay.address(source, self._host, key)
        patience = self._relay.patience(key)
        self._relay.begin(self._host, key, 2 * patience)
        words = f"{name} {copy.sha256} {patience} {address}"
        fetched = self._commands.relay("fetch", batch.length, words)
        self._jobs.append(_Job(batch, key, source, copy, fetched, self._commands.relay("play", 0, name)))

    def _stream(self, sender: Sender, batch: Batch, key: Key) -> None:
        """Send a batch from this machine, and let the host keep it for others."""
        name, digest, changed = self._relay.name(key), hashlib.sha256(), set[str]()
        self._relay.begin(self._host, key)
        kept = self._commands.relay("keep", batch.length, name)
        for block, size in sender.stream(batch, changed):
            self._commands.send(block)
            digest.update(block)
            sender.advance(size)
            self._relay.begin(self._host, key)
            if self._jobs and self._commands.is_answered():
                self._end_first(sender)
        copy = Copy(digest.hexdigest(), frozenset(changed))
        self._jobs.append(_Job(batch, key, None, copy, kept, self._commands.relay("play", 0, name)))

    def _end_first(self, sender: Sender) -> None:
        """Wait until the host has got the first of the batches on their way."""
        job = self._jobs.popleft()
        (how,) = self._commands.answer(job.brought)
        (end,) = self._commands.answer(job.played)
        if (how, end) in ((b"kept", b"played"), (b"fetched", b"played")):
            self._relay.done(self._host, job.key, job.copy, job.source)
            sender.note_changes(job.batch, job.copy.changed)
            if job.source is not None:
                sender.advance(job.batch.size)
            return
        log.debug("%s: batch from %s: %s", self._host, job.source, how.decode())
        if job.source is None:
            self._relay.cannot_serve(self._host)
            sender.sent -= job.batch.size
        else:
            self._relay.failed(self._host, job.key, job.source)
        self._failed.append(job.batch)

    def _repeat(self, sender: Sender) -> None:
        """Bring the batches that could not be brought, from other sources."""
        while self._failed:
            batch = self._failed.pop()
            self._begin(sender, batch, batch.key())
