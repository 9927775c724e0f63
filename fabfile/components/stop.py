"""Stop components on one host: the script, and how its answer is read. Pure."""

from collections.abc import Iterable, Mapping, Sequence

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
    return load("stop", *arguments, session=session, hundredths=round(grace * 100), **ownership)


def read_stopped(components: Sequence[Component], answers: Iterable[str]) -> list[Ended]:
    """Return what `stop_script` answered, in its order."""
    remaining = iter(answers)
    return list(read_ended(components, lambda: next(remaining, script.DONE)))
