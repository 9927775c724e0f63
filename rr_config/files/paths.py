"""Resolve the relative paths of a config file.

Nothing here asks a host or reads a file, except that `~NAME` is looked up in the local list of users. If the config
file is a symbolic link, the folder of the real file is searched, too.
"""

import contextlib
import os
import posixpath
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import attrs

from ..component import Component
from ..errors import ConfigError
from ..values.secrets import Secret
from .trees import rules_of, with_rules

_real_folder: ContextVar[Path | None] = ContextVar("_real_folder", default=None)


def resolved(component: Component, config_dir: Path, problems: list[str]) -> Component:
    """Return a copy of `component` with resolved paths, and with all arguments and variables as text.

    Local paths become absolute. Remote paths become absolute, or start with `~`, which the host expands. If `base_dir`
    is None, a remote path may stay relative. Then it is relative to the component's temporary folder, which the host
    creates. A relative `base_dir` is relative to the home of the login user.

    If a local path begins with the home of an unknown user, leave it out and append an error to `problems`.
    """

    def local(attribute: str, path: str) -> str:
        try:
            return str(found_beside(config_dir, local_path(path)))
        except ConfigError as error:
            problems.append(f"{component.label}.{attribute}: {error}")
            return ""

    base_dir = component.base_dir
    if component.is_local:
        base_dir = None if base_dir is None else local("base_dir", base_dir)
        executable = local("executable", component.executable)
    else:
        base_dir = None if base_dir is None else remote_path("~", os.fspath(base_dir))
        executable = remote_path(base_dir, os.fspath(component.executable))
    return attrs_evolved(
        component,
        executable=executable,
        files=_resolved_files(component, base_dir, local),
        base_dir=base_dir,
        args=list(map(_as_text, component.args)),
        env={name: _as_text(value) for name, value in component.env.items()},
        results=list(map(os.fspath, component.results)),
        needs=list(map(os.fspath, component.needs)),
    )


def _resolved_files(component: Component, base_dir: str | None, local: Callable[[str, str], str]) -> dict[str, str]:
    files: dict[str, str] = {}
    for path, remote in component.files.items():
        key = local("files", path)
        if not key:
            continue
        while key in files:  # two spellings of one path may have two remote paths
            key = f"/.{key}"
        text = remote_path(base_dir, os.fspath(remote))
        if _is_folder(os.fspath(remote)):
            text += "/"  # see local_files.placed_files
        files[key] = with_rules(text, rules_of(remote))
    return files


def _as_text(value: Any) -> Any:
    return value if isinstance(value, str | Secret) else str(value)


def _is_folder(remote: str) -> bool:
    """Return whether the spelling of a remote path shows that it is a folder."""
    return posixpath.basename(remote) in ("", ".", "..") or (remote.startswith("~") and "/" not in remote)


@contextlib.contextmanager
def also_beside(real_folder: Path) -> Iterator[None]:
    """Let `found_beside` search `real_folder`, the folder of the file to which the config file is a link."""
    token = _real_folder.set(real_folder)
    try:
        yield
    finally:
        _real_folder.reset(token)


def found_beside(folder: Path, path: Path) -> Path:
    """Return `path` below `folder`, the folder of the config file; or below the folder of the real file.

    The latter counts only if `path` exists there alone.
    """
    beside_link, real_folder = folder / path, _real_folder.get()
    if real_folder is None or os.path.lexists(beside_link) or not os.path.lexists(real_folder / path):
        return beside_link
    return real_folder / path


def local_path(path: str | os.PathLike[str]) -> Path:
    """Expand a leading `~` or `~NAME` of a local path. Raise ConfigError if there is no such user."""
    text = os.fspath(path)
    if not text.startswith("~"):
        return Path(text)
    expanded = os.path.expanduser(text)  # noqa: PTH111 - pathlib would expand ./~x, too
    if expanded.startswith("~"):
        raise ConfigError(f"{text}: unknown user {text.split('/')[0][1:]} on this machine; check the spelling")
    return Path(expanded)


def attrs_evolved(component: Component, **changes: object) -> Component:
    """Return a copy of `component` with `changes`.

    attrs.evolve cannot do this, because it needs a generated `__init__`.
    """
    return Component(**(attrs.asdict(component, recurse=False) | changes))


def remote_path(base_dir: str | None, path: str) -> str:
    """Return the remote path for `path` of a config.

    It is below `base_dir`, unless it is absolute or begins with `~`. Without a `base_dir`, a relative path stays
    relative.
    """
    if path.startswith("~"):
        home, _, rest = path.partition("/")
        # Only the host can resolve a `..` that leads above the home. So normalize only what follows the home.
        below = posixpath.normpath(rest.lstrip("/")) if rest.strip("/") else "."
        return home if below == "." else f"{home}/{below}"
    if base_dir is not None and base_dir.startswith("~") and not path.startswith("/"):
        return remote_path(None, f"{base_dir}/{path}")
    if base_dir is None and not path.startswith("/"):
        below = posixpath.normpath(path)
        # './~x' is a name that begins with a tilde. '~x' would be a home.
        return f"./{below}" if below.startswith("~") else below
    # normpath keeps two leading slashes, because POSIX lets a system give them a meaning of its own.
    return "/" + posixpath.normpath(posixpath.join(base_dir or "/", path)).lstrip("/")
