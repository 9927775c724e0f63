"""Removal of files that were sent to a host. Nothing is removed behind a symbolic link.

The host is asked for all paths at once. `sent_below` decides, and is pure.
"""

import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence

import attrs

from ..remote.conversation import Conversation
from ..remote.script import RemotePath, Value
from .inventory import RemoteEntry, read_stat
from .tree import TEMPORARY, TOP, ByRoot, Tree, above


@attrs.frozen
class Sent:
    """The sent files below one root that exist, with their sizes; the folders that may become empty, the deepest first.

    Paths are relative to the root. `linked` are files that are kept because a link leads to their folder.
    """

    root: str
    files: Mapping[str, int]
    folders: Sequence[str] = ()
    linked: Sequence[str] = ()

    def spelled(self, path: str) -> str:
        """Return a path as a config spells it."""
        return posixpath.join(self.root, path)


def lasting(trees: ByRoot) -> dict[str, Tree]:
    """Return the trees whose files last: a temporary folder is removed as a whole."""
    return {root: tree for root, tree in trees.items() if not root.startswith(TEMPORARY)}


def root_words(trees: ByRoot) -> list[Value]:
    """Return two words for each root, as clean.sh wants them."""
    words: list[Value] = []
    for root in trees:
        words += ["path", RemotePath(root)]
    return words


def find_sent(talk: Conversation, trees: ByRoot) -> list[Sent]:
    """Ask the host which files of the trees exist. Raise HostError."""
    for number, tree in enumerate(trees.values(), 1):
        _send(talk, f"stat {number}", [*map(_relative, tree.files), *_folders(tree)])
    found = []
    for root, tree in trees.items():
        found.append(sent_below(root, tree, read_stat(iter(talk.raw_answer, b""))))
    return found


def sent_below(root: str, tree: Tree, entries: Mapping[str, RemoteEntry]) -> Sent:
    """Return what can be removed below a root, given the entries of the host, of which links are not followed.

    Folders in `/` itself are kept, and so is the root.
    """
    linked, files = [], {}
    for path, local in ((_relative(path), local) for path, local in tree.files.items()):
        entry = entries.get(path)
        if any(entries[folder].is_link for folder in above(path) if folder in entries):
            linked.append(path)
        elif entry is not None and (entry.is_link if local.link is not None else entry.is_file):
            files[path] = entry.size
    emptied = {folder for path in files for folder in above(path)}
    folders = [each for each in emptied if root != TOP or "/" in each]
    return Sent(root, files, sorted(folders, key=lambda each: (-each.count("/"), each)), linked)


def remove_sent(talk: Conversation, found: Sequence[Sent], trees: ByRoot) -> tuple[int, list[str]]:
    """Remove what was found; return the number of removed folders, and a text for each problem. Raise HostError."""
    numbers = {root: number for number, root in enumerate(trees, 1)}
    orders = 0
    for each in found:
        for folder, names in _by_folder(each.files):
            place = os.fsencode(folder)
            _send(talk, f"remove {numbers[each.root]}", names, place)
            orders += 1
    problems = []
    for _ in range(orders):
        problems += [os.fsdecode(record) for record in iter(talk.raw_answer, b"")]
    removed = 0
    for each in found:
        _send(talk, f"rmdir {numbers[each.root]}", each.folders)
        removed += len(list(iter(talk.raw_answer, b"")))
    return removed, problems


def _send(talk: Conversation, command: str, paths: Sequence[str], place: bytes | None = None) -> None:
    """Send a command with a list of paths. The line behind it shows that it has arrived as a whole."""
    listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
    length = b"" if place is None else b" %d" % len(place)
    talk.send(b"%s %d%s\n%s%s.\n" % (command.encode(), len(listed), length, place or b"", listed))


def _by_folder(files: Mapping[str, int]) -> Iterator[tuple[str, list[str]]]:
    names: dict[str, list[str]] = {}
    for path in files:
        folder, name = posixpath.split(path)
        names.setdefault(folder, []).append(name)
    yield from names.items()


def _folders(tree: Tree) -> list[str]:
    """Return all folders above the files of a tree, below its root."""
    return sorted({folder for path in map(_relative, tree.files) for folder in above(path)})


def _relative(path: str) -> str:
    return path.removeprefix("./").lstrip("/")
