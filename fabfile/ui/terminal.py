"""Styles and tables for a terminal, drawn by rich, and plain text for everything else.

rich takes 10 ms to load for a style and 40 ms for a table, so functions import it when they draw.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from typing import Literal, TextIO

BOLD, RED, GREEN, YELLOW, CYAN = "bold", "red", "green", "yellow", "cyan"
Row = tuple[Sequence[str], str]  # the cells and their style
Line = tuple[str, str]  # the text and its style
# The alternate screen has no scrollback. Its end brings back the main screen, as it was. See xterm's ctlseqs, DECSET.
ENTER_SCREEN, LEAVE_SCREEN = "\033[?1049h\033[?25l", "\033[?25h\033[?1049l"
HOME, ERASE_BELOW = "\033[H", "\033[J"
ERASE_LINE = "\r\033[K"
LEAST_WIDTH = 7  # of a column on average: in less, a drawn table would fold its words into columns of letters


def is_screen(stream: TextIO) -> bool:
    """Return whether `stream` is a terminal that understands control sequences."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def color_system(stream: TextIO) -> Literal["standard"] | None:
    """Return the colors that rich may use on `stream`: those that every terminal has, or none."""
    return "standard" if is_screen(stream) and "NO_COLOR" not in os.environ else None


def screen_size(stream: TextIO) -> os.terminal_size:
    """Return the columns and lines that a terminal has now, whatever the environment says."""
    size = os.get_terminal_size(stream.fileno())
    return size if size.columns and size.lines else os.terminal_size((80, 24))  # a serial line knows no size


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


def is_wide(rows: Sequence[Row], width: int) -> bool:
    """Return whether the rows of a table are wider than this."""
    return any(len(line) > width for line, _ in aligned(rows))


def _plain_table(rows: Sequence[Row], stream: TextIO) -> str:
    """Return aligned columns. Scripts parse them, so no cell is folded or cut."""
    return "".join(f"{styled(text, style, stream)}\n" for text, style in aligned(rows))


def aligned(rows: Sequence[Row]) -> list[Line]:
    """Return the rows of a table as lines, with aligned columns."""
    columns = zip(*(cells for cells, _ in rows), strict=True)
    widths = [max(map(len, column)) for column in columns]
    return [("  ".join(map(str.ljust, cells, widths)).rstrip(), style) for cells, style in rows]


def fitted(lines: Sequence[Line], width: int, stream: TextIO) -> list[str]:
    """Return styled lines that are at most `width` columns wide. A cut line ends with an ellipsis."""
    from rich.cells import cell_len, set_cell_size

    shown = []
    for text, style in lines:
        cut = text if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"
        shown.append(styled(cut, style, stream))
    return shown


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


def formatted(markdown: str, widest: int) -> str:
    """Return a page of Markdown as the terminal shows it, at most `widest` characters wide."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(width=min(screen_size(sys.stdout).columns, widest))
    with console.capture() as captured:
        console.print(Markdown(markdown))
    return captured.get()
