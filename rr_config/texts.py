"""Texts that can be sent to a host."""

import os
import re

# `$NAME` or `${NAME}` in arguments and values of `env`, which the host replaces.
VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")


def variables(text: str) -> set[str]:
    """Return the names of the variables in `text`."""
    return {braced or plain for braced, plain in VARIABLE.findall(text)}


def is_sendable(text: str) -> bool:
    """Return whether Linux accepts `text` as a file name or an argument."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
