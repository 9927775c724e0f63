"""The harness of publishers, and what it logs."""

import re
from pathlib import Path

from rr_config import Component
from rr_config.local_files import Placed, placed_files

STAMPED = re.compile(rb"^\S*\d\d:\d\d:\d\d\S* (.*)\n", re.MULTILINE | re.DOTALL)


def brought_to(folder: Path, component: Component) -> list[str]:
    """The command line of `component`, whose files are where they would be, under `folder` for a base_dir /b."""
    for item in placed_files(component.files):
        assert isinstance(item, Placed)
        target = folder / item.remote.removeprefix("/b/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(item.local.path).read_bytes())
        target.chmod(item.local.mode)
    return [str(folder / component.executable.removeprefix("/b/")), *component.args]


def stamped(log: Path) -> list[bytes]:
    """The lines of a log, each of which has to begin with a time."""
    return [match[1] for match in map(STAMPED.match, log.read_bytes().splitlines(keepends=True)) if match]
