"""Commands to the sync agent: the script `fabfile/remote/scripts/sync_agent.sh`, which runs on the host.

A command is a line, usually with a list of paths. The agent answers it with records, and with the errors of the
programs that it ran. Commands are pipelined: many are sent without waiting, and the answers come in the same order.
So the number of round trips does not grow with the number of commands.

This module knows how to send a command and how to read its answer. Its users decide which commands to send: `sync`,
`apply`, `upload`, `checksums`, `root` and `remote_hashes`.
"""

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from ...remote import state_dir
from ...remote.conversation import Conversation
from ...remote.script import RemotePath, Script, Value, load, read_script
from ...util.limits import MOST_OF_A_PATH
from ..inventory import PIECE_MB
from ..tree import TEMPORARY

# The line that ends a command. Without it the agent does nothing: a connection that is cut in the middle of a path
# leaves the path of something else.
WHOLE = b".\n"
# The name of staging folders in commands with content, which are equal for all hosts. Staging folders have other names
# on each. It is random, so that no file has it by chance.
STAGED_AS = f".remote-runner-{secrets.token_hex(8)}"


class RemoteCommands:
    """The commands that are sent to the sync agent of one host, and their answers.

    Commands are numbered from 1. The agent begins with the name of staging folders and the path of each root; these
    records count as the answer to command 0. `words` holds all error lines that have been read so far.
    """

    def __init__(self, talk: Conversation, roots: Iterable[str]) -> None:
        self._talk = talk
        self._numbers = {root: number for number, root in enumerate(roots, 1)}
        self._sent, self._answered = 0, -1
        self.words: list[str] = []

    def enter(self, root: str) -> None:
        """Make `root` the folder of relative paths in later commands. The agent does not answer this."""
        self.send(f"cd {self._numbers[root]}\n".encode())

    def send_command(self, command: str, paths: Iterable[str] = (), rest: str = "", before: bytes = b"") -> int:
        """Send a command for `paths`; return its number.

        `rest` are more words of its line, and `before` is raw data in front of the paths.
        """
        text = "\0".join(paths)
        payload = os.fsencode(text) + b"\0" if text else b""
        self._talk.expect(2 * len(payload) + MOST_OF_A_PATH * payload.count(b"\0"))
        self.send(f"{command} {len(payload)} {rest}\n".encode() + before + payload + WHOLE)
        self._sent += 1
        return self._sent

    def send_chmods(self, modes: Mapping[str, int]) -> None:
        """Send commands that set permission bits: one for each distinct mode in `modes`, which maps paths to modes."""
        for mode, paths in groupby(sorted(modes, key=modes.__getitem__), key=modes.__getitem__):
            self.send_command("chmod", paths, rest=f"{mode:04o}")

    def send_command_with_target(self, command: str, paths: Iterable[str], target: str, word: str = "") -> int:
        """Send a command that copies `paths` to `target`; return its number. `word` is one more argument, or empty."""
        encoded = os.fsencode(target)
        return self.send_command(command, paths, rest=f"{len(encoded)} {word}", before=encoded)

    def begin(self, command: bytes) -> None:
        """Send a command of `untar_command` or `write_command`; the caller sends the content next."""
        self.send(command)
        self._sent += 1

    def relay(self, command: str, size: int, words: str) -> int:
        """Send a command of relay.sh; return its number. For some, the caller sends `size` bytes of content next."""
        self.send(f"relay_{command} {size} {words}\n".encode())
        self._sent += 1
        return self._sent

    def is_answered(self) -> bool:
        """Return whether an answer has begun to arrive."""
        return self._talk.has_more()

    def send(self, data: bytes) -> None:
        """Send raw bytes."""
        self._talk.send(data)

    def answer(self, number: int) -> list[bytes]:
        """Wait for the answer to the command `number`; return its records.

        Drop the records of earlier commands that have not been read. Add the errors of all of them to `words`.
        """
        return list(self.records(number))

    def records(self, number: int) -> Iterator[bytes]:
        """Yield the records of an answer one by one, as `answer` returns them. Read all of them."""
        while self._answered < number:
            while not (record := self._talk.raw_answer()).startswith(b"="):
                if self._answered == number - 1:
                    yield record
            self._answered += 1
            self.words += os.fsdecode(record[1:]).splitlines()

    def all_done(self) -> bool:
        """Wait until the agent has carried out every command; return whether there were no errors at all."""
        self.answer(self._sent)
        return not self.words

    def be_patient(self, size: int) -> None:
        """Extend the silence timeout by the time that a slow host needs to copy or hash `size` bytes."""
        self._talk.be_patient(size)

    def end(self) -> None:
        """Wait until the agent has carried out every command, and end it."""
        self.send(b"end\n")
        self.answer(self._sent)
        list(self._talk.answers())


def untar_command(size: int) -> bytes:
    """Return the command that extracts a tar stream of `size` bytes, which follows.

    In its paths, and in those of `write_command`, STAGED_AS stands for the name of staging folders.
    """
    return f"untar {size}\n".encode()


def write_command(path: str, mode: int, size: int, offset: int | None = None) -> bytes:
    """Return the command that writes a file of `size` bytes, which follow.

    With an `offset`, the agent writes these bytes at that offset of a file that `take` or `hollow` has made.
    """
    encoded = os.fsencode(path)
    where = "" if offset is None else offset
    return f"write {size} {len(encoded)} {mode:04o} {where}\n".encode() + encoded + WHOLE


def sync_script(session: str, roots: Iterable[str], ownership: Mapping[str, Value], is_relayed: bool = False) -> Script:
    """Return the script of a sync. It knows the commands of relay.sh if it `is_relayed`.

    It answers with the name of staging folders and the path of each root. Then it carries out commands.
    """
    return load(
        "relayed_sync" if is_relayed else "sync", *root_arguments(roots), session=session, **_of_agent(), **ownership
    )


def preview_script(session: str, roots: Iterable[str]) -> Script:
    """Return the script of a preview: it does the same, for commands that change nothing.

    A missing temporary folder counts as an empty one, whose path ends with NOT_YET.
    """
    return load("preview", *root_arguments(roots), session=session, not_yet=NOT_YET, **_of_agent())


def checked_preview_script(connect: Script, session: str, roots: Iterable[str]) -> Script:
    """Return a script that does the same as `connect`, and then as `preview_script`."""
    preview = preview_script(session, roots)
    values, words = {**connect.values, **preview.values}, len(connect.arguments)
    return load("connect_preview", *connect.arguments, *preview.arguments, connect_words=words, **values)


def _of_agent() -> dict[str, Value]:
    """Return the values that sync_agent.sh needs: scripts for xargs, and the others of its header."""
    names = ["staging_filter", "list_planted", "copy_partial", "list_pieces", "hash_piece", "move_staged"]
    names += ["swap_staged", "find_inside", "remove_listed", "dig_holes"]
    return {"piece_mb": PIECE_MB, "staged_as": STAGED_AS, **{name: read_script(f"{name}.sh") for name in names}}


def root_arguments(roots: Iterable[str]) -> list[str]:
    """Return the arguments of a script for each root: `temporary FOLDER`, or `path PATH`."""
    arguments: list[str] = []
    for root in roots:
        if root.startswith(TEMPORARY):
            arguments += ["temporary", state_dir.folder(root.removeprefix(TEMPORARY))]
        else:
            arguments += ["path", RemotePath(root)]
    return arguments


# The name of the empty folder that replaces a missing temporary folder in a preview.
NOT_YET = "not-yet"
