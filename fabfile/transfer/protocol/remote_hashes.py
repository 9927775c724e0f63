"""Hashes of the files that a host should have, as provenance: their SHA-1 and the time of their last change.

It does not matter which program has written the files.
"""

import os
from collections.abc import Mapping

import attrs

from ...remote.ask import conversation
from ...remote.host import Host
from ..inventory import hash_line, read_stamps
from ..tree import Tree, locate
from .remote_commands import RemoteCommands, preview_script


@attrs.frozen
class FileHash:
    """The SHA-1 of a file on a host, and its ctime.

    `changed` is the time at which it was last written, renamed or chmodded: in seconds since 1970, by the host's clock.
    """

    sha1: str
    changed: float


def file_hashes(host: Host, session: str, trees: Mapping[str, Tree]) -> dict[str, FileHash]:
    """Return the hashes of the files in `trees`, by absolute path on the host.

    Missing and unreadable files are not in it. This takes three round trips for any number of files. Raise HostError if
    the host as a whole fails.
    """
    with conversation(host, preview_script(session, trees)) as talk:
        commands = RemoteCommands(talk, trees)
        asked = [_ask(commands, root, tree) for root, tree in trees.items()]
        _, *folders = map(os.fsdecode, commands.answer(0))
        found: dict[str, FileHash] = {}
        for folder, tree, (hashed, stamped) in zip(folders, trees.values(), asked, strict=True):
            hashes = dict(map(_hash, b"".join(commands.answer(hashed)).splitlines()))
            stamps = read_stamps(commands.answer(stamped))
            for path in _hashed(tree):
                sha1 = hashes.get(hash_line(path, ""))
                if sha1 is not None and path in stamps:
                    found[locate(folder, path)] = FileHash(sha1, float(stamps[path]))
        commands.end()
    return found


def _ask(commands: RemoteCommands, root: str, tree: Tree) -> tuple[int, int]:
    """Send the commands that hash the files of a root and print their ctimes; return their numbers."""
    commands.be_patient(sum(local.size for local in tree.files.values()))
    commands.enter(root)
    paths = _hashed(tree)
    return commands.send_command("hash", paths), commands.send_command("stamp", paths)


def _hashed(tree: Tree) -> list[str]:
    """Return the files of a tree without kept links."""
    return [path for path, local in tree.files.items() if local.link is None]


def _hash(line: bytes) -> tuple[bytes, str]:
    r"""Split a line of `openssl dgst -r` into the line without its hash, and the hash.

    The line begins with the hash, or with a `\` in front of it if the path is escaped (see `inventory.hash_line`).
    """
    start = line.startswith(b"\\")
    end = start + SHA1_DIGITS
    return line[:start] + line[end:], line[start:end].decode()


SHA1_DIGITS = 40
