"""Write config files into a folder and load them, without a host."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from rr_config import Component, Config, ConfigError, Options, load

COMPLETE = 'config.add_component(Component(name="a", executable="/bin/true", host="h", start_index=1))\n'


def write(path: Path, text: str) -> Path:
    """Write a file of the user and create its parent folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
    return path


def loaded(folder: Path, text: str = COMPLETE, **options: Any) -> Config:
    """Load `text` as `folder/cfg.py`."""
    return load(Options(config_file=str(write(folder / "cfg.py", text)), **options))


def component_of(folder: Path, text: str = COMPLETE, **options: Any) -> Component:
    """Load `text` and return its only component."""
    (component,) = loaded(folder, text, **options).all_components()
    return component


def refused(folder: Path, text: str = COMPLETE, **options: Any) -> str:
    """Return the message of the ConfigError that `text` raises, with `folder` replaced by FOLDER."""
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text, **options)
    return str(caught.value).replace(str(folder), "FOLDER")


def complete(**attributes: Any) -> str:
    """Return a config with one component, `a` on host `h`, with these attributes."""
    given = {"name": "a", "executable": "/bin/true", "host": "h", "start_index": 1} | attributes
    return f"config.add_component(Component(**{given!r}))\n"
