"""The head of a report: what was run, and how it ended. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from ..components.status import State
from ..util.text import counted
from .history import ComponentHistory

Run = Mapping[str, Any]
CLASSES = ("bad", "alive", "open", "stopped", "good")  # outcome classes, in the order in which they decide the verdict
STATES = list(State)


def title(run: Run) -> str:
    """Return `config.project`, or the name of the config file, or else that of the session."""
    if run.get("project"):
        return str(run["project"])
    paths = [each["config"]["path"] for each in _starts(run) if each["config"]]
    return PurePath(paths[0]).name if paths else str(run["session"])


def verdict(found: Sequence[ComponentHistory]) -> tuple[str, str]:
    """Return the outcome class of all components together, and its states, such as `failed: 1 of 4 components`."""
    for kind in CLASSES:
        counts = Counter(each.state for each in found if each.outcome_class == kind)
        if counts:
            first, *others = sorted(counts, key=lambda state: STATES.index(State(state)) if state in STATES else -1)
            more = "".join(f"; {state}: {counts[state]}" for state in others)
            return kind, f"{first}: {counts[first]} of {counted(len(found), 'component')}{more}"
    return "open", "no components"


def parameters(run: Run) -> list[tuple[str, str]]:
    """Return the files and words that decided what was run, each with a label. Leave out those that are not set.

    If components were started in several ways, a value holds all of them.
    """
    rows = []
    for label, text_of in PARAMETERS.items():
        texts = dict.fromkeys(map(text_of, _starts(run)))
        text = "; ".join(each for each in texts if each)
        if text:
            rows.append((label, text))
    return rows


def _starts(run: Run) -> Sequence[Run]:
    """Return how components were started; if none was, the command that made `run`."""
    return run["runs"] or [run]


def _option(name: str) -> Callable[[Run], str]:
    return lambda start: _text(start["options"].get(name))


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case list():
            return ", ".join(map(str, value))
        case dict():
            return ", ".join(f"{name}={each}" for name, each in value.items())
    return str(value)


PARAMETERS: dict[str, Callable[[Run], str]] = {
    "Config": lambda start: start["config"]["path"] if start["config"] else "",
    "Muddlers": _option("muddler"),
    "Arg parser": _option("arg_parser"),
    "Extra arguments": _option("extra_args"),
    "Parameters": lambda start: _text(start.get("parameters")),
    "Limit": _option("limit"),
}
