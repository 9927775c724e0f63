"""Links from a report to the files of a collection. They are relative, so page and files can move together."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs

from ..util.text import printable
from .history import ComponentHistory, histories

MOST = 100  # links for each component


@attrs.frozen
class Link:
    """A link to a collected file. `name` is its path in the folder of its component."""

    name: str
    address: str


def links(run: Mapping[str, Any], folder: Path, page: Path) -> dict[str, list[Link]]:
    """Return links from the file `page` to the files in `folder`, the folder of a collection, by label.

    Leave out files that are not there, and paths that lead out of `folder`, because they come from `run.json`. Raise
    OSError if a part of `folder` cannot be read.
    """
    return {each.label: list(_of(each, folder, page)) for each in histories(run)}


def _of(history: ComponentHistory, folder: Path, page: Path) -> Iterator[Link]:
    if history.folder is None:
        return
    output = f"{history.folder}/output"
    targets = [output, *sorted(history.collected.keys() - {output})]
    for target in targets[:MOST]:
        if (folder / target).is_file() and _is_in(folder, target):
            yield Link(printable(target.removeprefix(f"{history.folder}/")), address(folder / target, page))
    if len(targets) > MOST and _is_in(folder, history.folder):
        yield Link(f"all {len(targets):,} files", address(folder / history.folder, page))


def _is_in(folder: Path, target: str) -> bool:
    return (folder / target).resolve().is_relative_to(folder.resolve())


def address(path: Path, page: Path) -> str:
    """Return the relative URL of `path`. The browser resolves `..` without regard to symbolic links, as relpath does.

    It begins with a dot, so that a name such as `javascript:x` is no scheme.
    """
    relative = os.path.relpath(path.absolute(), page.absolute().parent)
    return quote(os.fsencode(relative if relative.startswith("../") else f"./{relative}"))
