"""Looking at a component in its window: what is asked of its host, and what is run there. Pure."""

from collections.abc import Iterable

import attrs

from rr_config import Component

from ..remote import shell, state_dir
from .launcher import RUNNING
from .screen import OWN_WINDOW, SESSIONS
from .start import window_title


@attrs.frozen
class Window:
    """The window of a component: the session that it is in, as PID.NAME, and its number there."""

    session: str
    number: int


def window_script(session: str, component: Component) -> str:
    """Answers with the window of a component; fails where it has none."""
    folder, title = state_dir.folder(component.name), shell.quote(window_title(component.name))
    return f"{state_dir.where(session)}{SESSIONS}{RUNNING}{OWN_WINDOW}{WINDOW}show {folder} {title}"


def read_window(answers: Iterable[str]) -> Window:
    """What `window_script` answered."""
    session, number = next(iter(answers)).split(" ")
    return Window(session, int(number))


def attach_command(window: Window) -> str:
    """The line of sh by which a terminal shows the window, until it is detached.

    As a UTF-8 terminal (`-U`), beside others that may show the session (`-x`). A kind of terminal that the host does
    not know is taken for an xterm.
    """
    xterm = "tput longname >/dev/null 2>&1 || ! command -v tput >/dev/null || TERM=xterm; export TERM"
    return f"{xterm}; exec screen -U -x {shell.quote(window.session)} -p {window.number}"


WINDOW = """\
show() {
  find_session
  [ "$id" ] || fail "there is no screen session named $session; start one with: fab screen"
  cd "$state" 2>/dev/null && [ -e "$1/launcher" ] || fail "$2 has not been started in the session $session"
  own_window "$1" "$2" || fail "the window of $2 is closed; what it had put out, shows: fab logs"
  answer "$id $window"
}
"""
