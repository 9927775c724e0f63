"""Quoting for POSIX sh. Pure.

A value enters shell text through `quote`, `path` or `expanded`, and in no other way.
"""

import re
import shlex
import signal
from collections.abc import Mapping

from rr_config.texts import VARIABLE

HOME = re.compile(r"~[A-Za-z0-9_.-]*")


quote = shlex.quote  # returns a text as one word of sh that means exactly that text


def path(remote: str) -> str:
    """Return a remote path as one word of sh. sh expands a leading `~` or `~user`; the rest is literal."""
    home, slash, rest = remote.partition("/")
    if not HOME.fullmatch(home):
        return quote(remote)
    return home + slash + (quote(rest) if rest else "")  # a quoted slash would keep sh from expanding


OWN = "_rr_value_of_"


def expanded(text: str, prefix: str = OWN, words: Mapping[str, str] | None = None) -> str:
    """Return `text` as one word of sh in which `$NAME` and `${NAME}` stand for the host's environment.

    A name in `words` stands for that word of sh instead.

    The word reads `_rr_value_of_NAME` (or NAME behind another `prefix`). The script must set that before, with
    `from_environment`. So sh's own variables, which are not in the environment, count as unset.
    """
    word = ""
    end = 0
    for match in VARIABLE.finditer(text):
        literal = text[end : match.start()]
        name = match[1] or match[2]
        word += (quote(literal) if literal else "") + (words or {}).get(name, f'"${prefix}{name}"')
        end = match.end()
    rest = text[end:]
    return word + (quote(rest) if rest or not word else "")


def from_environment(name: str) -> str:
    """Return a line of sh that sets `_rr_value_of_NAME` to the environment's NAME, or to nothing if that is unset."""
    # The dot keeps the newlines at the end of the value, which $( ) would strip.
    own = f"{OWN}{name}"
    return f"{own}=$(printenv {name} && echo .); {own}=${{{own}%?.}}"


class OwnExit(int):
    """An exit status above 128 that the program itself has chosen, as the launcher knows for certain."""


# Signals that end no program; see signal(7).
HARMLESS = {"SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGWINCH"}


def read_status(note: str) -> int | None:
    """Return the exit status that a launcher has noted, or None for another word.

    >>> read_status("137"), signal_of(read_status("137")), signal_of(read_status("137-exit"))
    (137, 'SIGKILL', None)
    """
    number, dash, _ = note.partition("-")
    if not number.isdigit():
        return None
    return OwnExit(number) if dash else int(number)


def signal_of(status: int | None) -> str | None:
    """Return the name of the signal that ended a program with this exit status of sh, or None."""
    number = (status or 0) - 128
    if isinstance(status, OwnExit) or number not in set(signal.Signals):
        return None
    name = signal.Signals(number).name
    return None if name in HARMLESS else name
