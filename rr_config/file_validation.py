"""Validate the files of components: every local file, and every remote path. `paths` must have resolved the paths."""

import functools
import posixpath
from collections.abc import Iterator, Mapping, Sequence

from .component import Component, Config
from .errors import ConfigError
from .executable_validation import executable_problems
from .local_files import Placed, Unusable, placed_files

# The files of a host that have been seen, by the component that owns the remote path, and the path; see _owner().
Taken = dict[tuple[str, str], Placed]


def check_files(config: Config) -> None:
    """Raise ConfigError for local files that cannot be sent, conflicting remote paths, and unusable executables."""

    @functools.cache  # components share files: look at the disk once
    def placed(files: tuple[tuple[str, str], ...]) -> Sequence[Placed | Unusable]:
        return list(placed_files(dict(files)))

    problems: list[str] = []
    for components in _by_host_with_other_files(config):
        taken: Taken = {}
        for component in components:
            problems += _ways_out(component)
            for found in placed(tuple(component.files.items())):
                problems += _conflict(component, found, taken)
        problems += _files_used_as_folders(components[0].host, taken)
    problems += executable_problems(config, placed)
    if problems:
        raise ConfigError(*dict.fromkeys(problems))  # hosts share files: report each problem once


def _by_host_with_other_files(config: Config) -> Iterator[list[Component]]:
    """Yield the components of each host. Skip a host that gets the same files as an earlier one."""
    hosts: dict[str, list[Component]] = {}
    for component in config.all_remote_components():
        hosts.setdefault(component.host, []).append(component)
    seen = set()
    for components in hosts.values():
        files = frozenset((_owner(each), tuple(each.files.items())) for each in components)
        if files not in seen:
            seen.add(files)
            yield components


def _ways_out(component: Component) -> Iterator[str]:
    for remote in component.files.values():
        if component.base_dir is None and (remote.rstrip("/") + "/").startswith("../"):
            yield (
                f"{component.label}.files: {remote}: outside the temporary folder of the component;"
                " set base_dir, or use a path that begins with / or ~"
            )


def _conflict(component: Component, found: Placed | Unusable, taken: Taken) -> Iterator[str]:
    """Yield an error if `found` is unusable, or conflicts with a file that its host gets already.

    Otherwise, add it to `taken`.
    """
    if isinstance(found, Unusable):
        yield f"{component.name}.files: {found.path}: {found.reason}"
        return
    # Each component has a temporary folder of its own. All components of a host share every other path.
    owner = "" if found.remote.startswith(("/", "~")) else _owner(component)
    other = taken.setdefault((owner, found.remote), found)
    both_folders = other.local.is_dir and found.local.is_dir
    if not other.local.is_same(found.local) and not both_folders:
        yield (
            f"{component.label}.files: {found.remote}: duplicate target of {other.local.path}"
            f" and {found.local.path}; change one of the remote paths"
        )


def _owner(component: Component) -> str:
    """Return the component that owns relative remote paths. After resolving, only a temporary folder has such paths."""
    return component.name if component.base_dir is None else ""


def _files_used_as_folders(host: str, taken: Mapping[tuple[str, str], Placed]) -> Iterator[str]:
    """Yield an error for each file of a host whose path is also the folder of another file."""
    above = {(owner, posixpath.dirname(remote)) for owner, remote in taken}
    for (owner, remote), found in taken.items():
        if (owner, remote) in above and not found.local.is_dir:
            yield (
                f"{host}: {remote}: both the target of {found.local.path} and a folder of other files;"
                " change one of the remote paths"
            )
