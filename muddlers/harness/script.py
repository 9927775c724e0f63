"""Parse and check test scripts, which the master harness executes. Pure: this module executes nothing.

Each line is a step. Words are quoted as in a shell, and `#` begins a comment. NAMES are patterns for program names
(`*`, `?`, `[ab]`), separated by commas. Times are in seconds.

    start NAMES                              start programs
    wait SECONDS                             do nothing for this time
    send NAMES TEXT [within SECONDS]         send a line to the stdin of each
    feed NAMES FILE [within SECONDS]         send all lines of a file beside the script to the stdin of each
    close NAMES                              close the stdin of each
    await NAMES REGEX [within SECONDS]       wait until each prints a line that matches, after its last match
    refuse NAMES REGEX                       fail if any has printed a line that matches
    end NAMES [with STATUS] [within SECONDS] wait until each has ended with this exit status (default: 0)
    stop NAMES [by SIGNAL] [within SECONDS]  send a signal (default: TERM), and KILL after the time limit
    shutdown [within SECONDS]                stop all running programs

The default of `within` is 60, but 10 for stop and shutdown. For `feed`, it applies to each 64 KB. After the last step,
there is a shutdown. The test passes if every step succeeds and no program ends by itself with an unexpected exit
status. Expected are 0 and the status of an `end` for that program.
"""

import fnmatch
import os
import re
import shlex
import signal
from typing import NamedTuple

LONGEST_WAIT = 60.0
LONGEST_STOP = 10.0


class ScriptError(Exception):
    """A script is invalid. The message has the form `FILE:LINE: problem`."""


class Step(NamedTuple):
    """A step of a script.

    `where` is its place, as `FILE:LINE`. `text` is the line. `taken` holds its arguments by name, as plain values.
    """

    where: str
    text: str
    verb: str
    taken: dict


FORMS = {
    "start": ("names",),
    "wait": ("seconds",),
    "send": ("names", "text"),
    "feed": ("names", "file"),
    "close": ("names",),
    "await": ("names", "regex"),
    "refuse": ("names", "regex"),
    "end": ("names",),
    "stop": ("names",),
    "shutdown": (),
}
OPTIONS = {"send": {"within": LONGEST_WAIT}, "feed": {"within": LONGEST_WAIT}, "await": {"within": LONGEST_WAIT}}
OPTIONS["end"] = {"with": 0, "within": LONGEST_WAIT}
OPTIONS["stop"] = {"by": "TERM", "within": LONGEST_STOP}
OPTIONS["shutdown"] = {"within": LONGEST_STOP}


def parse(text, path):
    """Return the steps of a script. Raises ScriptError if it is invalid."""
    steps = []
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{path}:{number}"
        try:
            words = _words(line)
        except ValueError as error:
            raise ScriptError(f"{where}: {error}") from None
        if words:
            steps.append(_step(where, line.strip(), words))
    if not steps:
        raise ScriptError(f"{path}: no steps")
    return steps


def _words(line):
    """Split a line into words, as a shell does: `#` begins a comment only at the beginning of a word."""
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    words = []
    while not line[lexer.instream.tell() :].lstrip(lexer.whitespace).startswith("#"):
        word = lexer.get_token()
        if word is None:
            break
        words.append(word)
    return words


def _step(where, line, words):
    verb, given = words[0], words[1:]
    if verb not in FORMS:
        raise ScriptError(f"{where}: unknown step {verb!r}; must be one of {', '.join(FORMS)}")
    form = FORMS[verb]
    if len(given) < len(form):
        raise ScriptError(f"{where}: {verb}: missing argument; must be {' '.join(form).upper()}")
    taken = dict(zip(form, given))
    taken.update(OPTIONS.get(verb, {}))
    rest = given[len(form) :]
    while rest:
        option = rest.pop(0)
        if option not in OPTIONS.get(verb, {}) or not rest:
            raise ScriptError(f"{where}: {verb}: unexpected {option!r}")
        taken[option] = rest.pop(0)
    return Step(where, line, verb, {name: _read(where, name, value) for name, value in taken.items()})


def _read(where, name, value):
    """Convert the text of an argument to its value. Raises ScriptError if it is invalid."""
    try:
        if name in ("seconds", "within"):
            seconds = float(value)
            if not 0 <= seconds < 1e9:
                raise ValueError("must be from 0 to 1e9 seconds")
            return seconds
        if name == "with":
            return int(value)
        if name == "by":
            return signal.Signals["SIG" + (value[3:] if value.startswith("SIG") else value)].name
        if name == "regex":
            re.compile(value)
        if name == "names":
            if not value.strip(","):
                raise ValueError("must have at least one pattern")
            return list(filter(None, value.split(",")))
    except (ValueError, KeyError, re.error) as error:
        raise ScriptError(f"{where}: {name}: invalid value {value!r}: {error}") from None
    return value


def check(steps, programs, folder):
    """Check that all patterns match a program and that all files are in `folder`, beside the script.

    Raises ScriptError for the first one that does not.
    """
    for step in steps:
        for pattern in step.taken.get("names", ()):
            if not fnmatch.filter(programs, pattern):
                known = ", ".join(programs)
                raise ScriptError(f"{step.where}: {pattern}: no program matches; must match one of {known}")
        file = step.taken.get("file")
        if file is not None and (os.path.isabs(file) or ".." in file.split("/")):  # noqa: PTH117 - for Python 3.8
            raise ScriptError(f"{step.where}: {file}: outside the folder of the script; move it there")
        if file is not None and not os.path.isfile(os.path.join(folder, file)):  # noqa: PTH113, PTH118
            raise ScriptError(f"{step.where}: {file}: no such file beside the script")


def chosen(step, programs):
    """Return the programs to which a step applies, in the order of `programs`."""
    found = set()
    for pattern in step.taken.get("names", ["*"]):
        found.update(name for name in programs if fnmatch.fnmatchcase(name, pattern))
    return [name for name in programs if name in found]


def expected(steps, programs):
    """Return for each program the exit statuses with which it may end by itself."""
    statuses = {name: {0} for name in programs}
    for step in steps:
        if step.verb == "end":
            for name in chosen(step, programs):
                statuses[name].add(step.taken["with"])
    return statuses
