"""Sessions of GNU screen on one host: end them, and start one. Pure.

screen matches the name of a session by prefix. So the scripts compare whole names and address a session only by its
full PID.NAME. Every process that screen starts has `STY=PID.NAME` in its environment. By that, and by descent, the
processes of a session are found when it is to end.
"""

import re
from collections.abc import Iterable, Sequence

import attrs

from ..remote.script import SCRIPTS, Script, load

# Names that `screen -S` accepts unchanged: no slash, no dot or dash in front, and room for `PID.` in a file name.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@=-]{0,79}")
# The default is 100, and the maximum 2048. Windows beyond it vanish without an error.
MOST_WINDOWS = 2000


@attrs.frozen
class Killed:
    """The result of `fab kill` on a host: the sessions that ended, and how many processes."""

    sessions: tuple[str, ...]
    processes: int


@attrs.frozen
class Session:
    """The session of a host, as PID.NAME; `is_new` unless it was there before."""

    id: str
    is_new: bool


def kill_script(session: str, tools: str = "screen", requirements: Sequence[str] = ()) -> Script:
    """Return the script that ends every session of exactly that name, and every process started in one.

    First it fails if one of `tools` or `requirements` (see `requirements.as_arguments`) is missing. Processes get TERM,
    and KILL after five seconds.
    """
    return load("kill", *requirements, session=session, tools=tools)


def read_killed(answers: Iterable[str]) -> Killed:
    """Return what `kill_script` answered."""
    words = [answer.split(" ", 1) for answer in answers]
    count = next(int(value) for word, value in words if word == "processes")
    return Killed(tuple(value for word, value in words if word == "session"), count)


def open_session_script(session: str, zombie: bool, tools: str = "screen", requirements: Sequence[str] = ()) -> Script:
    """Return the script that starts a session of that name, unless there is one; `tools` and so on as in `kill_script`.

    With `zombie`, windows stay open after their program has ended.
    """
    subreaper = (SCRIPTS / "subreaper.py").read_text("utf-8")
    rc = screen_rc(zombie)
    return load("open_session", *requirements, session=session, tools=tools, screenrc=rc, subreaper=subreaper)


def read_session(answers: Iterable[str]) -> Session:
    """Return what `open_session_script` answered."""
    word, id_ = next(iter(answers)).split(" ", 1)
    if word not in ("new", "old"):
        raise ValueError(word)
    return Session(id_, is_new=word == "new")


def screen_rc(zombie: bool) -> str:
    """Return the settings of a session. screen must have them before it opens the first window: `-X` comes too late."""
    settings = [
        "startup_message off",
        "defutf8 on",
        f"maxwin {MOST_WINDOWS}",
        "defscrollback 10000",
        "shelltitle shell",
    ]
    if zombie:
        settings.append("zombie q")
    return "".join(f"{setting}\n" for setting in settings)
