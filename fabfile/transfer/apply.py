"""Carries out on one host what a comparison has found: makes, sends, copies, moves, sets permissions.

Files arrive, as tar streams, in a staging folder inside each target folder, and are moved into place
(rename(2), on the same file system) once they are known to be whole. A folder that is new to the host is
staged and moved with all that is in it. Content that a host needs in several places is sent once and
copied there. Of a large file that it has in part, only the other pieces are sent.
"""

import posixpath
import threading
from collections.abc import Iterator, Mapping, Sequence

import attrs

from rr_config.local_files import LocalFile

from .checksums import LocalHashes, PartialFile, compare
from .diff import Changes, touched, unmet
from .remote_commands import RemoteCommands
from .tar_stream import TarStreams
from .tree import TOP, RootPath, Tree, above, first_copies, locate, outermost
from .upload import LARGE, STAGED_AS, Progress, Upload, send


@attrs.frozen
class LocalSources:
    """What is known of the files here, for all hosts of a sync.

    They take their `turn` where one alone does it for all that have the same to do, or where it takes much memory.
    """

    hashes: LocalHashes = attrs.field(factory=LocalHashes)
    tar_streams: TarStreams = attrs.field(factory=TarStreams)
    turn: threading.Lock = attrs.field(factory=threading.Lock)


class HostUpdate:
    """What has to be done on one host.

    Many hosts are worked on at call_once, and may have to get many files each: so there are few things here that
    are kept for every file.
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
        """The files that the host is to get, and where."""
        for root, each in self._todo.items():
            files = self._trees[root].files
            for path in each.send:
                yield (root, path), files[path]

    def sent_bytes(self, place: RootPath, local: LocalFile) -> int:
        """How many bytes of the content of a file have to be sent."""
        if place in self._copies:
            return 0
        partial = self._partial.get(place)
        return sum(size for _, size in partial.parts(local.size)) if partial else local.size

    def spelled(self, place: RootPath) -> str:
        """The absolute path of a place on the host, for a person."""
        return posixpath.normpath(locate(self._known[place[0]], place[1]))

    def apply(self, orders: RemoteCommands, progress: Progress) -> dict[RootPath, str]:
        """Do all of it; what did not come out as wanted, with the host's words for it.

        One round trip, unless a program on the host complains: then nothing is moved until it is known which
        files have arrived whole, and afterwards all is looked at.
        """
        if not any(each.make or each.send or each.chmod for each in self._todo.values()):
            return {}
        changed = dict.fromkeys(self._stage(orders, progress), "it changed here while it was sent")
        orders.tell("remove", [self._staged(place) for place in changed])
        checkpoint = orders.tell("checkpoint")
        self._settle(orders)
        orders.answer(checkpoint)
        causes = list(orders.words)
        if orders.all_done():
            return changed
        if causes:  # nothing has been moved yet
            orders.tell("resume")
            self._send_lost_copies(orders, progress)
            orders.tell("remove", [self._staged(place) for place in self._not_whole(orders)])
            self._settle(orders)
        unmet = self._unmet(orders)
        return {place: _reason(place[1], causes, orders.words[len(causes) :]) for place in unmet} | changed

    def _stage(self, orders: RemoteCommands, progress: Progress) -> set[RootPath]:
        """Bring all files to their staging folders; the places of those that changed here meanwhile."""
        orders.be_patient(sum(local.size for _, local in self.files()))
        for root, new in self._new.items():
            orders.enter(root)
            orders.tell_modes(self._todo[root].unlock)
            # With a dot, mkdir says of a file in the way that it is no folder.
            orders.tell("mkdir", sorted({posixpath.join(posixpath.dirname(top), ".") for top in new.values()}))
        orders.tell("stage", self._staging_folders())
        for root, new in self._new.items():
            orders.enter(root)
            orders.tell("mkdir", [_staged_in_root(folder, top, self._staging) for folder, top in new.items()])
        total = sum(self.sent_bytes(place, local) for place, local in self.files())
        items = (self._item(place) for place, _ in self.files() if place not in self._copies)
        changed = send(orders, items, self._sources.tar_streams, total, progress)
        groups: dict[str, list[str]] = {}  # by where they are copied to
        for place, source in self._copies.items():
            target, origin = self._staged(place), self._staged(source)
            folder, name = posixpath.split(target)
            groups.setdefault(f"{folder}/" if name == posixpath.basename(origin) else target, []).append(origin)
        for target, origins in groups.items():
            orders.tell_with_target("copy", origins, target)
        return changed | {place for place, source in self._copies.items() if source in changed}

    def _settle(self, orders: RemoteCommands) -> None:
        """Move what has been staged into its place, and set permission bits."""
        orders.tell("move", self._staging_folders())
        orders.tell("unstage")  # before folders get their bits, which may forbid it
        for root, each in self._todo.items():
            orders.enter(root)
            orders.tell_modes(each.chmod)

    def _send_lost_copies(self, orders: RemoteCommands, progress: Progress) -> None:
        """Send what should have been copied on the host, where that from which it is copied has not arrived."""
        lost = [place for place in self._not_whole(orders) if place in self._copies]
        items = [self._item(place) for place in lost]
        send(orders, items, self._sources.tar_streams, sum(item.local.size for item in items), progress)

    def _not_whole(self, orders: RemoteCommands) -> list[RootPath]:
        """The places whose files have not been staged as they should."""
        by_root: dict[str, dict[str, LocalFile]] = {}
        places: dict[RootPath, RootPath] = {}
        for (root, path), local in self.files():
            staged = self._staged_file((root, path), self._staging)
            by_root.setdefault(root, {})[staged] = local
            places[root, staged] = root, path
        trees = {root: Tree(files) for root, files in by_root.items()}
        asked = {root: orders.ask_inventory(root, tree) for root, tree in trees.items()}
        return [
            places[root, staged]
            for root, tree in trees.items()
            for staged in orders.inventory(asked[root], tree).differing
        ]

    def _unmet(self, orders: RemoteCommands) -> list[RootPath]:
        """The places at which something is still not as wanted."""
        after = {root: touched(self._trees[root], each) for root, each in self._todo.items()}
        asked = {root: orders.ask_inventory(root, tree) for root, tree in after.items()}
        inventories = {root: orders.inventory(asked[root], tree) for root, tree in after.items()}
        compared = compare(orders, after, inventories, self._sources.hashes)
        return [
            (root, path)
            for root, each in self._todo.items()
            for path in unmet(each, inventories[root], compared[root].same)
        ]

    def _item(self, place: RootPath) -> Upload:
        local = self._trees[place[0]].files[place[1]]
        staging = STAGED_AS if local.size < LARGE else self._staging
        return Upload(place, self._staged_file(place, staging), local, self._partial.get(place))

    def _staged(self, place: RootPath) -> str:
        return locate(self._known[place[0]], self._staged_file(place, self._staging))

    def _staged_file(self, place: RootPath, staging: str) -> str:
        """Where a file is staged, as a path in its root, if staging folders are called `staging`."""
        root, path = place
        return _staged_in_root(path, self._new[root].get(path.rpartition("/")[0] or TOP, path), staging)

    def _staging_folders(self) -> list[str]:
        """All of them, as absolute paths."""
        moved = {(root, top) for root, new in self._new.items() for top in new.values()}
        for (root, path), _ in self.files():
            if path.rpartition("/")[0] not in self._new[root]:
                moved.add((root, path))
        folders = {(root, posixpath.dirname(path)) for root, path in moved}
        return sorted(posixpath.join(locate(self._known[root], folder), self._staging) for root, folder in folders)


def _staged_in_root(path: str, moved: str, staging: str) -> str:
    """Where `path` is staged, if `moved`, itself or a folder above it, is what will be moved."""
    folder = moved.rpartition("/")[0]
    return f"{folder}/{staging}/{path[len(folder) + 1 :]}"


def _reason(path: str, causes: Sequence[str], consequences: Sequence[str]) -> str:
    """The end of the line that speaks of `path`, or of the nearest folder above it; else the last line."""
    path = path.removeprefix(".")
    moved = f"'./{posixpath.basename(path)}'"  # as mv spells it
    for words in (causes, consequences):
        for there in (path, *above(path)):
            for line in words:
                if there != TOP and (there in line or moved in line):
                    return line.rsplit(": ", 1)[-1].lower()
    last = [*causes, *consequences][-1:]
    return last[0].lower() if last else "it is not there, or not as it should be, for no reason that was given"
