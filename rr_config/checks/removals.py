"""Check trees of `util.tree` with `delete=True`: a sync must remove nothing that belongs to another component.

This compares paths as text. The host checks again where they lead: see fabfile/remote/scripts/removal.sh.
"""

import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence

import attrs

from ..component import Component
from ..config import by_host
from ..files.paths import attrs_evolved
from ..files.trees import Rules, rules_of, with_rules


@attrs.frozen
class _Entry:
    """An entry of `files`, with the path of its target."""

    local: str
    remote: str
    rules: Rules | None


def guarded(components: Sequence[Component], problems: list[str]) -> list[Component]:
    """Return the components with the `apart` of their trees. Append an error to `problems` for each forbidden tree.

    `components` must be all of the config, because a `--limit` changes nothing about the folders of the others.
    """
    by_id: dict[int, Component] = {}
    for own in by_host(components).values():
        for component in own:
            if any(entry.rules and entry.rules.delete for entry in _entries(component)):
                others = [other for other in own if other is not component]
                problems += _problems(component, others)
                by_id[id(component)] = _apart(component, others)
    return [by_id.get(id(component), component) for component in components]


def _entries(component: Component) -> Iterator[_Entry]:
    for local, remote in component.files.items():
        rules, place = rules_of(remote), remote.rstrip("/") or "/"
        if rules is None and remote.endswith("/") and not os.path.isdir(local):  # noqa: PTH112 - as in local_files
            place = posixpath.join(place, posixpath.basename(local))
        yield _Entry(local, place, rules)


def _apart(component: Component, others: Iterable[Component]) -> Component:
    """Return the component with the base_dirs of the others in the rules of its trees."""
    apart = tuple(dict.fromkeys(other.base_dir for other in others if other.base_dir is not None))
    files = {}
    for local, remote in component.files.items():
        rules = rules_of(remote)
        files[local] = with_rules(remote, attrs.evolve(rules, apart=apart) if rules and rules.delete else rules)
    return attrs_evolved(component, files=files)


def _problems(component: Component, others: Sequence[Component]) -> Iterator[str]:
    for tree in _entries(component):
        if not (tree.rules and tree.rules.delete):
            continue
        if tree.remote == "/" or (tree.remote.startswith("~") and "/" not in tree.remote):
            yield f"{component.label}.files: {tree.remote}: a home and / cannot have delete=True; name a folder in it"
        elif tree.remote.startswith(("/", "~")):  # a temporary folder belongs to one component
            for other in others:
                yield from _conflicts(component, tree, other)


def _conflicts(component: Component, tree: _Entry, other: Component) -> Iterator[str]:
    where, hint = f"{component.label}.files: {tree.remote}", "delete=True must not remove it; change one of the paths"
    if other.base_dir is not None and _contains(tree.remote, other.base_dir):
        yield f"{where}: contains {other.base_dir}, the base_dir of {other.label}; {hint}"
    for entry in _entries(other):
        if _is_same(entry, tree):
            continue
        if _contains(tree.remote, entry.remote) or _brings_into(entry, tree.remote):
            yield f"{where}: contains files of {other.label} from {entry.local}; {hint}"


def _is_same(entry: _Entry, tree: _Entry) -> bool:
    """Return whether both bring the same folder to the same place. Components often share their `files`."""
    if (entry.local, entry.remote) != (tree.local, tree.remote) or entry.rules is None or tree.rules is None:
        return False
    return attrs.evolve(entry.rules, apart=()) == attrs.evolve(tree.rules, apart=())


def _contains(folder: str, path: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _brings_into(entry: _Entry, folder: str) -> bool:
    """Return whether a local folder brings something to a remote folder below its own place."""
    above = entry.remote.rstrip("/") + "/"
    return folder.startswith(above) and os.path.lexists(posixpath.join(entry.local, folder[len(above) :]))
