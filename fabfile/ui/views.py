"""Views: what a command was asked to show, as a table or text for a person, or as one JSON document."""

import difflib
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from rr_config import Config
from rr_config.hosts.natural_order import natural_key
from rr_config.muddlers.discovery import Muddler
from rr_config.program import program

from ..components.output.logs import rendered
from ..components.status import Status
from ..diagnosis.checks import Diagnosis
from ..diagnosis.execute import Executed
from ..results import config_dump
from ..runner.clean import Leftovers
from ..runner.plan import Plan
from ..runner.watch import Look
from ..util.host_ranges import folded, host_range
from ..util.text import byte_size, printable
from .overview import group_rows, grouped, notes_below, screen, summary
from .stdio import Stdio
from .tables import DIAGNOSIS_COLUMNS, diagnosis_rows, leftover_lines, plan_lines, status_rows, without_notes
from .terminal import BOLD, CYAN, GREEN, RED, YELLOW, fitted, formatted, is_screen, is_wide, screen_size, styled, table

COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")  # to another page
WIDEST_PAGE = 100  # characters; longer lines are hard to read
DIFF_STYLES = {"+": GREEN, "-": RED, "@": CYAN}  # by the first character of a line of `diff -u`


def show_statuses(out: Stdio, look: Look, as_json: bool, is_whole: bool, group: str | None) -> None:
    """Show a table of statuses, and sessions of other owners; on a terminal that is too small for it, a summary.

    With `is_whole`, show the table in any case. With `group`, show a row for each host, component name or state.
    """
    if as_json:
        out.document(list(map(Status.as_dict, look.statuses)))
        return
    rows = group_rows(look.statuses, group) if group else status_rows(look.statuses, look.late)
    width, height = shutil.get_terminal_size()
    may_be_short = is_screen(sys.stdout) and not is_whole and group is None
    if may_be_short and len(rows) > height:  # drawing so many rows would take long
        text = ""
    else:
        notes = notes_below(look) if group or (is_screen(sys.stdout) and is_wide(rows, width)) else []
        (columns, _), *rows = rows if group or not notes else without_notes(rows)
        text = table(columns, rows, sys.stdout)
        sessions = folded((host, str(session)) for host, session in look.foreign.items())
        lines = [(printable(f"{hosts}: {session}"), YELLOW) for hosts, session in sessions]
        for line, style in [*notes, *lines]:
            text += styled(line, style, sys.stdout) + "\n"
    if may_be_short and (not text or text.count("\n") >= height):
        lines = summary(look, width, height - 1)  # the last line is that of the prompt
        text = "".join(f"{line}\n" for line in fitted(lines, width, sys.stdout))
    out.text(text)


def show_look(out: Stdio, look: Look, is_whole: bool, group: str | None) -> None:
    """Show a look on the whole terminal, in its present size. With `is_whole`, as a table in any case."""
    width, height = screen_size(sys.stdout)
    lines = grouped(look, width, height, group) if group else screen(look, width, height, is_whole)
    out.show_screen(fitted(lines, width, sys.stdout))


def show_diagnoses(out: Stdio, found: Sequence[Diagnosis], as_json: bool) -> None:
    """Show a line for each problem and warning, and one with all that is fine. Hosts with equal lines share them."""
    if as_json:
        out.document(list(chain.from_iterable(map(Diagnosis.as_dicts, found))))
        return
    out.text(table(DIAGNOSIS_COLUMNS, diagnosis_rows(found), sys.stdout))


def agrees_to_install(out: Stdio, found: Iterable[Diagnosis], is_said: bool) -> bool:
    """Show the commands that would install packages, and ask, unless the user has agreed already."""
    out.aside("commands to run:\n")
    for host, command in folded((each.host, each.install_command) for each in found if each.install_command):
        out.aside(printable(f"  {host}  {command}") + "\n")
    if is_said or out.asks("install?"):
        return True
    out.aside("nothing was installed\n")
    return False


def agrees_to_remove(out: Stdio, found: Mapping[str, Leftovers], is_said: bool, is_dry: bool) -> bool:
    """Show what would be removed, and ask, unless the user has agreed already, or wants no more than the list."""
    for line in leftover_lines(found):
        out.news(line, "" if line.startswith(" ") else BOLD)
    if is_dry or all(each.is_nothing for each in found.values()):
        return False
    return is_said or out.asks("remove?")


def show_plan(out: Stdio, found: Plan, as_json: bool) -> None:
    """Show what a run would do on each host, and what it would start."""
    if as_json:
        out.document(found.as_dict())
        return
    for line in plan_lines(found):
        out.line(line, "" if line.startswith(" ") else BOLD)


def show_executed(out: Stdio, found: Mapping[str, Executed]) -> None:
    """Show the output of a command line on hosts: equal ones once, below the names of their hosts."""
    hosts: dict[Executed, list[str]] = {}
    for host in sorted(found, key=natural_key):
        hosts.setdefault(found[host], []).append(host)
    for executed, names in hosts.items():
        status = f" (exited with {executed.status})" if executed.status else ""
        out.news(printable(f"{host_range(names)}{status}:"), BOLD)
        for line in executed.output.splitlines() or ["(no output)"]:
            out.news(f"  {rendered(line.encode(errors='surrogateescape')).decode()}")


def config_text(config: Config) -> str:
    """Return a config as the text of a config file."""
    return config_dump.as_python(config)


def show_config(out: Stdio, config: Config, as_json: bool) -> None:
    """Show a config as the text of a config file, or its components as JSON."""
    components = config.all_components()
    if as_json:
        out.document(list(map(config_dump.as_values, components)))
    else:
        out.write(config_text(config).encode("utf-8", "surrogateescape"))


def show_diff(out: Stdio, before: str, after: str, names: tuple[str, str]) -> None:
    """Show the changes of a text as `diff -u` does; `names` name the two texts."""
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm=""):
        out.line(printable(line), DIFF_STYLES.get(line[:1], ""))


def show_muddler(out: Stdio, muddler: Muddler, options: str) -> None:
    """Show the name of a muddler, its summary and its path, then its options."""
    out.news(f"{muddler.name}  {printable(muddler.summary)}  ({muddler.path})")
    for line in options.splitlines():
        out.news(f"  {printable(line)}".rstrip())


def show_page(out: Stdio, markdown: str) -> None:
    """Show a page of the documentation: formatted in a terminal, else as its text."""
    if not sys.stdout.isatty():
        out.text(markdown)
        return
    out.text(formatted(LINK.sub(r"\1", COMMENT.sub("", markdown)), WIDEST_PAGE))


def show_first_steps(out: Stdio, path: Path, name: str) -> None:
    """Print a line for a new config, and the command to run it. `name` is the path as the user gave it."""
    show_written(out, path)
    out.news(f"next: {shlex.join([program(), 'run', '--config', name])}")


def show_written(out: Stdio, path: Path) -> None:
    """Print a line for a file that was written."""
    out.news(f"wrote {printable(str(path))} ({byte_size(path.stat().st_size)})")
