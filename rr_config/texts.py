"""Texts that can be sent to a host."""

import os


def is_sendable(text: str) -> bool:
    """Return whether Linux accepts `text` as a file name or an argument."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
