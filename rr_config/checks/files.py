"""Check the files of components when `paths` has resolved all paths: local files, remote paths and executables."""

import logging
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..component import Component
from ..config import Config, by_host
from ..errors import ConfigError
from ..files.local_files import Placed, Unusable, placed_files
from ..files.trees import FilesKey, files_key
from .executables import executable_problems

_logger = logging.getLogger(__name__)

# The files of a host that have been seen, by the component that owns the remote path, and the path; see _owner().
Taken = dict[tuple[str, str], Placed]


def check_files(config: Config) -> None:
    """Raise ConfigError for local files that cannot be sent, conflicting remote paths, and unusable executables.

    Log a warning for each local path that a sync skips.
    """
    known: dict[FilesKey, Sequence[Placed | Unusable]] = {}  # components share files: look at the disk once

    def placed(component: Component) -> Sequence[Placed | Unusable]:
        key = files_key(component.files)
        if key not in known:
            known[key] = list(placed_files(component.files))
        return known[key]

    problems: list[str] = []
    for components in _by_host_with_other_files(config):
        taken: Taken = {}
        for component in components:
            problems += _ways_out(component)
            for found in placed(component):
                problems += _conflict(component, found, taken)
        problems += _files_used_as_folders(components[0].host, taken)
    _warn_of_skipped(known.values())
    problems += executable_problems(config, placed)
    if problems:
        raise ConfigError(*dict.fromkeys(problems))  # hosts share files: report each problem once


def _warn_of_skipped(listed: Iterable[Sequence[Placed | Unusable]]) -> None:
    """Log one warning for each skipped path. Trees may share it."""
    skipped = {each.path: each for found in listed for each in found if isinstance(each, Unusable) and each.is_skipped}
    for each in skipped.values():
        _logger.warning("%s", each.warning)


def _by_host_with_other_files(config: Config) -> Iterator[list[Component]]:
    """Yield the components of each host. Skip a host that gets the same files as an earlier one."""
    seen = set()
    for components in by_host(config.all_remote_components()).values():
        files = frozenset((_owner(each), files_key(each.files)) for each in components)
        if files not in seen:
            seen.add(files)
            yield components


def _ways_out(component: Component) -> Iterator[str]:
    for remote in component.files.values():
        if component.base_dir is None and (remote.rstrip("/") + "/").startswith("../"):
            hint = "set base_dir, or use a path that begins with / or ~"
            yield f"{component.label}.files: {remote}: outside the temporary folder of the component; {hint}"


def _conflict(component: Component, found: Placed | Unusable, taken: Taken) -> Iterator[str]:
    """Yield an error if `found` is unusable, or conflicts with a file that its host gets already.

    Otherwise, add it to `taken`.
    """
    if isinstance(found, Unusable):
        if found.is_skipped:
            return
        yield f"{component.name}.files: {found.path}: {found.reason}"
        return
    # Each component has a temporary folder of its own. All components of a host share every other path.
    owner = "" if found.remote.startswith(("/", "~")) else _owner(component)
    other = taken.setdefault((owner, found.remote), found)
    both_folders = other.local.is_dir and found.local.is_dir
    if not other.local.is_same(found.local) and not both_folders:
        both = f"{other.local.path} and {found.local.path}"
        yield f"{component.label}.files: {found.remote}: duplicate target of {both}; change one of the remote paths"


def _owner(component: Component) -> str:
    """Return the component that owns relative remote paths. After resolving, only a temporary folder has such paths."""
    return component.name if component.base_dir is None else ""


def _files_used_as_folders(host: str, taken: Mapping[tuple[str, str], Placed]) -> Iterator[str]:
    """Yield an error for each file of a host whose path is also the folder of another file."""
    above: set[tuple[str, str]] = set()
    for owner, remote in taken:
        while (folder := (owner, posixpath.dirname(remote))) not in above:
            above.add(folder)
            remote = folder[1]
    for (owner, remote), found in taken.items():
        if (owner, remote) in above and not found.local.is_dir:
            both = f"both the target of {found.local.path} and a folder of other files"
            yield f"{host}: {remote}: {both}; change one of the remote paths"
