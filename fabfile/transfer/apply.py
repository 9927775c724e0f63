"""Apply the changes that `diff` has found to one host: create folders, send and copy files, set permission bits.

Files arrive in a staging folder inside each target folder: small ones as tar streams, each large one by itself. When
they are known to be complete, the agent renames them to their targets (rename(2), on the same file system). A folder
that is new to the host is staged as a whole, and renamed with everything in it.

A host that needs the same content at several paths gets it once, and copies it. If a host has some pieces of a large
file, only the other pieces are sent.
"""

import posixpath
import threading
from collections.abc import Iterator, Mapping, Sequence

import attrs

from rr_config.local_files import LocalFile

from ..util.text import error_about
from .checksums import LocalHashes, PartialFile, compare
from .diff import Changes, touched, unmet
from .remote_commands import RemoteCommands
from .tar_stream import TarStreams
from .tree import TOP, RootPath, Tree, above, first_copies, locate, outermost
from .upload import LARGE, STAGED_AS, Progress, Upload, send


@attrs.frozen
class LocalSources:
    """Caches of local file content that all hosts of a sync share.

    A thread holds the lock `turn` for work that needs much memory, and for work whose result others then find cached.
    """

    hashes: LocalHashes = attrs.field(factory=LocalHashes)
    tar_streams: TarStreams = attrs.field(factory=TarStreams)
    turn: threading.Lock = attrs.field(factory=threading.Lock)


class HostUpdate:
    """The changes of one host, and the way to apply them.

    Many hosts may get many files each at the same time. So this keeps few objects for each file.

    `known` maps each root to its path on the host, and `todo` to its changes. `partial` holds the files that the host
    has in part. `staging` is the name of staging folders there.
    """

    def __init__(
        self,
        trees: Mapping[str, Tree],
        known: Mapping[str, str],
        todo: Mapping[str, Changes],
        partial: Mapping[RootPath, PartialFile],
        staging: str,
        sources: LocalSources,
    ) -> None:
        self._trees, self._known, self._todo, self._staging = trees, known, todo, staging
        self._partial, self._sources = partial, sources
        self._new = {root: outermost(each.make) for root, each in todo.items()}
        with sources.turn:
            self._copies = first_copies(self.files(), sources.hashes)

    def files(self) -> Iterator[tuple[RootPath, LocalFile]]:
        """Yield the files that the host needs, each with its target."""
        for root, each in self._todo.items():
            files = self._trees[root].files
            for path in each.send:
                yield (root, path), files[path]

    def sent_bytes(self, root_path: RootPath, local: LocalFile) -> int:
        """Return the number of content bytes to send: 0 for a copy, and less than its size for a partial file."""
        if root_path in self._copies:
            return 0
        partial = self._partial.get(root_path)
        return sum(size for _, size in partial.parts(local.size)) if partial else local.size

    def spelled(self, root_path: RootPath) -> str:
        """Return the absolute path on the host, for messages."""
        return posixpath.normpath(locate(self._known[root_path[0]], root_path[1]))

    def apply(self, commands: RemoteCommands, progress: Progress) -> dict[RootPath, str]:
        """Apply all changes; return the paths that are still wrong, each with the reason.

        This takes one round trip unless a program on the host reports an error. In that case nothing is renamed before
        all staged files have been checked, and everything is checked again afterwards.
        """
        if not any(each.make or each.send or each.chmod for each in self._todo.values()):
            return {}
        changed = dict.fromkeys(self._stage(commands, progress), "it changed here while it was sent")
        commands.send_command("remove", [self._staged(root_path) for root_path in changed])
        checkpoint = commands.send_command("checkpoint")
        self._settle(commands)
        commands.answer(checkpoint)
        causes = list(commands.words)
        if commands.all_done():
            return changed
        if causes:  # the checkpoint has kept the agent from moving anything
            commands.send_command("resume")
            self._send_lost_copies(commands, progress)
            commands.send_command("remove", [self._staged(root_path) for root_path in self._not_whole(commands)])
            self._settle(commands)
        unmet = self._unmet(commands)
        return {
            root_path: _reason(root_path[1], causes, commands.words[len(causes) :]) for root_path in unmet
        } | changed

    def _stage(self, commands: RemoteCommands, progress: Progress) -> set[RootPath]:
        """Send all files to their staging folders; return the targets of files that changed here meanwhile."""
        commands.be_patient(sum(local.size for _, local in self.files()))
        for root, new in self._new.items():
            commands.enter(root)
            commands.send_chmods(self._todo[root].unlock)
            # Because of the dot, mkdir reports a file in the way as "Not a directory" instead of "File exists".
            commands.send_command(
                "mkdir", sorted({posixpath.join(posixpath.dirname(top), ".") for top in new.values()})
            )
        commands.send_command("stage", self._staging_folders())
        for root, new in self._new.items():
            commands.enter(root)
            commands.send_command("mkdir", [_staged_in_root(folder, top, self._staging) for folder, top in new.items()])
        total = sum(self.sent_bytes(root_path, local) for root_path, local in self.files())
        items = (self._item(root_path) for root_path, _ in self.files() if root_path not in self._copies)
        changed = send(commands, items, self._sources.tar_streams, total, progress)
        groups: dict[str, list[str]] = {}  # sources of copies, by target; a target with a slash at its end is a folder
        for root_path, source in self._copies.items():
            target, origin = self._staged(root_path), self._staged(source)
            folder, name = posixpath.split(target)
            groups.setdefault(f"{folder}/" if name == posixpath.basename(origin) else target, []).append(origin)
        for target, origins in groups.items():
            commands.send_command_with_target("copy", origins, target)
        return changed | {root_path for root_path, source in self._copies.items() if source in changed}

    def _settle(self, commands: RemoteCommands) -> None:
        """Move all staged files and folders to their targets, and set permission bits."""
        commands.send_command("move", self._staging_folders())
        commands.send_command("unstage")  # before the chmods, which may make folders read-only
        for root, each in self._todo.items():
            commands.enter(root)
            commands.send_chmods(each.chmod)

    def _send_lost_copies(self, commands: RemoteCommands, progress: Progress) -> None:
        """Send the files that the host should have copied, but could not, for example because the source is missing."""
        lost = [root_path for root_path in self._not_whole(commands) if root_path in self._copies]
        items = [self._item(root_path) for root_path in lost]
        send(commands, items, self._sources.tar_streams, sum(item.local.size for item in items), progress)

    def _not_whole(self, commands: RemoteCommands) -> list[RootPath]:
        """Return the targets of files whose staged file is missing, or has the wrong size or mode."""
        by_root: dict[str, dict[str, LocalFile]] = {}
        root_paths: dict[RootPath, RootPath] = {}
        for (root, path), local in self.files():
            staged = self._staged_file((root, path), self._staging)
            by_root.setdefault(root, {})[staged] = local
            root_paths[root, staged] = root, path
        trees = {root: Tree(files) for root, files in by_root.items()}
        asked = {root: commands.ask_inventory(root, tree) for root, tree in trees.items()}
        return [
            root_paths[root, staged]
            for root, tree in trees.items()
            for staged in commands.inventory(asked[root], tree).differing
        ]

    def _unmet(self, commands: RemoteCommands) -> list[RootPath]:
        """Compare everything that was changed with its tree again; return the paths that are still wrong."""
        after = {root: touched(self._trees[root], each) for root, each in self._todo.items()}
        asked = {root: commands.ask_inventory(root, tree) for root, tree in after.items()}
        inventories = {root: commands.inventory(asked[root], tree) for root, tree in after.items()}
        compared = compare(commands, after, inventories, self._sources.hashes)
        return [
            (root, path)
            for root, each in self._todo.items()
            for path in unmet(each, inventories[root], compared[root].same)
        ]

    def _item(self, root_path: RootPath) -> Upload:
        local = self._trees[root_path[0]].files[root_path[1]]
        staging = STAGED_AS if local.size < LARGE else self._staging
        return Upload(root_path, self._staged_file(root_path, staging), local, self._partial.get(root_path))

    def _staged(self, root_path: RootPath) -> str:
        return locate(self._known[root_path[0]], self._staged_file(root_path, self._staging))

    def _staged_file(self, root_path: RootPath, staging: str) -> str:
        """Return the path in its root at which a file is staged, if `staging` is the name of staging folders."""
        root, path = root_path
        return _staged_in_root(path, self._new[root].get(path.rpartition("/")[0] or TOP, path), staging)

    def _staging_folders(self) -> list[str]:
        """Return the absolute paths of all staging folders."""
        moved = {(root, top) for root, new in self._new.items() for top in new.values()}
        for (root, path), _ in self.files():
            if path.rpartition("/")[0] not in self._new[root]:
                moved.add((root, path))
        folders = {(root, posixpath.dirname(path)) for root, path in moved}
        return sorted(posixpath.join(locate(self._known[root], folder), self._staging) for root, folder in folders)


def _staged_in_root(path: str, moved: str, staging: str) -> str:
    """Return the path at which `path` is staged. `moved` is `path` itself, or the folder above it that is renamed."""
    folder = moved.rpartition("/")[0]
    return f"{folder}/{staging}/{path[len(folder) + 1 :]}"


def _reason(path: str, causes: Sequence[str], consequences: Sequence[str]) -> str:
    """Return the end of the first error line about `path`, or about the nearest folder above it; else the last line.

    `causes` are errors from before the checkpoint, and they take precedence over `consequences`, the later ones.
    """
    path = path.removeprefix(".")
    moved = f"'./{posixpath.basename(path)}'"  # as mv prints it
    for words in (causes, consequences):
        for there in (path, *above(path)):
            found = error_about(words, there, moved) if there != TOP else ""
            if found:
                return found
    last = [*causes, *consequences][-1:]
    return last[0].lower() if last else "it is not there, or not as it should be, for no reason that was given"
