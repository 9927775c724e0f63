"""Manage all programs of one harness. Holds the code that master and slave share."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import ends
from harness import file_name
from program import Failed, Program, say

ENDS_BY = ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "ALRM")  # signals that stop a harness and its programs
SECONDS_AFTER_SIGNAL = 5.0  # time for programs to stop, short enough for the sender of the signal


def parse(parser):
    """Add the options that all harnesses have. Return the parsed options and the words of the programs, after `--`."""
    parser.add_argument("--port", required=True, type=port)
    parser.add_argument("--test", required=True)
    parser.add_argument("--logs", required=True, type=folder)
    parser.add_argument("--debug", type=folder)
    parser.add_argument("--timeout", type=float, default=60)
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    return parser.parse_args(words[:end]), words[end + 1 :]


def read_programs(words):
    """Return the commands of the programs, by name.

    The words repeat `-n NAME -p EXECUTABLE -a COUNT ARGUMENT...`. Raises ValueError if they do not.
    """
    programs = {}
    rest = list(words)
    while rest:
        if len(rest) < 6 or rest[0] != "-n" or rest[2] != "-p" or rest[4] != "-a" or not rest[5].isdigit():
            raise ValueError("{!r}: must be -n NAME -p EXECUTABLE -a COUNT ARGUMENT...".format(" ".join(rest[:6])))
        name, count = rest[1], int(rest[5])
        if len(rest) < 6 + count:
            raise ValueError(f"{name}: missing arguments (-a {count}, but {len(rest) - 6} follow)")
        if name in programs:
            raise ValueError(f"{name}: duplicate program name")
        programs[name] = [rest[3], *rest[6 : 6 + count]]
        rest = rest[6 + count :]
    return programs


def set_up(on_signal):
    """Set this process up as a harness.

    `on_signal` is called with the name of a signal, for example "TERM", that asks the harness to stop.
    """
    sys.stdout.reconfigure(errors="backslashreplace")
    ends.adopt()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: say(f"{context.get('message')}: {context.get('exception')!r}"))
    for name in ENDS_BY:
        loop.add_signal_handler(signal.Signals[f"SIG{name}"], on_signal, name)


def end_all():
    """Kill all descendants of this process. Print those that belong to another user and keep running."""
    left = ends.kill_all()
    if left:
        say(f"permission denied to kill processes of another user: {' '.join(map(str, left))}")


def leave(status):
    """Flush stdout and exit at once, without cleanup."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(status)


async def cancel(tasks):
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


AT_ONCE = {"start": Program.start, "close": Program.close, "refuse": Program.refuse}


class Programs:
    """All programs of a harness. Each instruction is the verb of a step with its arguments."""

    def __init__(self, commands, logs, debug, told):
        for folder in filter(None, (logs, debug)):
            folder.mkdir(parents=True, exist_ok=True)
        self.by_name = {name: Program(name, command, logs, debug, told) for name, command in commands.items()}
        self.is_closed = False
        for name in commands:  # remove logs of an earlier test
            for folder, kinds in ((logs, ("out", "err")), (debug, ("in",))):
                for kind in kinds if folder else ():
                    (folder / f"{file_name(name)}.{kind}").unlink(missing_ok=True)

    async def obey(self, verb, names, taken):
        """Execute a step for those of the programs `names` that this harness has. Raises Failed."""
        own = [self.by_name[name] for name in names if name in self.by_name]
        within = taken.get("within")
        if verb == "shutdown":
            self.is_closed = True
        elif self.is_closed:
            raise Failed("cannot execute a step: the test is over")
        if verb in ("stop", "shutdown"):
            number = signal.Signals[taken.get("by", "SIGTERM")]
            await every(program.stop(number, within) for program in reversed(own))
        elif verb == "send":
            await every(program.send(taken["lines"], within) for program in own)
        elif verb == "await":
            await every(program.find(taken["regex"], within) for program in own)
        elif verb == "end":
            await every(program.ended(taken["with"], within) for program in own)
        else:
            for program in own:
                await AT_ONCE[verb](program, **taken)


async def every(work):
    """Run all awaitables at once. When all are done, raise the first exception, if any."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


def port(text):
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise argparse.ArgumentTypeError(f"invalid port {text!r}; must be from 1 to 65535")
    return int(text)


def folder(text):
    return Path(text).expanduser()
