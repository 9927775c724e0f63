"""Config files that tests write into a folder and load, without a host."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from rr_config import Component, Config, ConfigError, Options, load

COMPLETE = 'config.add_component(Component(name="a", executable="/bin/true", host="h", start_index=1))\n'


def write(path: Path, text: str) -> Path:
    """Write a file of the user's, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
    return path


def loaded(folder: Path, text: str = COMPLETE, **options: Any) -> Config:
    """Load `text` as `folder/cfg.py`."""
    return load(Options(config_file=str(write(folder / "cfg.py", text)), **options))


def component_of(folder: Path, text: str = COMPLETE, **options: Any) -> Component:
    """The only component of what `loaded` returns."""
    (component,) = loaded(folder, text, **options).all_components()
    return component


def refused(folder: Path, text: str = COMPLETE, **options: Any) -> str:
    """The message of the ConfigError with which `text` is refused; the folder is spelled FOLDER in it."""
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text, **options)
    return str(caught.value).replace(str(folder), "FOLDER")


def complete(**attributes: Any) -> str:
    """The text of a config with one component, `a` on host `h`, that has `attributes`."""
    given = {"name": "a", "executable": "/bin/true", "host": "h", "start_index": 1} | attributes
    return f"config.add_component(Component(**{given!r}))\n"
