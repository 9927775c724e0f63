"""Styles and tables for a terminal, drawn by rich, and plain text for everything else.

rich takes 10 ms to load for a style and 40 ms for a table, so functions import it when they draw.
"""

import os
import shutil
from collections.abc import Sequence
from typing import Literal, TextIO

BOLD, RED, GREEN, YELLOW, CYAN = "bold", "red", "green", "yellow", "cyan"
Row = tuple[Sequence[str], str]  # the cells and their style
CLEAR = "\033[H\033[2J"
# The same, but line by line: many terminals copy a screen that is cleared as a whole into their scrollback.
CLEAR_UNSAVED = "\033[H\033[K\n\033[J\033[H"
ERASE_LINE = "\r\033[K"
LEAST_WIDTH = 7  # of a column on average: in less, a drawn table would fold its words into columns of letters


def is_screen(stream: TextIO) -> bool:
    """Return whether `stream` is a terminal that understands control sequences."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def color_system(stream: TextIO) -> Literal["standard"] | None:
    """Return the colors that rich may use on `stream`: those that every terminal has, or none."""
    return "standard" if is_screen(stream) and "NO_COLOR" not in os.environ else None


def styled(text: str, style: str, stream: TextIO) -> str:
    """Return `text` in a style if `stream` shows styles."""
    if not text or not style or color_system(stream) is None:
        return text
    from rich.color import ColorSystem
    from rich.style import Style

    return Style.parse(style).render(text, color_system=ColorSystem.STANDARD)


def table(columns: Sequence[str], rows: Sequence[Row], stream: TextIO) -> str:
    """Return the lines of a table: plain, or drawn for the width of a terminal."""
    width = shutil.get_terminal_size().columns
    if is_screen(stream) and width >= LEAST_WIDTH * len(columns):
        return _drawn_table(columns, rows, stream, width)
    return _plain_table([(columns, BOLD), *rows], stream)


def _plain_table(rows: Sequence[Row], stream: TextIO) -> str:
    """Return aligned columns. Scripts parse them, so no cell is folded or cut."""
    columns = zip(*(cells for cells, _ in rows), strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines = ""
    for cells, style in rows:
        lines += styled("  ".join(map(str.ljust, cells, widths)).rstrip(), style, stream) + "\n"
    return lines


def _drawn_table(columns: Sequence[str], rows: Sequence[Row], stream: TextIO, width: int) -> str:
    """Return a table in which a cell that is too wide continues on the next line."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style=BOLD)
    for name in columns:
        drawn.add_column(name, overflow="fold")
    for cells, style in rows:
        drawn.add_row(*map(Text, cells), style=style)  # `Text` holds no markup, and cells come from hosts
    console = Console(file=stream, width=width, color_system=color_system(stream))
    with console.capture() as captured:
        console.print(drawn)
    return captured.get()
