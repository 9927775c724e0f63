#!/usr/bin/env python3
"""Runs a program, keeps what it writes with the time of each line, and ends as it ends.

    harness.py --logs FOLDER --name NAME -- PROGRAM [ARGUMENT...]

Standard output and error of PROGRAM are shown as they come, and kept in FOLDER/NAME.out and
FOLDER/NAME.err, each line after the time (UTC) at which it began, by a clock that never goes back: the time when
this began, and what the monotonic clock has counted since. In the names of these files, what is not a letter, digit
or `_.-~` is written as %XX. Signals are passed on. The exit
status is that of PROGRAM; where a signal ended it, the same signal ends the harness; 126 or 127 where
it cannot be started. Wants Python 3.8 or newer and its standard library.
"""

import argparse
import contextlib
import datetime
import errno
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

# What cannot be caught, what the kernel says of this very process, and what stops a job of a terminal.
NOT_PASSED_ON = "KILL STOP CHLD SEGV BUS ILL FPE TRAP SYS PIPE TSTP TTIN TTOU"
PASSED_ON = signal.valid_signals() - {signal.Signals[f"SIG{name}"] for name in NOT_PASSED_ON.split()}
FROM_TERMINAL = 0x80  # SI_KERNEL, sigaction(2): the terminal has sent it to the program too
LONGEST_NAME = 200
AHEAD = time.time() - time.monotonic()
LAST_LINES_SECONDS = 2  # how long to read on, once the program has ended, while its children hold the pipe


def main():
    parser = argparse.ArgumentParser(usage="harness.py --logs FOLDER --name NAME -- PROGRAM [ARGUMENT...]")
    parser.add_argument("--logs", required=True, type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("no program is named")
    command[0] = os.path.expanduser(command[0])  # noqa: PTH111 - a Path would lose the ./ in front
    logs = options.logs.expanduser()
    name = file_name(options.name)
    try:
        logs.mkdir(parents=True, exist_ok=True)
        out, err = ((logs / f"{name}.{kind}").open("ab") for kind in ("out", "err"))
    except OSError as error:
        say(f"{error.filename}: {error.strerror}")
        return 126
    status = run(command, out, err)
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {-status})
        os.kill(os.getpid(), -status)
    return status


def file_name(name):
    """A file name, another one for each `name`, and not too long for one."""
    quoted = urllib.parse.quote(name, safe=" ", errors="surrogateescape")
    if len(quoted) <= LONGEST_NAME:
        return quoted
    digest = hashlib.sha1(quoted.encode()).hexdigest()  # Python 3.8 has no usedforsecurity  # nosec B324
    return quoted[: LONGEST_NAME - len(digest) - 1] + "%" + digest


def stamp():
    """The time, which never goes back; nor is it local time, of which an hour comes twice in autumn."""
    now = datetime.datetime.fromtimestamp(AHEAD + time.monotonic(), datetime.timezone.utc)
    return now.isoformat(timespec="microseconds")


def stamped(block, is_within_line):
    """`block` with a time in front of each line that begins in it; and whether its last line is to go on."""
    began = stamp().encode()
    lines = []
    for piece in re.findall(rb"[^\n]*\n|[^\n]+", block):
        lines.append(piece if is_within_line else began + b" " + piece)
        is_within_line = not piece.endswith(b"\n")
    return b"".join(lines), is_within_line


def say(text):
    """A line of the harness's own, if anybody reads it."""
    with contextlib.suppress(OSError):
        print(f"harness: {text}", file=sys.stderr, flush=True)


def run(command, out, err):
    """Run `command` to its end; its exit status, negative for the signal that ended it."""
    try:
        process = begin(command)
    except OSError as error:
        say(f"{command[0]}: {error.strerror}")
        return 127 if isinstance(error, FileNotFoundError) else 126
    # Blocked only from here on, so that the program does not inherit it.
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON | {signal.SIGCHLD})
    readers = [
        threading.Thread(target=keep, args=streams, daemon=True)
        for streams in ((process.stdout, sys.stdout.buffer, out), (process.stderr, sys.stderr.buffer, err))
    ]
    for reader in readers:
        reader.start()
    while process.poll() is None:
        received = signal.sigtimedwait(PASSED_ON | {signal.SIGCHLD}, 1)
        if received and received.si_signo != signal.SIGCHLD and received.si_code != FROM_TERMINAL:
            process.send_signal(received.si_signo)
    for reader in readers:
        reader.join(LAST_LINES_SECONDS)
    return process.returncode


def begin(command):
    """Start `command`; a text that does not say what is to run it is run by sh, as a shell would."""
    try:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        return subprocess.Popen(["sh", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def keep(source, shown, log):
    """Copy `source` as it comes to `shown`, and to `log` with the time in front of each line.

    What cannot be written any more is done without: the program is not to wait for that.
    """
    is_within_line = False
    while True:
        block = os.read(source.fileno(), 1 << 16)
        if not block:
            break
        shown = show(block, shown)
        lines, is_within_line = stamped(block, is_within_line)
        log = note(lines, log)
    if is_within_line:
        note(b"\n", log)


def note(lines, log):
    """Write `lines`; what to write the next to: None once that has failed."""
    try:
        if log is not None:
            log.write(lines)
            log.flush()
    except OSError as error:
        say(f"{log.name}: {error.strerror}; going on without it")
        return None
    return log


def show(block, shown):
    """Write `block`; what to write the next to: None once nobody looks any more."""
    try:
        if shown is not None:
            shown.write(block)
            shown.flush()
    except OSError:
        return None
    return shown


if __name__ == "__main__":
    os._exit(main())  # at once, since the program's children may still hold the pipes
