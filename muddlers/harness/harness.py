#!/usr/bin/env python3
"""Run a program, log its output with the time of each line, and exit as the program does.

    harness.py --logs FOLDER --name NAME -- PROGRAM [ARGUMENT...]

The harness passes stdout and stderr of PROGRAM on as they come. It also logs them in FOLDER/NAME.out and
FOLDER/NAME.err, with the time in front of each line. The time is in UTC and is taken when the line begins. It is
derived from the monotonic clock, so that it never goes back. In the names of these files, all characters except
letters, digits and `_.-~` are written as %XX.

The harness passes signals on to PROGRAM. Its exit code is that of PROGRAM. If a signal ends PROGRAM, the same signal
ends the harness. If PROGRAM cannot be started, the exit code is 126 or 127, as in a shell.

Requires Python 3.8 or later, without other packages.
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

# Signals that cannot be caught, that report a fault of this process, or that stop a job of a terminal.
NOT_PASSED_ON = "KILL STOP CHLD SEGV BUS ILL FPE TRAP SYS PIPE TSTP TTIN TTOU"
PASSED_ON = signal.valid_signals() - {signal.Signals[f"SIG{name}"] for name in NOT_PASSED_ON.split()}
FROM_TERMINAL = 0x80  # SI_KERNEL, sigaction(2): the terminal sent the signal to the program as well
LONGEST_NAME = 200
AHEAD = time.time() - time.monotonic()
LAST_LINES_SECONDS = 2  # limit for reading after the program has ended, if its children keep the pipe open


def main():
    parser = argparse.ArgumentParser(usage="harness.py --logs FOLDER --name NAME -- PROGRAM [ARGUMENT...]")
    parser.add_argument("--logs", required=True, type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("PROGRAM: missing")
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
    """Return a file name that is unique for `name` and at most LONGEST_NAME characters long."""
    quoted = urllib.parse.quote(name, safe=" ", errors="surrogateescape")
    if len(quoted) <= LONGEST_NAME:
        return quoted
    digest = hashlib.sha1(quoted.encode()).hexdigest()  # Python 3.8 has no usedforsecurity  # nosec B324
    return quoted[: LONGEST_NAME - len(digest) - 1] + "%" + digest


def stamp():
    """Return the current time as text. It is in UTC, because local time repeats an hour in autumn."""
    now = datetime.datetime.fromtimestamp(AHEAD + time.monotonic(), datetime.timezone.utc)
    return now.isoformat(timespec="microseconds")


def stamped(block, is_within_line):
    """Return `block` with the time in front of each line that begins in it.

    Also return whether the last line is incomplete. Pass this as `is_within_line` with the next block.
    """
    began = stamp().encode()
    lines = []
    for piece in re.findall(rb"[^\n]*\n|[^\n]+", block):
        lines.append(piece if is_within_line else began + b" " + piece)
        is_within_line = not piece.endswith(b"\n")
    return b"".join(lines), is_within_line


def say(text):
    """Print a message of the harness to stderr, and ignore a closed stderr."""
    with contextlib.suppress(OSError):
        print(f"harness: {text}", file=sys.stderr, flush=True)


def run(command, out, err):
    """Run `command` and wait for it. Return its exit code, or the negative number of the signal that ended it."""
    try:
        process = begin(command)
    except OSError as error:
        say(f"{command[0]}: {error.strerror}")
        return 127 if isinstance(error, FileNotFoundError) else 126
    # Signals are blocked only after the start, because the program would inherit the blocked ones.
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON | {signal.SIGCHLD})
    streams = ((process.stdout, sys.stdout.buffer, out), (process.stderr, sys.stderr.buffer, err))
    readers = [threading.Thread(target=keep, args=each, daemon=True) for each in streams]
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
    """Start `command`. Run an executable text without a `#!` line by sh, as a shell does."""
    try:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        return subprocess.Popen(["sh", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def keep(source, shown, log):
    """Copy `source` to `shown`, and to `log` with the time in front of each line, until `source` ends.

    After a failed write, that target is skipped, because the program must not block on its output.
    """
    is_within_line = False
    while True:
        block = os.read(source.fileno(), 1 << 16)
        if not block:
            break
        shown = note(block, shown, is_reported=False)
        lines, is_within_line = stamped(block, is_within_line)
        log = note(lines, log)
    if is_within_line:
        note(b"\n", log)


def note(lines, log, is_reported=True):
    """Write `lines` to `log`. Return `log`, or None if the write failed. Report a failure if `is_reported`."""
    try:
        if log is not None:
            log.write(lines)
            log.flush()
    except OSError as error:
        if is_reported:
            say(f"{log.name}: {error.strerror}; log is incomplete from here on")
            with contextlib.suppress(OSError):  # the rest in its buffer; Python 3.15 would complain at its end
                log.close()
        return None
    return log


if __name__ == "__main__":
    os._exit(main())  # skips waiting for reader threads: children of the program may keep the pipes open
