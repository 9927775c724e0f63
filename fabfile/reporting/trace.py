"""A run as a trace, which ui.perfetto.dev and chrome://tracing show. Pure.

The format is the JSON of Google's "Trace Event Format". Each host is a process, and each component is a thread of it.
The stages are the only thread of the first process. Samples are counters of the process.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rr_config.hosts.natural_order import natural_key

from .history import ComponentHistory, Stage, histories, span, stages
from .samples import Samples, Series

Event = dict[str, Any]
BEGIN = b'{"displayTimeUnit":"ms","otherData":{"by":"Remote Runner"},"traceEvents":'


def trace(run: Mapping[str, Any], samples: Samples) -> bytes:
    """Return the trace of a run, from the content of its `run.json`. All times are in microseconds since 1970."""
    found, ran = histories(run), stages(run)
    begin, end = span(found, ran, run["collected"])
    events = _named(1, 1, "Remote Runner", "stages")
    events += [_stage(each, end) for each in ran]
    ordered = sorted(found, key=lambda history: natural_key(history.host))
    for process, (host, own) in enumerate(groupby(ordered, lambda history: history.host), 2):
        events += _counters(process, "", samples.hosts.get(host, []))
        for thread, history in enumerate(own, 1):
            events += _named(process, thread, host, history.name)
            events += _phases(process, thread, history, begin, end)
            events += _counters(process, f" of {history.name}", samples.components.get(history.label, []))
    return BEGIN + json.dumps(events).encode() + b"}\n"


def is_trace(path: Path) -> bool:
    """Return whether a file is a trace that `trace` made."""
    with path.open("rb") as file:
        return file.read(len(BEGIN)) == BEGIN


def _named(process: int, thread: int, host: str, name: str) -> list[Event]:
    """Return the events that name a process and a thread, and keep their order."""
    place: Event = {"ph": "M", "pid": process, "tid": thread}
    return [
        place | {"name": "process_name", "args": {"name": host}},
        place | {"name": "process_sort_index", "args": {"sort_index": process}},
        place | {"name": "thread_name", "args": {"name": name}},
        place | {"name": "thread_sort_index", "args": {"sort_index": thread}},
    ]


def _stage(stage: Stage, end: float) -> Event:
    return _slice(1, 1, stage.stage, stage.began, end if stage.ended is None else stage.ended, {})


def _phases(process: int, thread: int, history: ComponentHistory, begin: float, end: float) -> Sequence[Event]:
    """Return a slice for each phase of a component since its start."""
    details = {"outcome": history.outcome, "command": history.command, "start_index": history.start_index}
    return [
        _slice(process, thread, phase.state, phase.began, phase.ended, details)
        for phase in history.phases(begin, end)
        if phase.state != "waiting"
    ]


def _counters(process: int, suffix: str, series: Series) -> Iterator[Event]:
    """Yield the samples of a host, or of a component, which the suffix names.

    Viewers join counters of one name, so those of a component with the name `host` need another name.
    """
    for sample in series:
        place: Event = {"ph": "C", "pid": process, "ts": round(sample.time * 1e6)}
        yield place | {"name": f"CPU{suffix}", "args": {"cores": sample.cpu}}
        yield place | {"name": f"memory{suffix}", "args": {"MB": sample.memory / 1e6}}


def _slice(process: int, thread: int, name: str, began: float, ended: float, details: Event) -> Event:
    start = round(began * 1e6)  # both ends are rounded, so that the next slice does not begin before this one ends
    times = {"ts": start, "dur": round(ended * 1e6) - start}
    return {"ph": "X", "pid": process, "tid": thread, "name": name, "args": details} | times
