"""What runs have left on one host: states of sessions and temporary folders. Pure; see `scripts/clean.sh`."""

from collections.abc import Iterable, Sequence

import attrs

from rr_config import Component
from rr_config.program import program

from ..remote import state_dir
from ..remote.script import Script, Value, load, read_script
from ..util.text import counted
from .ownership import Foreign, Owner, read_foreign

LOOKED = "looked"
MOST_LISTED = 10  # components or processes in one message


@attrs.frozen
class OldSession:
    """The state of a session in which nothing runs. A session that `is_open` has windows, and keeps its own files."""

    name: str
    components: int
    size: int
    is_open: bool


@attrs.frozen
class Busy:
    """A session in which something runs: a text that says what, and a hint how to end it."""

    text: str
    hint: str


@attrs.frozen
class Remains:
    """What sessions have left on a host: their states, and temporary folders with their sizes.

    `busy` sessions are kept.
    """

    sessions: tuple[OldSession, ...] = ()
    temporary: tuple[tuple[str, int], ...] = ()
    busy: tuple[Busy, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The bytes in all of it."""
        return sum(each.size for each in self.sessions) + sum(size for _, size in self.temporary)


def clean_script(
    session: str,
    owner: Owner,
    components: Sequence[Component],
    roots: Sequence[Value],
    every: bool,
    remove: Sequence[str] | None,
) -> Script:
    """Return the script that lists what is left of a session, and then obeys commands about files below `roots`.

    `components` are those to clean, by default all of the session. With `every`, it looks at all sessions of the user.
    With `remove`, it removes the sessions of these names.
    """
    values: dict[str, Value] = {"sessions": " ".join(remove or ()), "remove": remove is not None, "every": every}
    values["folders"] = state_dir.folders(components)
    for name in ("staging_filter", "remove_folders"):
        values[name] = read_script(f"{name}.sh")
    return load("clean", *roots, session=session, **values, **owner.values(False))


def read_remains(session: str, components: Iterable[Component], answers: Iterable[str]) -> Remains:
    """Return what `clean_script` answered before LOOKED."""
    names = {folder: each.name for folder, each in state_dir.by_folder(components).items()}
    sessions: list[OldSession] = []
    temporary: list[tuple[str, int]] = []
    busy: list[Busy] = []
    problems: list[str] = []
    owned: list[str] = []
    for answer in answers:
        word, _, rest = answer.partition(" ")
        match word:
            case "session":
                name, count, size, state = rest.split(" ")
                sessions.append(OldSession(name, int(count), int(size), state == "open"))
            case "temporary":
                size, _, path = rest.partition(" ")
                temporary.append((path, int(size)))
            case "foreign":
                owned.append(answer)
            case "running" | "surviving":
                name, *found = rest.split(" ")
                foreign, owned = read_foreign(name, owned), []
                busy.append(_busy(word, name, [names.get(each, each) for each in found], foreign))
            case "problem":
                problems.append(rest)
            case _:
                raise ValueError(answer)
    return Remains(tuple(sessions), tuple(temporary), tuple(busy), tuple(problems))


def _busy(word: str, session: str, found: Sequence[str], foreign: Foreign | None) -> Busy:
    if foreign is not None:
        return Busy(str(foreign), "ask its owner to end it")
    listed = ", ".join(found[:MOST_LISTED]) + (", ..." if len(found) > MOST_LISTED else "")
    run = "runs" if len(found) == 1 else "run"
    if word == "running":
        text = f"{counted(len(found), 'component')} {run}: {listed}"
        return Busy(f'session "{session}": {text}', f"use {program()} stop, or {program()} kill for the whole session")
    text = f"{counted(len(found), 'process')} of ended components still {run}: {listed}"
    return Busy(f'session "{session}": {text}', f"use {program()} kill")
