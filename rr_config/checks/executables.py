"""Validate the executables of components, as far as the local files show that the host could not run them.

A problem is only reported if it is certain. The host may have files that no component sends, except in a temporary
folder: only the `files` of its component lead there.
"""

import codecs
import functools
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import attrs

from ..component import Component
from ..config import Config
from ..files.local_files import Placed, Unusable
from ..files.paths import remote_path
from ..files.trees import FilesKey, files_key

Found = Placed | Unusable


@attrs.frozen
class Brought:
    """The local files of a component, and those of them whose remote path is the executable of some component."""

    every: Sequence[Found]
    executables: Mapping[str, Found]


EXECUTABLE_BITS = 0o111
LONGEST_LINE = 256  # bytes of a `#!` line that Linux reads; see execve(2)
# perl ignores a CR behind its options, and `env -S` treats it as a space.
IGNORES_CR = re.compile(rb"#![ \t]*\S*/(?:perl[0-9.]*[ \t]+-|env[ \t]+-(?:\w*S|-split))")
# The starts of text files in which a byte order mark hides the `#!` from Linux.
HIDDEN = tuple(
    mark + "#!".encode(encoding)
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    )
)


def executable_problems(config: Config, placed: Callable[[Component], Sequence[Found]]) -> Iterator[str]:
    """Yield the problems of all executables. `placed` returns the local files of a component.

    Report a local file once, because components share files.
    """
    for component in config.all_local_components():
        yield from _with_arguments(component, {})
    by_component = _by_component(config.all_remote_components(), placed)
    on_hosts: dict[tuple[str, str], Found] = {}
    for component, files in by_component:
        for path, found in files.executables.items():
            if path.startswith(("/", "~")):  # all components of a host share it
                on_hosts.setdefault((component.host, path), found)
    head = functools.cache(_head)
    reported: set[str] = set()
    for component, files in by_component:
        path = component.executable
        executable = files.executables.get(path) or on_hosts.get((component.host, path))
        if executable is None:
            of_host = {place: found for (host, place), found in on_hosts.items() if host == component.host}
            yield from _with_arguments(component, of_host | {**files.executables}) or _missing(component, files.every)
        elif isinstance(executable, Placed):
            problems = list(_unusable(component, executable, files.every, head))
            yield from (f"{component.label}.executable: {each}" for each in problems if each not in reported)
            reported.update(problems)


def _by_component(
    components: Iterable[Component], placed: Callable[[Component], Sequence[Found]]
) -> list[tuple[Component, Brought]]:
    components = list(components)
    executables = {component.executable for component in components}
    executables.update(chain.from_iterable(map(_beginnings, list(executables))))

    known: dict[FilesKey, Brought] = {}

    def brought(component: Component) -> Brought:
        key = files_key(component.files)
        if key not in known:
            every = [each for each in placed(component) if isinstance(each, Placed) or not each.is_skipped]
            found = ((_path(each), each) for each in every)
            known[key] = Brought(every, {path: each for path, each in found if path in executables})
        return known[key]

    return [(component, brought(component)) for component in components]


def _path(found: Found) -> str:
    """Return the remote path of a file in the spelling of an executable: without the `./` of a relative folder."""
    return remote_path(None, found.remote)


def _beginnings(path: str) -> list[str]:
    """Return the parts of a path in front of each space, the longest first. One of them may be the program."""
    return [path[: space.start()] for space in reversed(list(re.finditer(r"(?<=\S)\s+(?=\S)", path)))]


def _with_arguments(component: Component, sent: Mapping[str, Found]) -> list[str]:
    """Return a problem if the executable is a known program with arguments behind it, otherwise an empty list.

    A program is known if it is a file of `sent`, or if this machine has it in the same place.
    """
    path = component.executable
    for program in _beginnings(path):
        found = sent.get(program)
        is_sent = isinstance(found, Placed) and not found.local.is_dir
        # Unlike the methods of Path, these functions return False where permissions forbid to look.
        is_here = program.startswith("/") and os.path.isfile(program) and not os.path.exists(path)  # noqa: PTH110, PTH113
        if is_sent or is_here:
            args = path[len(program) :].split()
            return [
                f"{component.label}.executable: {path}: arguments belong in args: executable={program!r}, args={args}"
            ]
    return []


def _missing(component: Component, files: Iterable[Found]) -> Iterator[str]:
    path = component.executable
    if path.startswith(("/", "~")) or _may_exist(component, path, files):
        return
    example = "" if "/" in path else f" such as /bin/{path}"
    if _beginnings(path):
        example += "; arguments belong in args"
    yield (
        f"{component.label}.executable: {path}: no such file in the temporary folder;"
        f" add it to files, set base_dir, or give an absolute path{example}"
    )


def _may_exist(component: Component, path: str, files: Iterable[Found]) -> bool:
    """Return whether the relative `path` may exist on the host when the component starts."""
    if component.base_dir is not None or path.startswith("../"):
        return True
    for found in files:
        place = _path(found)
        is_below = place == "." or path.startswith(f"{place}/")
        # An unusable file or folder is reported elsewhere. It may be the one that is missing here.
        if place == path or (is_below and isinstance(found, Unusable)):
            return True
    return False


def _unusable(
    component: Component, executable: Placed, files: Iterable[Found], head_of: Callable[[str], bytes]
) -> Iterator[str]:
    """Yield why the host cannot run a file that it gets. `head_of` returns the first bytes of a local file."""
    path = executable.local.path
    if executable.local.is_dir:
        yield f"{path}: is a folder; must be a program"
        return
    if not executable.local.mode & EXECUTABLE_BITS:
        yield f"{path}: not executable; run: chmod +x {shlex.quote(path)}"
    head = head_of(path)
    line = head.partition(b"\n")[0]
    if head.startswith(HIDDEN):
        yield f"{path}: begins with a byte order mark, which hides its #! line; save it as UTF-8 without the mark"
    elif line.startswith(b"#!") and _is_spoilt_by_cr(line):
        fix = f"sed -i 's/\\r$//' {shlex.quote(path)}"
        yield f"{path}: its #! line ends in CR; save it with Unix line ends, for example: {fix}"
    elif line.startswith(b"#!"):
        yield from _interpreter(component, line, path, files)


def _head(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(LONGEST_LINE)
    except OSError:  # removed since; the transfer reports that
        return b""


def _is_spoilt_by_cr(line: bytes) -> bool:
    """Return whether a CR would become a part of the interpreter or of its argument."""
    return b"\r" in line and not (line.count(b"\r") == 1 and line.endswith(b"\r") and IGNORES_CR.match(line))


def _interpreter(component: Component, line: bytes, path: str, files: Iterable[Found]) -> Iterator[str]:
    """Yield a problem if the interpreter is a relative path that cannot exist. Linux does not look it up in PATH."""
    words = os.fsdecode(line[2:]).split()
    if not words or words[0].startswith("/"):
        return
    if not _may_exist(component, remote_path(None, f"./{words[0]}"), files):  # nor does it know `~`
        yield f"{path}: no file {words[0]} in the temporary folder for its #! line; give an absolute path there"
