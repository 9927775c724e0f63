"""Stop components on one host: the script, and how its answer is read. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import attrs

from rr_config import Component

from ..remote import script, state_dir
from ..remote.script import Script, Value, load
from .wait import Ended, read_ended


def stop_script(session: str, components: Sequence[Component], grace: float, ownership: Mapping[str, Value]) -> Script:
    """Return the script that stops components and answers how each ended.

    Each gets its `stop_signal`. Processes that still run after `grace` seconds get KILL.
    """
    arguments: list[str] = []
    for component in components:
        arguments += [state_dir.folder(component.name), component.stop_signal.removeprefix("SIG")]
    folders, hundredths = state_dir.folders(components), round(grace * 100)
    return load("stop", *arguments, session=session, folders=folders, hundredths=hundredths, **ownership)


def read_stopped(components: Sequence[Component], answers: Iterable[str]) -> list[Ended]:
    """Return what `stop_script` answered, in its order."""
    ends: list[str] = []
    survivors: dict[str, int] = {}
    for answer in answers:
        word, folder, count = answer.split(" ", 2)
        if word == "left":
            survivors[folder] = int(count)
        else:
            ends.append(answer)
    remaining = iter(ends)
    found = read_ended(components, lambda: next(remaining, script.DONE))
    return [attrs.evolve(each, survivors=survivors.get(state_dir.folder(each.component.name), 0)) for each in found]
