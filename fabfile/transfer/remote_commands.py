"""The script of a sync, which does on a host what it is told, and the telling.

An order is a line and a list of paths; it is answered by records, and by what the programs that it ran
had to complain. RemoteCommands are told at call_once, as many as can be, and answered in their order: that is what
keeps the number of round trips small. What should be ordered, `transfer` and `update` know.
"""

import os
from collections.abc import Iterable, Mapping
from itertools import groupby

from ..remote import state_dir
from ..remote.conversation import Conversation
from ..remote.script import RemotePath, Script, Value, load, read_script
from .inventory import Inventory, read_inventory
from .tree import TEMPORARY, Tree

# Ends the paths of an order. Without it nothing is done: where a connection was cut in the middle of a path,
# what has come of it is the path of something else.
WHOLE = b".\n"
# What a host answers about a path, beside that itself; and what that costs in memory.
MOST_OF_A_PATH = 256


class RemoteCommands:
    """RemoteCommands to the script on one host, each known by a number. `words` are the complaints so far.

    What the script says of its own, what to call staging folders and where the roots are, counts as the answer to
    order 0.
    """

    def __init__(self, talk: Conversation, roots: Iterable[str]) -> None:
        self._talk = talk
        self._numbers = {root: number for number, root in enumerate(roots, 1)}
        self._told, self._answered = 0, -1
        self.words: list[str] = []

    def enter(self, root: str) -> None:
        """Let relative paths of what follows be in `root`."""
        self.send(f"cd {self._numbers[root]}\n".encode())

    def tell(self, order: str, paths: Iterable[str] = (), rest: str = "", before: bytes = b"") -> int:
        """Give an order for `paths`; its number."""
        text = "\0".join(paths)
        payload = os.fsencode(text) + b"\0" if text else b""
        self._talk.expect(2 * len(payload) + MOST_OF_A_PATH * payload.count(b"\0"))
        self.send(f"{order} {len(payload)} {rest}\n".encode() + before + payload + WHOLE)
        self._told += 1
        return self._told

    def tell_modes(self, modes: Mapping[str, int]) -> None:
        """Give the orders to set permission bits, by path."""
        for mode, paths in groupby(sorted(modes, key=modes.__getitem__), key=modes.__getitem__):
            self.tell("chmod", paths, rest=f"{mode:04o}")

    def tell_pairs(self, order: str, pairs: Iterable[tuple[object, str]]) -> int:
        """Give an order for pairs of a word and a path; its number."""
        return self.tell(order, (text for word, path in pairs for text in (str(word), path)))

    def tell_with_target(self, order: str, paths: Iterable[str], target: str, word: str = "") -> int:
        """Give an order that has one more path, what is to be made of `paths`, and perhaps a word."""
        encoded = os.fsencode(target)
        return self.tell(order, paths, rest=f"{len(encoded)} {word}", before=encoded)

    def untar(self, size: int, staged_as: str) -> None:
        """Give the order to extract a tar stream of `size` bytes, which have to be sent now.

        In the paths there, `staged_as` stands for the name of staging folders.
        """
        self.send(f"untar {size} {staged_as}\n".encode())
        self._told += 1

    def write(self, path: str, mode: int, size: int, offset: int | None = None) -> None:
        """Give the order to make a file of `size` bytes, which have to be sent now.

        With an `offset`, they are written there into a file that must have been made already, by `take`.
        """
        encoded = os.fsencode(path)
        where = "" if offset is None else offset
        self.send(f"write {size} {len(encoded)} {mode:04o} {where}\n".encode() + encoded + WHOLE)
        self._told += 1

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._talk.send(data)

    def answer(self, number: int) -> list[bytes]:
        """The records of an order; those of the ones before it that have not been asked for are dropped."""
        records: list[bytes] = []
        while self._answered < number:
            records = []
            while not (record := self._talk.raw_answer()).startswith(b"="):
                records.append(record)
            self._answered += 1
            self.words += os.fsdecode(record[1:]).splitlines()
        return records

    def ask_inventory(self, root: str, tree: Tree) -> int:
        """Ask what the host has of `tree`, which is below `root`; a number for `inventory`."""
        self.enter(root)
        return self.tell("stat", (*tree.files, *tree.folders))

    def inventory(self, number: int, tree: Tree) -> Inventory:
        """The answer to `ask_inventory`."""
        return read_inventory(tree, self.answer(number))

    def all_done(self) -> bool:
        """Wait until every order has been carried out; whether there is no complaint."""
        self.answer(self._told)
        return not self.words

    def be_patient(self, size: int) -> None:
        """Let what comes take as long as it takes to copy or hash so many bytes."""
        self._talk.be_patient(size)

    def end(self) -> None:
        """End the script, once everything has been carried out."""
        self.send(b"end\n")
        self.answer(self._told)
        list(self._talk.answers())


def sync_script(session: str, roots: Iterable[str]) -> Script:
    """Return the script that answers with the name of staging folders and the path of each root, then obeys."""
    return load("sync", *root_arguments(roots), session=session, **_of_agent())


def preview_script(session: str, roots: Iterable[str]) -> Script:
    """Return the same for commands that change nothing. A temporary folder that is not there yet is empty."""
    return load("preview", *root_arguments(roots), session=session, not_yet=NOT_YET, **_of_agent())


def _of_agent() -> dict[str, Value]:
    """Return the values that sync_agent.sh wants: scripts for xargs, and the size of a piece."""
    names = ("staged_only", "print_foreign", "take", "hash_piece", "move_staged")
    return {name: read_script(f"{name}.sh") for name in names} | {"piece_mb": PIECE_MB}


def root_arguments(roots: Iterable[str]) -> list[str]:
    """Return what scripts want for each root: `temporary FOLDER`, or `path PATH`."""
    arguments: list[str] = []
    for root in roots:
        if root.startswith(TEMPORARY):
            arguments += ["temporary", state_dir.folder(root.removeprefix(TEMPORARY))]
        else:
            arguments += ["path", RemotePath(root)]
    return arguments


# A large file is compared by pieces of that size.
PIECE_MB = 32
PIECE = PIECE_MB << 20

# What stands for a temporary folder that has not been made.
NOT_YET = "not-yet"
