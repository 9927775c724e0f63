"""Full paths in place of the relative ones of a config file.

Looks at no host, and at no file but the list of users, for `~NAME`.
"""

import os
import posixpath
from pathlib import Path

import attrs

from .component import Component
from .errors import ConfigError


def resolved(component: Component, config_dir: Path, problems: list[str]) -> Component:
    """A copy of `component` with nothing left to guess.

    Local paths are absolute. Remote ones are absolute or start with `~`, which the host expands;
    they are relative only where `base_dir` is None: then they are below the component's temporary
    folder, wherever its host puts that. A relative `base_dir` is relative to the login user's home.
    A local path that begins with the home of nobody is added to `problems`, and left out.
    """

    def local(attribute: str, path: str) -> str:
        try:
            return str(config_dir / local_path(path))
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
    files: dict[str, str] = {}
    for path, remote in component.files.items():
        key = local("files", path)
        if not key:
            continue
        while key in files:  # another spelling of the same path, with a place of its own
            key = f"/.{key}"
        place = os.fspath(remote)
        files[key] = remote_path(base_dir, place) + "/" * _is_folder(place)  # see files.placed_files
    args = [_as_text(arg) for arg in component.args]
    env = {name: _as_text(value) for name, value in component.env.items()}
    changed: dict[str, object] = {"executable": executable, "files": files, "args": args, "base_dir": base_dir}
    return attrs_evolved(component, **changed, env=env, **_texts(component))


def _texts(component: Component) -> dict[str, object]:
    return {name: [os.fspath(path) for path in getattr(component, name)] for name in ("results", "needs")}


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _is_folder(remote: str) -> bool:
    """Whether a remote path can only be that of a folder."""
    return posixpath.basename(remote) in ("", ".", "..") or (remote.startswith("~") and "/" not in remote)


def local_path(path: str | os.PathLike[str]) -> Path:
    """`path` with a `~` in front replaced by the home; ConfigError where nobody has that name."""
    text = os.fspath(path)
    if not text.startswith("~"):
        return Path(text)
    expanded = os.path.expanduser(text)  # noqa: PTH111 - pathlib takes ./~x for a home
    if expanded.startswith("~"):
        raise ConfigError(f"{text}: there is no user {text.split('/')[0][1:]} here; is the name right?")
    return Path(expanded)


def attrs_evolved(component: Component, **changes: object) -> Component:
    """A copy of `component` with `changes` made. (attrs.evolve wants a generated `__init__`.)"""
    return Component(**(attrs.asdict(component, recurse=False) | changes))


def remote_path(base_dir: str | None, path: str) -> str:
    """Where `path` of a config is on its host: below `base_dir` unless it is absolute or has a `~`."""
    if path.startswith("~"):
        home, _, rest = path.partition("/")
        # What leads above a home can only be worked out on the host.
        below = posixpath.normpath(rest.lstrip("/")) if rest.strip("/") else "."
        return home if below == "." else f"{home}/{below}"
    if base_dir is not None and base_dir.startswith("~") and not path.startswith("/"):
        return remote_path(None, f"{base_dir}/{path}")
    if base_dir is None and not path.startswith("/"):
        below = posixpath.normpath(path)
        # './~x' is a name that begins with a tilde, '~x' somebody's home
        return f"./{below}" if below.startswith("~") else below
    # Of two slashes in front normpath makes no single one, since POSIX lets a system give them a meaning.
    return "/" + posixpath.normpath(posixpath.join(base_dir or "/", path)).lstrip("/")
