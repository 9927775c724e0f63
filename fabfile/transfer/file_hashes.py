"""What is in the files that a host should have, whoever has put that there: their SHA-1, and when they were changed."""

import os
from collections.abc import Mapping

import attrs

from ..remote.ask import conversation
from ..remote.host import Host
from .inventory import hash_line
from .remote_commands import RemoteCommands, preview_script
from .tree import Tree, locate


@attrs.frozen
class FileHash:
    """The SHA-1 of a file, and when it was last written, renamed or chmodded, in seconds since 1970 by its host."""

    sha1: str
    changed: float


def file_hashes(host: Host, session: str, trees: Mapping[str, Tree]) -> dict[str, FileHash]:
    """Those of the files in `trees`, by absolute path there; of none that is not there, or cannot be read.

    Three round trips, however many files there are. HostError where the host as a whole fails.
    """
    with conversation(host, preview_script(session, trees)) as talk:
        orders = RemoteCommands(talk, trees)
        orders.be_patient(sum(local.size for tree in trees.values() for local in tree.files.values()))
        asked = []
        for root, tree in trees.items():
            orders.enter(root)
            asked.append((tree, orders.tell("hash", tree.files), orders.tell("stamp", tree.files)))
        _, *roots = map(os.fsdecode, orders.answer(0))
        found: dict[str, FileHash] = {}
        for root, (tree, hashed, stamped) in zip(roots, asked, strict=True):
            hashes = dict(map(_hash, b"".join(orders.answer(hashed)).splitlines()))
            stamps = dict(os.fsdecode(record).split(" ", 1)[::-1] for record in orders.answer(stamped))
            for path in tree.files:
                sha1 = hashes.get(hash_line(path, ""))
                if sha1 is not None and path in stamps:
                    found[locate(root, path)] = FileHash(sha1, float(stamps[path]))
        orders.end()
    return found


def _hash(line: bytes) -> tuple[bytes, str]:
    r"""What `openssl` says of a file, without the hash, and that: it stands in front, but for the `\` of odd names."""
    start = line.startswith(b"\\")
    end = start + SHA1_DIGITS
    return line[:start] + line[end:], line[start:end].decode()


SHA1_DIGITS = 40
