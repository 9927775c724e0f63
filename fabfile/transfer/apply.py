"""Apply the changes that `diff` has found to one host: create folders, send and copy files, set permission bits.

Files arrive in a staging folder inside each target folder: small ones as tar streams, each large one by itself. When
they are known to be complete, the agent renames them to their targets (rename(2), on the same file system). A folder
that is new to the host is staged as a whole, and renamed with everything in it.

A host that needs the same content at several paths gets it once, and copies it. If a host has some pieces of a large
file, only the other pieces are sent.
"""

import itertools
import posixpath
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

import attrs

from rr_config.files.local_files import LocalFile

from . import checksums, diff, surplus, tree
from .protocol import reasons
from .protocol.remote_commands import STAGED_AS, RemoteCommands
from .protocol.tar_stream import TarStreams
from .relay.member import Member
from .root import Root, RootPath, first_copies, take_inventories
from .sparse import DataParts
from .upload import Batch, Progress, Sender, Upload, batches, send

CHANGED_HERE = "changed on this machine during the transfer"


@attrs.frozen
class LocalSources:
    """Caches of local file content that all hosts of a sync share.

    A thread holds the lock `turn` for work that needs much memory, and for work whose result others then find cached.
    """

    hashes: checksums.LocalHashes = attrs.field(factory=checksums.LocalHashes)
    tar_streams: TarStreams = attrs.field(factory=TarStreams)
    data: DataParts = attrs.field(factory=DataParts)
    turn: threading.Lock = attrs.field(factory=threading.Lock)


class HostUpdate:
    """The changes of all roots of one host, and the way to apply them.

    `staging` is the name of staging folders on the host.
    """

    def __init__(self, roots: Sequence[Root], staging: str, sources: LocalSources) -> None:
        self._roots, self._staging, self._sources = roots, staging, sources
        with sources.turn:
            self._copies = first_copies(self.files(), sources.hashes)

    def files(self) -> Iterator[tuple[RootPath, LocalFile]]:
        """Yield the files that the host needs, each with its target."""
        for root in self._roots:
            for path in root.changes.send:
                yield (root, path), root.tree.files[path]

    def sent_bytes(self, root_path: RootPath, local: LocalFile) -> int:
        """Return the number of content bytes to send.

        It is 0 for a copy, and less than its size for a partial or sparse file.
        """
        if root_path in self._copies:
            return 0
        root, path = root_path
        partial = root.partial.get(path)
        parts = partial.parts(local.size) if partial else self._sources.data(local)
        return local.size if parts is None else sum(size for _, size in parts)

    def batches(self) -> Iterator[Batch]:
        """Yield the batches that hosts can pass on to each other."""
        return batches(self._items(), are_shared=True)

    def apply(self, commands: RemoteCommands, progress: Progress, member: Member | None = None) -> None:
        """Apply all changes; add each path that is still wrong to the problems of its root.

        This takes one round trip unless a program on the host reports an error. In that case nothing is renamed before
        all staged files have been checked, and everything is checked again afterwards.
        """
        if not any(root.changes.is_any or root.surplus for root in self._roots):
            return
        changed = self._stage(commands, progress, member)
        self._remove(commands, changed)
        checkpoint = commands.send_command("checkpoint")
        self._settle(commands)
        is_complete = not changed and not any(root.problems for root in self._roots)
        deletions = self._delete_surplus(commands) if is_complete else None
        commands.answer(checkpoint)
        has_error = bool(commands.words)
        if deletions is not None:
            self._read_deletions(commands, deletions)
        if not commands.all_done():
            if has_error:  # the checkpoint has kept the agent from moving anything
                changed |= self._settle_rest(commands, progress, changed)
            self._find_problems(commands)
        for root, path in changed:
            root.problems[path] = CHANGED_HERE

    def _stage(self, commands: RemoteCommands, progress: Progress, member: Member | None) -> set[RootPath]:
        """Bring all files to their staging folders; return the targets of files that changed here meanwhile."""
        commands.be_patient(sum(local.size for _, local in self.files()))
        self._make_folders(commands)
        total = sum(self.sent_bytes(root_path, local) for root_path, local in self.files())
        changed = self._send(commands, self._items(), total, progress, member)
        self._copy_files(commands)
        for root_path, source in self._copies.items():
            if source in changed:
                changed.add(root_path)
        return changed

    def _make_folders(self, commands: RemoteCommands) -> None:
        """Create the folders that staging folders stand in, the staging folders, and new folders inside these."""
        for root in self._roots:
            commands.enter(root.name)
            commands.send_chmods(root.changes.unlock)
            # Because of the dot, mkdir reports a file in the way as "Not a directory" instead of "File exists".
            above = {posixpath.join(posixpath.dirname(top), ".") for top in root.new.values()}
            commands.send_command("mkdir", sorted(above))
        waiting = (root.folders_of_obstacles(self._staging) for root in self._roots)
        commands.send_command("stage", [*self._staging_folders(), *itertools.chain.from_iterable(waiting)])
        for root in self._roots:
            commands.enter(root.name)
            commands.send_command("mkdir", [root.staged(folder, self._staging) for folder in root.new])

    def _copy_files(self, commands: RemoteCommands) -> None:
        """Copy staged files to the other targets with the same content, with one command for each folder."""
        groups: dict[str, list[str]] = {}  # sources, by target; a target with a slash at its end is a folder
        for root_path, source in self._copies.items():
            target, origin = self._staged(root_path), self._staged(source)
            folder, name = posixpath.split(target)
            if name == posixpath.basename(origin):
                target = f"{folder}/"
            groups.setdefault(target, []).append(origin)
        for target, origins in groups.items():
            commands.send_command_with_target("copy", origins, target)

    def _remove(self, commands: RemoteCommands, files: Iterable[RootPath]) -> None:
        """Remove staged files, so that they do not replace the old ones."""
        commands.send_command("remove", map(self._staged, files))

    def _settle(self, commands: RemoteCommands) -> None:
        """Move all staged files and folders to their targets, and set permission bits."""
        for root in self._roots:
            if root.swapped():
                commands.enter(root.name)
                commands.send_command("swap", root.swapped())
        commands.send_command("move", self._staging_folders())
        commands.send_command("unstage")  # before the chmods, which may make folders read-only
        for root in self._roots:
            commands.enter(root.name)
            commands.send_chmods(root.changes.chmod)

    def _delete_surplus(self, commands: RemoteCommands) -> dict[int, tuple[Root, str]]:
        """Remove what the trees lack, if there was no error so far; return root and folder of each command."""
        sent = {}
        commands.send_command("checkpoint")
        for root in self._roots:
            commands.enter(root.name)
            for top, mirror in root.tree.mirrors.items():
                paths = surplus.listed(root.surplus, top, root.inventory.obstacles) if mirror.deletes else []
                if paths:
                    number = commands.send_command_with_target("delete", paths, top, str(mirror.depth))
                    sent[number] = (root, top)
        return sent

    def _read_deletions(self, commands: RemoteCommands, sent: Mapping[int, tuple[Root, str]]) -> None:
        """Add what could not be removed to the problems of its root."""
        for number, (root, top) in sent.items():
            root.problems |= surplus.read_left(top, commands.answer(number))
        if not commands.words:
            for root in self._roots:
                root.removed = len(root.removals) - len(root.surplus.keys() & root.problems.keys())

    def _settle_rest(self, commands: RemoteCommands, progress: Progress, changed: Set[RootPath]) -> set[RootPath]:
        """Send the files that the host could not copy, for example because the source is missing. Settle the rest.

        `changed` are files that changed here before. Return those that have changed now.
        """
        commands.send_command("resume")
        lost = self._copies.keys() & self._not_whole(commands) - changed
        items = [self._item(root_path) for root_path in lost]
        changed_now = self._send(commands, items, sum(item.local.size for item in items), progress)
        self._remove(commands, {*self._not_whole(commands), *changed_now})
        self._settle(commands)
        return changed_now

    def _not_whole(self, commands: RemoteCommands) -> set[RootPath]:
        """Return the targets of files whose staged file is missing, or has the wrong size or mode."""
        staged_roots = {root: root.as_staged(self._staging) for root in self._roots}
        take_inventories(commands, staged_roots.values())
        found = set()
        for (root, path), _ in self.files():
            if root.staged(path, self._staging) in staged_roots[root].inventory.differing:
                found.add((root, path))
        return found

    def _find_problems(self, commands: RemoteCommands) -> None:
        """Compare everything that was changed with its tree again; note the paths that are still wrong."""
        commands.send_command("resume")
        checked = {root: root.touched() for root in self._roots}
        take_inventories(commands, checked.values())
        checksums.compare(commands, checked.values(), self._sources.hashes)
        # A staged file counts as its target.
        errors = reasons.ErrorLines(reasons.unstaged(line, self._staging) for line in commands.words)
        for root, now in checked.items():
            for path in diff.unmet(root.changes, now.inventory, now.same):
                root.problems[path] = reasons.reason_of_sync(errors, path, root.folder, self._staging)

    def _items(self) -> Iterator[Upload]:
        return (self._item(root_path) for root_path, _ in self.files() if root_path not in self._copies)

    def _item(self, root_path: RootPath) -> Upload:
        root, path = root_path
        local = root.tree.files[path]
        return Upload(root_path, root.staged(path, STAGED_AS), local, root.partial.get(path), self._sources.data(local))

    def _send(
        self,
        commands: RemoteCommands,
        items: Iterable[Upload],
        total: int,
        progress: Progress,
        member: Member | None = None,
    ) -> set[RootPath]:
        """Send files; return the targets of files that changed here meanwhile."""
        sender = Sender(commands, self._sources.tar_streams, total, progress)
        send(sender, batches(items, member is not None), member.deliver if member else Sender.send)
        if member:
            member.finish(sender, self.batches())
        return sender.changed

    def _staged(self, root_path: RootPath) -> str:
        """Return the absolute path at which a file is staged."""
        root, path = root_path
        return tree.locate(root.folder, root.staged(path, self._staging))

    def _staging_folders(self) -> list[str]:
        """Return the absolute paths of all staging folders."""
        folders: set[str] = set()
        for root in self._roots:
            folders |= root.staging_folders(self._staging)
        return sorted(folders)
