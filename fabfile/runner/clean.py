"""`CleanCommands`: the command `clean`, which removes what runs have left on hosts."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from rr_config.config import by_host
from rr_config.files.local_files import expected_files

from ..components.clean import LOOKED, Remains, clean_script, read_remains
from ..remote.ask import conversation
from ..remote.host import Host
from ..remote.script import Script
from ..transfer.removal import Sent, find_sent, lasting, remove_sent, root_words
from ..transfer.tree import ByRoot, Trees
from ..util.limits import CLEAN_SECONDS
from ..util.stages import Failure, StageError
from .inspector import stage_group
from .waiting.wait_commands import WaitCommands


@attrs.frozen
class Leftovers:
    """What runs have left on a host: what sessions keep there, and files that were sent."""

    remains: Remains
    sent: tuple[Sent, ...] = ()

    @property
    def files(self) -> int:
        """The number of sent files."""
        return sum(len(each.files) for each in self.sent)

    @property
    def size(self) -> int:
        """The bytes in all of it."""
        return self.remains.size + sum(sum(each.files.values()) for each in self.sent)

    def as_dict(self) -> dict[str, object]:
        """Return the facts for `--json`."""
        return {
            "found_sessions": [each.name for each in self.remains.sessions],
            "found_temporary_folders": [path for path, _ in self.remains.temporary],
            "found_files": [each.spelled(path) for each in self.sent for path in each.files],
            "found_bytes": self.size,
        }

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to remove."""
        return not self.remains.sessions and not self.files


@attrs.frozen
class Cleaned:
    """What was removed from a host: leftovers, and folders that have become empty. `problems` are those of paths."""

    leftovers: Leftovers
    folders: int
    problems: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return the facts for `--json`."""
        remains = self.leftovers.remains
        return {
            "removed_sessions": [each.name for each in remains.sessions],
            "removed_temporary_folders": [path for path, _ in remains.temporary],
            "removed_files": self.leftovers.files,
            "removed_folders": self.folders,
            "removed_bytes": self.leftovers.size,
        }


Agrees = Callable[[Mapping[str, Leftovers]], bool]


def _agree(_: Mapping[str, Leftovers]) -> bool:
    return True


@attrs.define
class CleanCommands(WaitCommands):
    """Removes what runs have left."""

    @stage_group
    def clean(self, *, every: bool = False, files: bool = False, agrees: Agrees = _agree) -> dict[str, Cleaned]:
        """Remove the state of the session and temporary folders from every host; return what was removed, by host.

        With `options.limit`, remove only what belongs to the chosen components. With `every`, remove the state of all
        sessions of the user there, except those that run. With `files`, also remove the files of the components, and
        folders that become empty.

        `agrees` gets what was found, by host, and returns whether to remove it. Sessions that run are in it, too, but
        are kept. Raise StageError, and remove nothing, if a component of the session runs. An open session without
        running components keeps its own files.
        """
        found = self._find_leftovers(every, files)
        shown = {host: each for host, each in found.items() if each.remains.busy or not each.is_nothing}
        if not shown or not agrees(shown):
            return {}
        chosen = {host: each for host, each in shown.items() if not each.is_nothing}
        trees = self._lasting_trees() if files else {}

        def work(host: Host) -> Cleaned:
            return self._remove(host, chosen[host.name], trees.get(host.name, {}))

        def failures(host: str, cleaned: Cleaned) -> list[Failure]:
            return [Failure(host, problem) for problem in cleaned.problems]

        return self._fleet.on_all("clean", work, failures, chosen)

    def _find_leftovers(self, every: bool, files: bool) -> dict[str, Leftovers]:
        trees = self._lasting_trees() if files else {}
        busy: set[str] = set()

        def work(host: Host) -> Leftovers:
            own = trees.get(host.name, {})
            with conversation(host, self._clean_script(host, own, every), patience=CLEAN_SECONDS) as talk:
                remains = self._read_remains(host, iter(talk.answer, LOOKED))
                sent = find_sent(talk, own)
                talk.send(b"end\n")
                list(talk.answers())
            return Leftovers(remains, tuple(sent))

        def failures(host: str, found: Leftovers) -> list[Failure]:
            if every or not found.remains.busy:
                return []
            busy.add(host)
            return [Failure(host, f"{each.text}; {each.hint}") for each in found.remains.busy]

        self.observer.awaits("connect", list(self._fleet.group.hosts), self._connect_seconds)
        try:
            found = self._fleet.on_all("connect", work, failures)
        except StageError as error:
            error.final |= busy
            raise
        self._fleet.final = self._fleet.final | busy
        return {host: each for host, each in found.items() if host not in busy}

    def _remove(self, host: Host, leftovers: Leftovers, trees: ByRoot) -> Cleaned:
        sessions = [each.name for each in leftovers.remains.sessions]
        script = self._clean_script(host, trees, False, sessions)
        with conversation(host, script, patience=CLEAN_SECONDS) as talk:
            done = self._read_remains(host, iter(talk.answer, LOOKED))
            folders, problems = remove_sent(talk, leftovers.sent, trees)
            talk.send(b"end\n")
            list(talk.answers())
        return Cleaned(leftovers, folders, (*done.problems, *problems))

    def _clean_script(self, host: Host, trees: ByRoot, every: bool, remove: Sequence[str] | None = None) -> Script:
        own = by_host(self.config.all_components())[host.name] if self.options.limit is not None else []
        return clean_script(self.session, self.owner, own, root_words(trees), every, remove)

    def _read_remains(self, host: Host, answers: Iterator[str]) -> Remains:
        return read_remains(self.session, by_host(self.config.all_components())[host.name], answers)

    def _lasting_trees(self) -> dict[str, ByRoot]:
        trees = Trees(expected_files)
        return {host: lasting(trees.of(own)) for host, own in by_host(self.config.all_components()).items()}
