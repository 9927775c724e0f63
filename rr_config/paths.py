"""Full paths in place of the relative ones of a config file. Pure: looks at no disk and no host."""

import os
import posixpath
from pathlib import Path

import attrs

from .component import Component
from .errors import ConfigError


def resolved(component: Component, config_dir: Path) -> Component:
    """A copy of `component` with nothing left to guess.

    Local paths are absolute. Remote ones are absolute or start with `~`, which the host expands;
    they are relative only where `base_dir` is None: then they are below the component's temporary
    folder, wherever its host puts that. A relative `base_dir` is relative to the login user's home.
    """
    base_dir = _base_dir(component, config_dir)
    if component.is_local:
        executable = str(config_dir / local_path(component.executable))
    else:
        executable = remote_path(base_dir, os.fspath(component.executable))
    files: dict[str, str] = {}
    for local, remote in component.files.items():
        key = str(config_dir / local_path(local))
        while key in files:  # another spelling of the same path, with a place of its own
            key = f"/.{key}"
        place = os.fspath(remote)
        files[key] = remote_path(base_dir, place) + "/" * place.endswith("/")  # see files.placed_files
    args = [arg if isinstance(arg, str) else str(arg) for arg in component.args]
    return attrs_evolved(component, executable=executable, files=files, args=args, base_dir=base_dir)


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
        below = posixpath.normpath(rest) if rest else "."
        return home if below == "." else f"{home}/{below}"
    if base_dir is not None and base_dir.startswith("~") and not path.startswith("/"):
        return remote_path(None, f"{base_dir}/{path}")
    if base_dir is None:
        below = posixpath.normpath(path)
        # './~x' is a name that begins with a tilde, '~x' somebody's home
        return f"./{below}" if below.startswith("~") else below
    return posixpath.normpath(posixpath.join(base_dir, path))


def _base_dir(component: Component, config_dir: Path) -> str | None:
    if component.base_dir is None:
        return None
    if component.is_local:
        return str(config_dir / local_path(component.base_dir))
    base_dir = os.fspath(component.base_dir)
    return remote_path("~", base_dir)
