"""The result files of components on a host, and their paths in a local collection. Pure.

`collect.sh` lists the files, hashes those that an earlier collection may hold, and sends the others. It sends one tar
stream for each component. `collect` talks with the script.
"""

import posixpath
from collections.abc import Iterable, Sequence

import attrs

from rr_config import Component

from ..remote import state_dir
from ..remote.script import RemotePath, Script, load

OUTPUT = "output"
USAGE = "usage.csv"
HOST = "."  # in place of the folder of a component


@attrs.frozen
class Result:
    """A file of a component on its host.

    `path` is its path there, and `size` is in bytes. `target` is its path relative to the folder of a collection. The
    samples of the host itself count as a file of its first component.
    """

    component: Component
    path: str
    size: int
    target: str

    @property
    def is_output(self) -> bool:
        """Return whether it is the output of the component. Only its first `size` bytes come from the program."""
        return self.target == f"{folder_of(self.component)}/{OUTPUT}"


@attrs.frozen
class Listed:
    """The list of a host: files by their target, and a problem for each pattern or path that cannot be collected.

    `system` names the operating system and the version of screen.
    """

    results: dict[str, Result]
    problems: tuple[tuple[Component, str], ...]
    system: str


def folder_of(component: Component) -> str:
    """Return `HOST/COMPONENT`, both encoded as names of folders."""
    return f"{state_dir.folder(component.host)}/{state_dir.folder(component.name)}"


def target_of(component: Component, path: str) -> str:
    """Return the target of a result: a path below the folder `results` of its component.

    Each `..` becomes `up`, so that the target never leaves that folder.
    """
    parts = ["up" if part == ".." else part for part in posixpath.normpath(path).split("/") if part]
    return posixpath.join(folder_of(component), "results", *parts)


def patterns_of(component: Component) -> list[str]:
    """Return the remote paths and patterns to collect: its `results`, and the files of its measures."""
    files = [measure.file for measure in component.measures.values() if measure.file]
    return list(dict.fromkeys([*component.results, *files]))


def collect_script(session: str, components: Sequence[Component]) -> Script:
    """Return the script that lists all files, then carries out `hash FOLDER LENGTH` and `fetch FOLDER LENGTH`.

    A list of paths follows each of these commands.
    """
    arguments: list[str] = []
    for component in components:
        folder = state_dir.folder(component.name)
        arguments += ["component", folder, RemotePath(component.base_dir or "")]
        for pattern in patterns_of(component):
            arguments += ["pattern", folder, RemotePath(pattern)]
    return load("collect", *arguments, *_usage_words(components), session=session)


def usage_script(session: str, components: Sequence[Component]) -> Script:
    """Return a script as `collect_script` does, which lists only samples."""
    return load("collect", *_usage_words(components), session=session)


def _usage_words(components: Sequence[Component]) -> list[str]:
    folders = state_dir.by_folder(components)
    own = [] if USAGE in folders else [HOST]  # both would have the same target
    return [word for folder in (*own, *folders) for word in ("usage", folder, "-")]


def read_listed(components: Sequence[Component], answers: Iterable[str]) -> Listed:
    """Parse the records of `collect_script` up to `listed`.

    Raise LookupError or ValueError for a record that the script cannot have sent.
    """
    by_folder = state_dir.by_folder(components)
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
        component = components[0] if (word, folder) == ("usage", HOST) else by_folder[folder]
        match word:
            case "nowhere" if patterns_of(component):
                problems.append((component, f"{component.base_dir or 'its temporary folder'}: no such folder"))
            case "nothing":
                problems.append((component, f"{rest}: matches nothing"))
            case "dangling":
                problems.append((component, f"{rest}: broken symbolic link"))
            case "unread":
                problems.append((component, f"{rest}: cannot be read completely; check its permissions"))
            case "file" | "output" | "usage":
                size, path = rest.split(" ", 1)
                where = _where(word, folder, component, path)
                results[where] = Result(component, path, int(size), where)
    return Listed(results, tuple(problems), system)


def _where(word: str, folder: str, component: Component, path: str) -> str:
    """Return the target of a listed file."""
    match word:
        case "output":
            return f"{folder_of(component)}/{OUTPUT}"
        case "usage":
            return f"{state_dir.folder(component.host) if folder == HOST else folder_of(component)}/{USAGE}"
    return target_of(component, path)
