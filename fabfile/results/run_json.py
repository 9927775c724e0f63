"""The content of `run.json`: what was run, with which files and options, and how it ended.

The file holds what a user needs to repeat the run. `reporting.report` reads it. See `provenance` for the part that
hosts keep.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from rr_config import Options

from ..components.status import Status
from ..util.stages import StageTime
from .collect import HostResults
from .config_dump import as_values
from .provenance import JsonObject, parse_provenance, provenance
from .remote_files import folder_of

FILE = "run.json"


def describe_run(
    options: Options,
    session: str,
    statuses: Sequence[Status],
    now: float,
    stages: Iterable[StageTime] = (),
    results: Mapping[str, HostResults] | None = None,
) -> JsonObject:
    """Return all that is known about a run and its components as plain values, without the password.

    `options` and `stages` belong to the command that asks, and `now` is its time in seconds since 1970. `results` maps
    hosts to their collected files; None if nothing was collected. Raise ConfigError if the config, a muddler or the arg
    parser cannot be read.
    """
    found = results or {}
    runs = _runs(statuses)
    own = [attrs.asdict(stage) for stage in stages]
    told = [*own, *(stage for run in runs.values() for stage in run["stages"])]
    if not any(stage["stage"].startswith("start ") for stage in own):
        told += _starts(statuses)
    every = {(stage["stage"], stage["began"]): stage for stage in told}
    known = {
        **provenance(options),
        "session": session,
        "collected": now,
        "runs": list(runs.values()),
        # Hosts report whole seconds, rounded down. Within one second, a time measured here comes first.
        "stages": sorted(every.values(), key=lambda stage: stage["began"] + isinstance(stage["began"], int)),
        "systems": {host: each.system for host, each in found.items()},
        "files": {
            host: {path: attrs.asdict(file) for path, file in each.files.items()} for host, each in found.items()
        },
    }
    numbers = {text: number for number, text in enumerate(runs)}
    return known | {
        "components": [
            _component(each, numbers.get(each.origin or ""), found.get(each.component.host)) for each in statuses
        ]
    }


def write(folder: Path, values: JsonObject) -> None:
    """Write `values` into `folder` as FILE. Raise OSError."""
    text = json.dumps(values, indent=2, default=repr)  # `meta` may hold any object
    (folder / FILE).write_text(text + "\n", "utf-8", "surrogateescape")


def _starts(statuses: Iterable[Status]) -> Iterator[JsonObject]:
    """Yield the start stages, reconstructed from the times of components.

    A stage begins with the first start, and ends when the last component has started or become ready.
    """
    times: dict[tuple[str, int], list[int]] = {}
    for status in statuses:
        if status.origin is not None and status.started is not None:
            own = times.setdefault((status.origin, status.component.start_index), [])
            own += [status.started, status.ready or status.started]
    for (_, index), moments in times.items():
        yield {"stage": f"start {index}", "began": min(moments), "ended": max(moments)}


def _runs(statuses: Iterable[Status]) -> dict[str, JsonObject]:
    """Return the parsed provenance of components by its text.

    Skip a text that is truncated, or that another version wrote.
    """
    runs: dict[str, JsonObject] = {}
    for text in dict.fromkeys(status.origin for status in statuses if status.origin is not None):
        with contextlib.suppress(ValueError):
            runs[text] = parse_provenance(text)
    return runs


def _component(status: Status, run: int | None, results: HostResults | None) -> JsonObject:
    component = status.component
    known = ("pid", "exit_status", "signal", "started", "ready", "ended", "problem")
    how = {"state": str(status.state)} | {name: getattr(status, name) for name in known}
    # In a Component, `ready` is the readiness condition. In run.json, `ready` is the time when it was met.
    values = as_values(component)
    own = values | {"ready_when": values["ready"]} | how | {"run": run}
    if results is None:
        return own
    brought = [each for each in results.brought if each.result.component.label == component.label]
    return own | {"folder": folder_of(component), "collected": {each.result.target: each.sha1 for each in brought}}
