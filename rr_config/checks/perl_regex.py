"""Check a Perl regular expression, if possible with the program that the hosts use for it."""

import functools
import os
import re
import subprocess

TIMEOUT = 5.0
# readiness.sh puts this before the expression: the text is UTF-8, and `\w` matches all letters, in any locale.
UNICODE = "(*UTF)(*UCP)"
# Texts without any of these characters are valid, so they need no process.
SPECIAL = re.compile(r"[][\\(){}*+?|^$\udc80-\udcff]")


@functools.cache  # the components of a loop share an expression
def regex_problem(regex: str) -> str | None:
    """Return why `regex` is invalid, or None.

    The hosts use `grep -P`. So ask the grep of this machine, in the locale of the hosts. Python's syntax differs: it
    has no `\\h` and no `\\K`, and Perl has no `\\u0041`. If grep or its -P is missing here, Python decides.
    """
    if not SPECIAL.search(regex):
        return None
    problem = _problem_of_grep(regex)
    if problem is None or (problem and _problem_of_grep("(x)") is None):
        return problem
    try:
        re.compile(regex)
    except (re.error, RecursionError, OverflowError) as error:
        return str(error)
    return None


def _problem_of_grep(regex: str) -> str | None:
    """Return the words of grep about `regex`, an empty text if it cannot run, or None if it accepts the expression."""
    try:
        done = subprocess.run(
            ["grep", "-qP", "-e", (UNICODE + regex).encode("utf-8", "surrogateescape")],
            env=os.environ | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if done.returncode in (0, 1):
        return None
    return done.stderr.decode(errors="replace").removeprefix("grep: ").strip() if done.returncode == 2 else ""
