"""Tables, styles and a bar: drawn by rich on a terminal, plain text everywhere else."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fabfile.ui.terminal import fitted
from tests.support.checkout import FAB, ROOT
from tests.support.terminal import Terminal

LONG = "connection refused by " + "a-long-name-of-a-host." * 6
MARKUP = "[red]x[/red]"
TABLE = f"""
import sys
from fabfile.ui.console import Console
from fabfile.ui.terminal import RED, table

rows = [(("n1", "ok", "{MARKUP} :smile:"), ""), (("node2", "problem", "{LONG}"), RED)]
console = Console("INFO")
console.text(table(("HOST", "RESULT", "FOUND"), rows, sys.stdout))
console.error("wrong")
"""
PLAIN = f"HOST   RESULT   FOUND\nn1     ok       {MARKUP} :smile:\nnode2  problem  {LONG}\n"
BAR = """
import sys
from fabfile.transfer.sync import SyncResult
from fabfile.ui.console import Console

console = Console("INFO")
console.begins("sync", ["node1", "node2"])
console.progress("sync", "node1", 10, 100)
console.progress("sync", "[bold]\\x1b]0;evil\\x07", 10, 100)
console._bar._live.refresh() if console._bar else None
console.result("sync", "node1", SyncResult(1, 1, 100, 0, ()))
console.ends("sync")
"""
WATCH = """
from fabfile.ui.console import Console

console = Console("INFO")
for lines in (["before", "wide"], ["after"]):
    console.show_screen(lines)
console.leave_screen()
"""
ESCAPE = re.compile(rb"\x1b[\[\]][0-9;?]*[A-Za-z]")


def environment(**changed: str) -> dict[str, str]:
    """Return the environment for a terminal that shows colors."""
    common = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    return common | {"TERM": "xterm-256color"} | changed


def on_terminal(script: str, **changed: str) -> bytes:
    """Run Python code in a terminal that is 100 columns wide; return all that it shows there."""
    terminal = Terminal([sys.executable, "-c", script], cwd=ROOT, env=environment(**changed))
    try:
        assert terminal.ends() == 0, terminal.shown.decode()
        return terminal.shown.replace(b"\r\n", b"\n")
    finally:
        terminal.close()


def loaded_modules(*command: str, cwd: Path = ROOT) -> set[str]:
    """Run a program in a pipe; return the names of the modules that it has loaded."""
    words = [sys.executable, "-X", "importtime", *command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, env=environment(FORCE_COLOR="1"), check=True)
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


# ---- in a pipe


def test_table_in_a_pipe_is_plain_and_whole() -> None:
    """rich would obey these variables."""
    env = environment(FORCE_COLOR="1", TTY_COMPATIBLE="1", COLUMNS="40")
    done = subprocess.run([sys.executable, "-c", TABLE], cwd=ROOT, env=env, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (PLAIN, "wrong\n")


@pytest.mark.parametrize("words", [["--list"], ["--help"], ["--help", "run"], ["config", "-c", "cfg.py"]], ids=" ".join)
def test_pipes_do_not_load_rich(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "cfg.py").write_text(
        'config.add_component(Component(name="a", host="h", executable="/x", start_index=1))'
    )
    modules = loaded_modules(str(FAB), "-r", str(ROOT), *words, cwd=tmp_path)
    assert "invoke" in modules
    assert not [name for name in modules if name.split(".")[0] == "rich"]


def test_rich_is_not_loaded_for_a_plain_table() -> None:
    modules = loaded_modules("-c", TABLE)
    assert "fabfile.ui.terminal" in modules
    assert not [name for name in modules if name.split(".")[0] == "rich"]


# ---- on a terminal


def test_table_on_a_terminal_fits_its_width() -> None:
    shown = on_terminal(TABLE)
    assert b"\x1b[1mHOST " in shown and b"\x1b[31mnode2" in shown and shown.endswith(b"\x1b[31mwrong\x1b[0m\n")
    lines = ESCAPE.sub(b"", shown).decode().splitlines()[:-1]
    assert max(map(len, lines)) <= 100
    assert lines[1].rstrip() == f"n1     ok       {MARKUP} :smile:"
    assert lines[2].startswith("node2  problem  connection refused by")
    assert "".join(line[16:].rstrip() for line in lines[2:]).replace(" ", "") == LONG.replace(" ", "")


def test_no_color_shows_no_styles() -> None:
    shown = on_terminal(TABLE, NO_COLOR="1")
    assert b"\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_dumb_terminal_shows_plain_text() -> None:
    assert on_terminal(TABLE, TERM="dumb").decode() == PLAIN + "wrong\n"
    assert on_terminal(BAR, TERM="dumb") == b"sync  2 hosts\n  node1  1 file, 1 sent (100 B)\n"


def test_narrow_terminal_shows_whole_lines() -> None:
    shown = on_terminal(TABLE, COLUMNS="20")
    assert ESCAPE.sub(b"", shown).decode() == PLAIN + "wrong\n"
    assert b"\x1b[31mnode2  problem  connection" in shown


def test_watch_leaves_the_screen_as_it_was() -> None:
    """It uses the alternate screen, hides the cursor there, and shows it again."""
    first = b"\x1b[?1049h\x1b[?25l\x1b[H\r\x1b[Kbefore\r\n\x1b[Jwide"
    assert on_terminal(WATCH) == first + b"\x1b[H\x1b[Jafter" + b"\x1b[?25h\x1b[?1049l"


def test_fitted_lines_are_cut() -> None:
    lines = [("1234567890", ""), ("12345678901", ""), ("日本語日本語", "")]
    assert fitted(lines, 10, io.StringIO()) == ["1234567890", "123456789…", "日本語日 …"]


@pytest.mark.parametrize("no_color", [{}, {"NO_COLOR": "1"}], ids=["colors", "no colors"])
def test_bar_leaves_nothing_behind(no_color: dict[str, str]) -> None:
    shown = on_terminal(BAR, **no_color)
    assert b"20/200 B" in shown and "[bold]�]0;evil�".encode() in shown
    assert (re.search(rb"\x1b\[[0-9;]*m", shown) is None) == bool(no_color)
    *_, after = shown.rpartition(b"1 done, 1 sending")
    assert after.count(b"\x1b[1A\x1b[2K") == 3, "the bar and the lines below it are erased"
    assert after.rindex(b"\x1b[?25h") > 0, "the cursor is visible again"
    assert re.search(rb"sync     1/2      1 sent  +[0-9.]+ s\n$", after)
