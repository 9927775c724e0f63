"""Test scripts: what a master harness does, step by step. Pure: it reads them, and carries nothing out.

A line is a step; words are as in a shell, as are comments behind `#`. NAMES are patterns of names of programs (`*`,
`?`, `[ab]`), with commas between them. A time is in seconds.

    start NAMES                              start programs
    wait SECONDS                             do nothing for so long
    send NAMES TEXT [within SECONDS]         a line to the standard input of each
    feed NAMES FILE [within SECONDS]         all lines of a file beside the script, to the standard input of each
    close NAMES                              end the standard input of each
    await NAMES REGEX [within SECONDS]       go on when each has put out a line that matches, since the last that did
    refuse NAMES REGEX                       fail if any has put out a line that matches
    end NAMES [with STATUS] [within SECONDS] go on when each has ended, with that exit status (0)
    stop NAMES [by SIGNAL] [within SECONDS]  end each by a signal (TERM), and KILL what has not ended then
    shutdown [within SECONDS]                stop all that runs

`within` is 60 where it is not said, and 10 for stop and shutdown; of `feed`, it is for each 64 KB. When all steps
are done, there is a shutdown. The test has passed when every step went well, and no program has ended by itself with
another status than 0, or than that of an `end`.
"""

import fnmatch
import os
import re
import shlex
import signal

LONGEST_WAIT = 60.0
LONGEST_STOP = 10.0


class ScriptError(Exception):
    """What is wrong with a script, as `FILE:LINE: what`."""


class Step:
    """A step: its verb, and what it takes, under their names in plain values. `where` is its place in the script."""

    def __init__(self, where, text, verb, taken):
        self.where = where
        self.text = text
        self.verb = verb
        self.taken = taken

    def __repr__(self):
        return f"{self.verb} {self.taken!r}"


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
OPTIONS = {
    "send": {"within": LONGEST_WAIT},
    "feed": {"within": LONGEST_WAIT},
    "await": {"within": LONGEST_WAIT},
    "end": {"with": 0, "within": LONGEST_WAIT},
    "stop": {"by": "TERM", "within": LONGEST_STOP},
    "shutdown": {"within": LONGEST_STOP},
}


def parse(text, path):
    """The steps of a script. Raises ScriptError for what is none."""
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
        raise ScriptError(f"{path}: has no steps")
    return steps


def _words(line):
    """The words of a line, as of a shell: `#` begins a comment where a word would begin, and nowhere else."""
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
        raise ScriptError("{}: {!r} is no step; there are {}".format(where, verb, ", ".join(FORMS)))
    form = FORMS[verb]
    if len(given) < len(form):
        raise ScriptError("{}: {} takes: {}".format(where, verb, " ".join(name.upper() for name in form)))
    taken = dict(zip(form, given))
    taken.update(OPTIONS.get(verb, {}))
    rest = given[len(form) :]
    while rest:
        option = rest.pop(0)
        if option not in OPTIONS.get(verb, {}) or not rest:
            raise ScriptError(f"{where}: {verb} cannot be followed by {option!r}")
        taken[option] = rest.pop(0)
    return Step(where, line, verb, {name: _read(where, name, value) for name, value in taken.items()})


def _read(where, name, value):
    """A word as what it stands for."""
    try:
        if name in ("seconds", "within"):
            seconds = float(value)
            if not 0 <= seconds < 1e9:
                raise ValueError("is no time")
            return seconds
        if name == "with":
            return int(value)
        if name == "by":
            return signal.Signals["SIG" + (value[3:] if value.startswith("SIG") else value)].name
        if name == "regex":
            re.compile(value)
        if name == "names":
            if not value.strip(","):
                raise ValueError("names nothing")
            return [pattern for pattern in value.split(",") if pattern]
    except (ValueError, KeyError, re.error) as error:
        raise ScriptError(f"{where}: {name}: {value!r}: {error}") from None
    return value


def check(steps, programs, folder):
    """Raises ScriptError for what names no program, or no file in `folder`, where the script is."""
    for step in steps:
        for pattern in step.taken.get("names", ()):
            if not fnmatch.filter(programs, pattern):
                raise ScriptError(
                    "{}: {}: no program is named so; there are {}".format(step.where, pattern, ", ".join(programs))
                )
        file = step.taken.get("file")
        if file is not None and (os.path.isabs(file) or ".." in file.split("/")):  # noqa: PTH117 - for Python 3.8
            raise ScriptError(f"{step.where}: {file}: leads away from the script; put it beside that")
        if file is not None and not os.path.isfile(os.path.join(folder, file)):  # noqa: PTH113, PTH118
            raise ScriptError(f"{step.where}: {file}: there is no such file beside the script")


def chosen(step, programs):
    """The programs that a step is for, in their order."""
    found = set()
    for pattern in step.taken.get("names", ["*"]):
        found.update(name for name in programs if fnmatch.fnmatchcase(name, pattern))
    return [name for name in programs if name in found]


def expected(steps, programs):
    """The exit statuses with which each program may end by itself."""
    statuses = {name: {0} for name in programs}
    for step in steps:
        if step.verb == "end":
            for name in chosen(step, programs):
                statuses[name].add(step.taken["with"])
    return statuses
