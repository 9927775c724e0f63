"""Sessions of GNU screen on one host: end them, and start one. Pure.

screen matches the name of a session by prefix. So the scripts compare whole names and address a session only by its
full PID.NAME. Every process that screen starts has `STY=PID.NAME` in its environment. By that, and by descent, the
processes of a session are found when it is to end.
"""

from collections.abc import Iterator

import attrs

from ..remote.script import SCRIPTS, Script, load
from .ownership import Owner

# The default is 100, and the maximum 2048. Windows beyond it vanish without an error.
MOST_WINDOWS = 2000


@attrs.frozen
class Killed:
    """The result of `fab kill` on a host: the sessions that ended, and how many components and processes ran."""

    sessions: tuple[str, ...]
    components: int
    processes: int


@attrs.frozen
class Session:
    """The session of a host, as PID.NAME; `is_new` unless it was there before."""

    id: str
    is_new: bool


def session_script(session: str, owner: Owner, replace: bool, zombie: bool, *, kill: bool, open_: bool) -> Script:
    """Return the script that ends every session of exactly that name (`kill`), and starts one (`open_`).

    All processes that were started in the old session end too. They get TERM, and KILL after five seconds. With
    `zombie`, windows stay open after their program has ended. The script fails if the session belongs to another owner.
    """
    values = owner.values(replace) | {"session": session, "kill": kill, "open": open_}
    subreaper = (SCRIPTS / "subreaper.py").read_text("utf-8")
    return load("session", screenrc=screen_rc(zombie), subreaper=subreaper, **values)


def read_killed(answers: Iterator[str]) -> Killed:
    """Return what `session_script` answered about the old sessions. Later answers stay in the iterator."""
    sessions: list[str] = []
    for answer in answers:
        word, value = answer.split(" ", 1)
        if word == "killed":
            components, processes = map(int, value.split(" "))
            return Killed(tuple(sessions), components, processes)
        if word == "session":
            sessions.append(value)
    raise ValueError("missing the number of killed processes")


def read_session(answers: Iterator[str]) -> Session:
    """Return what `session_script` answered about the new session."""
    word, id_ = next(answers).split(" ", 1)
    if word not in ("new", "old"):
        raise ValueError(word)
    return Session(id_, is_new=word == "new")


def screen_rc(zombie: bool) -> str:
    """Return the settings of a session. screen must have them before it opens the first window: `-X` comes too late."""
    settings = f"startup_message off\ndefutf8 on\nmaxwin {MOST_WINDOWS}\ndefscrollback 10000\nshelltitle shell\n"
    return settings + "zombie q\n" if zombie else settings
