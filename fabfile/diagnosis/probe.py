"""What a host is asked before anything is started on it, and what it answers. Pure.

One script asks all, and changes nothing there. What the answers mean for a run, `diagnosis` knows.
"""

import os
import re
from collections.abc import Collection, Iterable, Mapping

import attrs

from ..remote.script import Script, load
from ..transfer.remote_commands import root_arguments
from ..util.epoch import epoch_time
from .packages import NEEDED, UNATTENDED, Manager

LOOKED = "looked"


@attrs.frozen
class Root:
    """Where a root is, and what the host says of it: `there`, `new` where it is to be made below that, or `lost`."""

    word: str
    path: str


@attrs.frozen
class Facts:
    """What a host says of itself.

    `missing` are packages that scripts need, `lacking` programs that components do. Processes and terminals are how
    many there may be, None without limit, and how many there are.
    """

    user: str
    missing: tuple[str, ...]
    lacking: tuple[str, ...]
    manager: Manager | None
    processes: tuple[int | None, int] | None
    terminals: tuple[int | None, int] | None
    roots: Mapping[str, Root]

    @property
    def can_tell_of_files(self) -> bool:
        """Whether it has the programs that say which files are there."""
        return not {"coreutils", "findutils"} & set(self.missing)


def probe_script(session: str, programs: Collection[str], roots: Iterable[str]) -> Script:
    """Return the script that answers with all facts and LOOKED, then carries out commands.

    Each command is answered by what it found, and an empty record.
    """
    return load("doctor", *programs, *root_arguments(roots), session=session, programs=len(programs))


def read_facts(roots: Iterable[str], answers: Iterable[str]) -> Facts:
    """What `probe_script` answers up to LOOKED."""
    words = [answer.split(" ", 1) for answer in answers]
    one = dict(words)
    has = {rest for word, rest in words if word == "has"}
    user, _, number = one["user"].rpartition(" ")
    manager = Manager(one["manager"], number == "0", "sudo" in one) if one["manager"] in UNATTENDED else None
    places = [Root(*rest.split(" ", 1)) for word, rest in words if word == "root"]
    return Facts(
        user,
        tuple(name for name in NEEDED if name not in has),
        tuple(rest for word, rest in words if word == "lacks"),
        manager,
        _limit(one["processes"]),
        _limit(one["terminals"]),
        dict(zip(roots, places, strict=True)),
    )


def _limit(words: str) -> tuple[int | None, int] | None:
    limit, _, number = words.partition(" ")
    if not number.isdigit() or not (limit.isdigit() or limit == "unlimited"):
        return None
    return int(limit) if limit.isdigit() else None, int(number)


@attrs.frozen(order=True)
class Sample:
    """A look at a host's clock: how long it took, and by how much that is ahead, in seconds."""

    round_trip: float
    ahead: float


def read_clock(there: str, sent: float, received: float) -> Sample | None:
    """What `date +%s.%N` says, compared with the middle of when it was asked and has answered."""
    seconds = re.match(r"\d+(\.\d+)?", there)
    return Sample(received - sent, epoch_time(float(seconds[0])) - (sent + received) / 2) if seconds else None


def read_volumes(records: Iterable[bytes]) -> dict[str, tuple[bytes, int]]:
    """By folder, the number of its file system, and the bytes that are free there."""
    found = {}
    for record in records:
        number, blocks, size, path = record.split(b" ", 3)
        found[os.fsdecode(path)] = (number, int(blocks) * int(size))
    return found
