"""Run the harness of publishers and read its logs."""

import re
from pathlib import Path

from rr_config import Component
from rr_config.files.local_files import Placed, placed_files

STAMPED = re.compile(rb"^\S*\d\d:\d\d:\d\d\S* (.*)\n", re.MULTILINE | re.DOTALL)


def brought_to(folder: Path, component: Component) -> list[str]:
    """Copy the files of `component` to `folder`, which stands for its base_dir /b.

    Return its command line there.
    """
    for item in placed_files(component.files):
        assert isinstance(item, Placed)
        target = folder / item.remote.removeprefix("/b/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(item.local.path).read_bytes())
        target.chmod(item.local.mode)
    return [str(folder / component.executable.removeprefix("/b/")), *component.args]


def stamped(log: Path) -> list[bytes]:
    """Return the lines of a log without their times. Lines without a time are dropped."""
    return [match[1] for match in map(STAMPED.match, log.read_bytes().splitlines(keepends=True)) if match]
