"""All programs of one harness, and what master and slave have in common."""

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

ENDS_BY = ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "ALRM")  # what ends a harness, with all that it runs
SECONDS_AFTER_SIGNAL = 5.0  # so that it has ended before who sent it loses patience


def split(words):
    """A command line, as the options of the harness, and the programs that are behind `--`."""
    if "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


def parse(parser):
    """What the command line says, with the options that all harnesses have; and the words of its programs."""
    parser.add_argument("--port", required=True, type=port)
    parser.add_argument("--test", required=True)
    parser.add_argument("--logs", required=True, type=folder)
    parser.add_argument("--debug", type=folder)
    parser.add_argument("--timeout", type=float, default=60)
    own, rest = split(sys.argv[1:])
    return parser.parse_args(own), rest


def read_programs(words):
    """The programs of a command line, by name: `-n NAME -p EXECUTABLE -a COUNT ARGUMENT...`, over and over."""
    programs = {}
    rest = list(words)
    while rest:
        if len(rest) < 6 or rest[0] != "-n" or rest[2] != "-p" or rest[4] != "-a" or not rest[5].isdigit():
            raise ValueError("{!r}: is to be -n NAME -p EXECUTABLE -a COUNT ARGUMENT...".format(" ".join(rest[:6])))
        name, count = rest[1], int(rest[5])
        if len(rest) < 6 + count:
            raise ValueError(f"{name}: has {len(rest) - 6} arguments, and not {count}")
        if name in programs:
            raise ValueError(f"{name}: is the name of two programs")
        programs[name] = [rest[3], *rest[6 : 6 + count]]
        rest = rest[6 + count :]
    return programs


def prepare(on_signal):
    """Make this process one that harnesses need; `on_signal` is called with the name of a signal that is to end it."""
    sys.stdout.reconfigure(errors="backslashreplace")
    ends.adopt()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: say(f"{context.get('message')}: {context.get('exception')!r}"))
    for name in ENDS_BY:
        loop.add_signal_handler(signal.Signals[f"SIG{name}"], on_signal, name)


def end_all():
    """End all that this process has started, whoever has started it meanwhile; what cannot be ended, is told."""
    left = ends.kill_all()
    if left:
        say(f"these processes are of another user, and run on: {' '.join(map(str, left))}")


def leave(status):
    """End this process at once."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(status)


async def cancel(tasks):
    """Cancel tasks, and wait until they have noticed."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


AT_ONCE = {"start": Program.start, "close": Program.close, "refuse": Program.refuse}


class Programs:
    """All programs of a harness. What it is told to do is the verb of a step, and what that takes."""

    def __init__(self, commands, logs, debug, told):
        for folder in filter(None, (logs, debug)):
            folder.mkdir(parents=True, exist_ok=True)
        self.by_name = {name: Program(name, command, logs, debug, told) for name, command in commands.items()}
        self.is_closed = False
        for name in commands:  # of a test before
            for folder, kinds in ((logs, ("out", "err")), (debug, ("in",))):
                for kind in kinds if folder else ():
                    with contextlib.suppress(FileNotFoundError):
                        (folder / f"{file_name(name)}.{kind}").unlink()

    async def obey(self, verb, names, taken):
        """Carry a step out for the programs of these names that are here. Raises Failed."""
        own = [self.by_name[name] for name in names if name in self.by_name]
        within = taken.get("within")
        if verb == "shutdown":
            self.is_closed = True
        elif self.is_closed:
            raise Failed("the test is over")
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
    """Do all of `work` at once; the first failure, when all are through."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


def port(text):
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 1 to 65535")
    return int(text)


def folder(text):
    return Path(text).expanduser()
