"""Styles of text on a terminal (ECMA-48, SGR), for those who want them."""

import os
from typing import TextIO

BOLD, RED, GREEN, YELLOW, CYAN = "1", "31", "32", "33", "36"
# By how a line of `diff -u` begins.
OF_CHANGES = {"+": GREEN, "-": RED, "@": CYAN}


def styled(text: str, style: str, stream: TextIO) -> str:
    """`text` in a style, where `stream` is a terminal whose user wants styles."""
    wants = text and style and stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return f"\033[{style}m{text}\033[0m" if wants else text
