"""The record of a run, as `run.json` holds it: what was run, with what, and how it went. What it takes to repeat it."""

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
from .provenance import Record, origin, read_origin
from .remote_files import folder_of

FILE = "run.json"


def record(
    options: Options,
    statuses: Sequence[Status],
    now: float,
    stages: Iterable[StageTime] = (),
    results: Mapping[str, HostResults] | None = None,
) -> Record:
    """All that is known of components, as plain values, by a command with `options`; no password.

    `stages` are those of the command itself. `results` by host, where they have been collected.
    """
    found = results or {}
    runs = _runs(statuses)
    own = [attrs.asdict(stage) for stage in stages]
    told = [*own, *(stage for run in runs.values() for stage in run["stages"])]
    if not any(stage["stage"].startswith("start ") for stage in own):
        told += _starts(statuses)
    every = {(stage["stage"], stage["began"]): stage for stage in told}
    known = {
        **origin(options),
        "session": options.screen,
        "collected": now,
        "runs": list(runs.values()),
        # Those that hosts tell are whole seconds, rounded down.
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


def write(folder: Path, values: Record) -> None:
    """Put it there as FILE."""
    text = json.dumps(values, indent=2, default=repr)  # `meta` may hold whatever a config puts there
    (folder / FILE).write_text(text + "\n", "utf-8", "surrogateescape")


def _starts(statuses: Iterable[Status]) -> Iterator[Record]:
    """The stages in which components were started, as far as their own times tell: to when the last one was ready."""
    times: dict[tuple[str, int], list[int]] = {}
    for status in statuses:
        if status.origin is not None and status.started is not None:
            own = times.setdefault((status.origin, status.component.start_index), [])
            own += [status.started, status.ready or status.started]
    for (_, index), moments in times.items():
        yield {"stage": f"start {index}", "began": min(moments), "ended": max(moments)}


def _runs(statuses: Iterable[Status]) -> dict[str, Record]:
    """The origins of components, by their text; without those that this version has not written, or not to the end."""
    runs: dict[str, Record] = {}
    for text in dict.fromkeys(status.origin for status in statuses if status.origin is not None):
        with contextlib.suppress(ValueError):
            runs[text] = read_origin(text)
    return runs


def _component(status: Status, run: int | None, results: HostResults | None) -> Record:
    component = status.component
    known = ("pid", "exit_status", "signal", "started", "ready", "ended", "problem")
    how = {"state": str(status.state)} | {name: getattr(status, name) for name in known}
    # `ready` of a component is when it is to count as ready; here, it is when it did.
    values = as_values(component)
    own = values | {"ready_when": values["ready"]} | how | {"run": run}
    if results is None:
        return own
    brought = [each for each in results.brought if each.result.component.label == component.label]
    return own | {"folder": folder_of(component), "collected": {each.result.place: each.sha1 for each in brought}}
