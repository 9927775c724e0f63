"""The probe of `fab doctor`: the script that examines a host, and the parsers of its records. Pure.

One script, `doctor.sh`, answers all questions and changes nothing on the host. `checks` judges the answers.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import attrs

from ..components.requirements import Requirement
from ..remote.package_managers import UNATTENDED
from ..remote.script import Script, by_word, load
from ..transfer.protocol.remote_commands import root_arguments
from ..util.epoch import epoch_time
from .logout import kills_at_logout
from .packages import NEEDED, Manager
from .places import FileSystem, place_arguments, read_places

LOOKED = "looked"


@attrs.frozen
class RootState:
    """A root on a host: its path, and a word for its state.

    `there` is an existing folder. `new` is a temporary folder that will be created below the path. `lost` is missing.
    """

    word: str
    path: str


@attrs.frozen
class Facts:
    """The facts that a host reports about itself.

    `missing` are packages that scripts need, and `lacking` are texts of programs that components need. `processes` and
    `terminals` are pairs of the limit and the present number. The limit is None if there is none. The pair is None if
    the host does not report it.

    `screen_problem` is the reason why screen starts no session, or empty. `kills_at_logout` is None without
    systemd-logind. `unseen` are sessions that run although screen does not list them, with the folder of their sockets.
    `file_systems` are those of the state directory and of the folders of executables.
    """

    user: str
    missing: tuple[str, ...]
    lacking: tuple[str, ...]
    manager: Manager | None
    processes: tuple[int | None, int] | None
    terminals: tuple[int | None, int] | None
    roots: Mapping[str, RootState]
    screen_problem: str = ""
    kills_at_logout: bool | None = None
    unseen: tuple[tuple[str, str], ...] = ()
    file_systems: tuple[FileSystem | None, ...] = ()

    @property
    def can_tell_of_files(self) -> bool:
        """Return whether the host has the programs that list files."""
        return not {"coreutils", "findutils"} & set(self.missing)


def probe_script(
    session: str, programs: Sequence[Requirement], roots: Iterable[str], folders: Iterable[str] = ()
) -> Script:
    """Return the script that answers with all facts and LOOKED, then carries out commands.

    `folders` are those of executables; see `places.executable_folders`.

    The answer to each command ends with an empty record, except for `clock`, which has one record.
    """
    places = place_arguments(folders)
    counts = {"programs": len(programs), "places": len(places) // 2}
    words = chain.from_iterable(each.arguments for each in programs)
    return load("doctor", *words, *places, *root_arguments(roots), session=session, **counts)


def read_facts(roots: Iterable[str], answers: Iterable[str]) -> Facts:
    """Parse the records of `probe_script` up to LOOKED.

    Raise LookupError or ValueError for records that the script cannot have sent.
    """
    found = by_word(answers)
    user, _, number = found["user"][-1].rpartition(" ")
    line = found["manager"][-1]
    missing = tuple(name for name in NEEDED if name not in found["has"])
    manager = Manager(line, number == "0", "sudo" in found) if line in UNATTENDED else None
    processes, terminals = _limit(found["processes"][-1]), _limit(found["terminals"][-1])
    places = [RootState(*rest.split(" ", 1)) for rest in found["root"]]
    states = dict(zip(roots, places, strict=True))
    kills = None
    for words in found["logind"]:
        linger, _, text = words.partition(" ")
        kills = linger != "linger" and kills_at_logout(text, (user, number))
    return Facts(
        *(user, missing, tuple(found["lacks"]), manager, processes, terminals, states),
        screen_problem="".join(found["screen"][-1:]),
        kills_at_logout=kills,
        unseen=tuple((id_, folder) for id_, _, folder in (words.partition(" ") for words in found["unseen"])),
        file_systems=tuple(read_places(found["place"], found["volume"])),
    )


def _limit(words: str) -> tuple[int | None, int] | None:
    limit, _, number = words.partition(" ")
    if not number.isdigit() or not (limit.isdigit() or limit == "unlimited"):
        return None
    return int(limit) if limit.isdigit() else None, int(number)


@attrs.frozen(order=True)
class Sample:
    """A sample of a host's clock, in seconds: the round trip, and by how much that clock is ahead."""

    round_trip: float
    ahead: float


def read_clock(there: str, sent: float, received: float) -> Sample | None:
    """Compare the output of `date +%s.%N` with the midpoint between sending the question and receiving the answer.

    Return None if the output is not a time. Raise ValueError if the time is not between 1970 and 9000.
    """
    seconds = re.match(r"\d+(\.\d+)?", there)
    return Sample(received - sent, epoch_time(float(seconds[0])) - (sent + received) / 2) if seconds else None


def read_volumes(records: Iterable[bytes]) -> dict[str, tuple[bytes, int, int | None]]:
    """Return for each folder the number of its file system, the free bytes, and the free inodes if it has inodes."""
    found = {}
    for record in records:
        number, blocks, size, inodes, free_inodes, path = record.split(b" ", 5)
        left = int(free_inodes) if int(inodes) else None
        found[os.fsdecode(path)] = (number, int(blocks) * int(size), left)
    return found
