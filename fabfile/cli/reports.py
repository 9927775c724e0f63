"""The commands `report` and `compare` in the terminal."""

from typing import TYPE_CHECKING, Any

from rr_config import ConfigError, Options
from rr_config.errors import named
from rr_config.files.paths import local_path

from ..util.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from ..runner.runner import Runner
    from ..ui.console import Console


def report_hosts(given: dict[str, Any], runner: "Runner", console: "Console") -> None:
    """Write a page about the present state of the hosts."""
    from ..reporting import report
    from ..ui.views import show_written
    from ..util.stages import StageError

    target = report.target(given["output"], given["overwrite"])
    try:
        runner.report(target, overwrite=True)
    except StageError:  # the page exists, and shows the other hosts
        show_written(console, target)
        raise
    show_written(console, target)


def report_folder(given: dict[str, Any], console: "Console", options: Options) -> None:
    """Write a page about a collection or a sweep, or a table of a sweep. Raise ConfigError for wrong options."""
    from ..reporting import report
    from ..sweeps.store import FILE
    from ..ui.views import show_written

    if given["from"] is None:
        raise ConfigError("--table: needs --from, the folder of a sweep")
    folder = local_path(given["from"])
    if given["table"] is not None:
        target = _write_table(folder, local_path(given["table"]))
    elif (folder / FILE).is_file():
        from ..sweeps import page, table

        target = page.write(folder, table.read(folder), given["output"], given["overwrite"])
    else:
        target = report.target(given["output"], given["overwrite"])
        report.write(target, *report.from_folder(folder, options.limit), folder)
    show_written(console, target)


def _write_table(folder: "Path", target: "Path") -> "Path":
    from ..sweeps import table

    text = table.as_csv(table.rows(folder))
    with named(f"--table {target}"), replacing(target) as file:
        file.write(text.encode("utf-8", "surrogateescape"))
    return target


def compare_folders(given: dict[str, Any], console: "Console", _: Options) -> None:
    """Show the differences of two folders. Raise ConfigError if they cannot be compared."""
    from ..sweeps.comparison import compare
    from ..ui.lines.comparison_lines import lines

    compared = compare(local_path(given["first"]), local_path(given["second"]))
    if given["json"]:
        console.document(compared.as_dict())
        return
    for line in lines(compared):
        console.line(line)
