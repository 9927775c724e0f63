"""Attach to the window of a component: find it on its host, and show it in a terminal. Pure."""

from collections.abc import Iterable

import attrs

from rr_config import Component

from ..remote import state_dir
from ..remote.script import Script, load
from .start import window_title


@attrs.frozen
class Window:
    """The window of a component: `session` is the screen session, as PID.NAME, and `number` its number there."""

    session: str
    number: int


def window_script(session: str, component: Component) -> Script:
    """Return the script that answers with the window of a component. It fails if there is none."""
    folder, title = state_dir.folder(component.name), window_title(component.name)
    return load("attach", session=session, component=folder, title=title)


def read_window(answers: Iterable[str]) -> Window:
    """Return the window that `window_script` answered with."""
    session, number = next(iter(answers)).split(" ")
    return Window(session, int(number))


def attach_command(window: Window) -> str:
    """Return the text of sh that shows the window in a terminal until it is detached."""
    return load("show_window", id=window.session, window=window.number).program()
