"""The record of a run, as `run.json` holds it: what was run, with what, and how it went. What it takes to repeat it."""

import hashlib
import json
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from rr_config import Component, Options
from rr_config.errors import named
from rr_config.files import Placed, placed_files
from rr_config.muddlers import find_muddler
from rr_config.paths import local_path

from .collecting import HostResults
from .fleet import StageTime
from .listing import as_values
from .results import folder_of
from .statuses import Status

FORMAT = 1
FILE = "run.json"
SECRET = "ssh_pass"
LIBRARIES = ("remote-runner", "fabric", "invoke", "paramiko")
Record = dict[str, Any]


def record(
    options: Options,
    statuses: Iterable[Status],
    stages: Sequence[StageTime] = (),
    results: Mapping[str, HostResults] | None = None,
) -> Record:
    """All of it as plain values; no password. `results` by host, where they have been collected."""
    from importlib import metadata  # takes long to load

    found = results or {}
    return {
        "format": FORMAT,
        "session": options.screen,
        "collected": time.time(),
        "config": _source(local_path(options.config_file or "")),
        "muddlers": [_source(find_muddler(given, options.config_dir)) for given in options.muddler],
        "arg_parser": _source(local_path(options.arg_parser)) if options.arg_parser else None,
        "options": {name: value for name, value in attrs.asdict(options).items() if name != SECRET},
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in LIBRARIES}},
        "systems": {host: each.system for host, each in found.items()},
        "stages": [attrs.asdict(each) for each in stages],
        "components": [_component(status, found.get(status.component.host)) for status in statuses],
    }


def write(folder: Path, values: Record) -> None:
    """Put it there as FILE."""
    text = json.dumps(values, indent=2, default=repr)  # `meta` may hold whatever a config puts there
    (folder / FILE).write_text(text + "\n", "utf-8", "surrogateescape")


def _source(path: Path) -> Record:
    with named(str(path)):
        return {"path": str(path.absolute()), "text": path.read_text("utf-8", "replace")}


def _component(status: Status, results: HostResults | None) -> Record:
    component = status.component
    known = ("pid", "exit_status", "signal", "started", "ready", "ended", "problem")
    how = {"state": str(status.state)} | {name: getattr(status, name) for name in known}
    # `ready` of a component is when it is to count as ready; here, it is when it did.
    values = as_values(component)
    own = values | {"ready_when": values["ready"]} | how
    if results is None:
        return own
    brought = [each for each in results.brought if each.result.component.label == component.label]
    hashes = {each.result.place: each.sha1 for each in brought}
    return own | {"folder": folder_of(component), "collected": hashes, "sent": _sent(component)}


def _sent(component: Component) -> dict[str, str]:
    """The SHA-1 of each file that was to be brought to the host, by its place there."""
    files = [each for each in placed_files(component.files) if isinstance(each, Placed) and not each.local.is_dir]
    return {each.remote: _sha1(each.local.path) for each in files}


def _sha1(path: str) -> str:
    with named(path), open(path, "rb") as file:  # noqa: PTH123 - a text is enough
        return hashlib.file_digest(file, "sha1").hexdigest()
