"""The content of `run.json`: what was run, with which files and options, and how it ended.

The file holds what a user needs to repeat the run. `reporting.report` reads it. See `provenance` for the part that
hosts keep.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from rr_config import Config, Options

from ..components.status import Status
from ..util.files import replacing
from ..util.stages import StageTime
from . import config_dump, remote_files
from .collect import HostResults
from .measures import Measured
from .provenance import JsonObject, parse_provenance, provenance

FILE = "run.json"


def describe_run(
    options: Options,
    config: Config,
    session: str,
    statuses: Sequence[Status],
    now: float,
    stages: Iterable[StageTime] = (),
    results: Mapping[str, HostResults] | None = None,
    measured: Mapping[str, Mapping[str, Measured]] | None = None,
) -> JsonObject:
    """Return all that is known about a run and its components as plain values, without the password.

    `options` and `stages` belong to the command that asks, `config` is what it has loaded, and `now` is its time in
    seconds since 1970. `results` maps hosts to their collected files; None if nothing was collected. `measured` holds
    the measures of components by label and name. Raise ConfigError if the config, a muddler or the arg parser cannot be
    read.
    """
    found = results or {}
    runs = _runs(statuses)
    numbers = {text: number for number, text in enumerate(runs)}
    run = provenance(options, config.parameters) | {"project": config.project, "session": session, "collected": now}
    run["runs"] = list(runs.values())
    run["stages"] = _stages(statuses, runs.values(), map(attrs.asdict, stages))
    run["systems"] = {host: each.system for host, each in found.items()}
    run["files"] = {host: _hashes(each) for host, each in found.items()}
    run["components"] = []
    for status in statuses:
        own = (measured or {}).get(status.component.label, {})
        run["components"].append(_component(status, numbers, found.get(status.component.host), own))
    return run


def _stages(statuses: Iterable[Status], runs: Iterable[JsonObject], own: Iterable[JsonObject]) -> list[JsonObject]:
    """Return the stages of the command that asks (`own`) and of `runs` in the order of their begin, each one once."""
    known = list(own)
    has_starts = any(stage["stage"].startswith("start ") for stage in known)
    for run in runs:
        known += run["stages"]
    if not has_starts:
        known += _starts(statuses)
    return sorted({(stage["stage"], stage["began"]): stage for stage in known}.values(), key=_began)


def _began(stage: JsonObject) -> float:
    """Return the time to sort a stage by.

    Hosts report whole seconds, rounded down. Within one second, a time measured here comes first.
    """
    began: float = stage["began"]
    return began + 1 if isinstance(began, int) else began


def _hashes(results: HostResults) -> JsonObject:
    return {path: attrs.asdict(file) for path, file in results.files.items()}


def write(folder: Path, values: JsonObject) -> None:
    """Write `values` into `folder` as FILE, which appears when it is complete. Raise OSError."""
    text = json.dumps(values, indent=2, default=repr)  # `meta` may hold any object
    with replacing(folder / FILE) as file:
        file.write(f"{text}\n".encode("utf-8", "surrogateescape"))
        file.flush()
        os.fsync(file.fileno())


def _starts(statuses: Iterable[Status]) -> Iterator[JsonObject]:
    """Yield the start stages, reconstructed from the times of components.

    A stage begins with the first start, and ends when the last component has started or become ready.
    """
    times: dict[tuple[str, int], list[int]] = {}
    for status in statuses:
        if status.origin is not None and status.started is not None:
            own = times.setdefault((status.origin, status.component.start_index), [])
            own += [status.started, status.ready or status.started]
    for (_, index), moments in sorted(times.items(), key=lambda each: each[0][1]):
        yield {"stage": f"start {index}", "began": min(moments), "ended": max(moments)}


def _runs(statuses: Iterable[Status]) -> dict[str, JsonObject]:
    """Return the parsed provenance of components by its text.

    Skip a text that is truncated, or that another version wrote.
    """
    runs: dict[str, JsonObject] = {}
    for text in dict.fromkeys(status.origin for status in statuses):
        if text is not None:
            with contextlib.suppress(ValueError):
                runs[text] = parse_provenance(text)
    return runs


def _component(
    status: Status, runs: Mapping[str, int], results: HostResults | None, measured: Mapping[str, Measured]
) -> JsonObject:
    component = status.component
    values: dict[str, Any] = config_dump.as_values(component)
    # In a Component, `ready` is the readiness condition. In run.json, `ready` is the time when it was met.
    values |= {"ready_when": values["ready"], "state": str(status.state)}
    for name in ("pid", "exit_status", "signal", "runs", "survivors", "started", "ready", "ended", "problem"):
        values[name] = getattr(status, name)
    for name, each in measured.items():
        values["measures"][name] |= attrs.asdict(each)
    values["run"] = runs.get(status.origin or "")
    if results is not None:
        folder, collected = remote_files.folder_of(component), {}
        for brought in results.brought:
            result = brought.result
            if result.component.label == component.label and result.target.startswith(f"{folder}/"):
                collected[result.target] = brought.sha1
        values |= {"folder": folder, "collected": collected}
    return values
