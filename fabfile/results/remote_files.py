"""The results of components: which files a host has of them, and where they are put here. Pure.

The script lists them, hashes those that may be here already, and sends the others, as one tar stream a component.
"""

import posixpath
from collections.abc import Iterable, Sequence

import attrs

from rr_config import Component

from ..remote import state_dir
from ..remote.script import RemotePath, Script, load

OUTPUT = "output"


@attrs.frozen
class Result:
    """A file of a component on its host, by its path there, and where it is put, below the folder of a collection."""

    component: Component
    path: str
    size: int
    place: str


@attrs.frozen
class Listed:
    """What a host has: files by their place, patterns that match nothing there, and what kind of system it is."""

    results: dict[str, Result]
    problems: tuple[tuple[Component, str], ...]
    system: str


def folder_of(component: Component) -> str:
    """`HOST/COMPONENT`, each spelled as a name for a folder."""
    return f"{state_dir.folder(component.host)}/{state_dir.folder(component.name)}"


def place(component: Component, path: str) -> str:
    """Where a result is put: below `results` of its component, never outside of that."""
    parts = ["up" if part == ".." else part for part in posixpath.normpath(path).split("/") if part]
    return posixpath.join(folder_of(component), "results", *parts)


def collect_script(session: str, components: Sequence[Component]) -> Script:
    """Return the script that lists all files, then carries out `hash FOLDER LENGTH` and `fetch FOLDER LENGTH`.

    A list of paths follows each of these commands.
    """
    arguments: list[str] = []
    for component in components:
        folder = state_dir.folder(component.name)
        arguments += ["component", folder, RemotePath(component.base_dir or "")]
        for pattern in component.results:
            arguments += ["pattern", folder, RemotePath(pattern)]
    return load("collect", *arguments, session=session)


def read_listed(components: Sequence[Component], answers: Iterable[str]) -> Listed:
    """What the script answers up to `listed`."""
    by_folder = {state_dir.folder(component.name): component for component in components}
    results: dict[str, Result] = {}
    problems: list[tuple[Component, str]] = []
    system = ""
    for answer in answers:
        word, _, rest = answer.partition(" ")
        if word == "listed":
            break
        if word == "system":
            system = rest
            continue
        folder, _, rest = rest.partition(" ")
        component = by_folder[folder]
        match word:
            case "nowhere" if component.results:
                problems.append((component, f"{component.base_dir or 'its temporary folder'}: is not there"))
            case "nothing":
                problems.append((component, f"{rest}: matches nothing"))
            case "dangling":
                problems.append((component, f"{rest}: is a link to nothing"))
            case "unread":
                problems.append((component, f"{rest}: cannot be read, or not all of it"))
            case "file" | "output":
                size, path = rest.split(" ", 1)
                where = f"{folder_of(component)}/{OUTPUT}" if word == "output" else place(component, path)
                results[where] = Result(component, path, int(size), where)
    return Listed(results, tuple(problems), system)
