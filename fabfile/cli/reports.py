"""The commands `report` and `compare` in the terminal."""

from typing import TYPE_CHECKING, Any

from rr_config import ConfigError, Options
from rr_config.errors import named
from rr_config.files.paths import local_path

from ..util.files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable
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
    """Write a page about a collection or a sweep, a table of a sweep, or a trace of a collection.

    Raise ConfigError for wrong options.
    """
    from ..reporting import report
    from ..sweeps.store import FILE
    from ..ui.views import show_written

    if given["from"] is None:
        what = "--table: needs --from, the folder of a sweep"
        raise ConfigError(what if given["trace"] is None else "--trace: needs --from, the folder of a collection")
    folder = local_path(given["from"])
    is_sweep = (folder / FILE).is_file()
    if is_sweep and options.limit is not None:
        raise ConfigError("--limit: selects components of a collection, and --from is a sweep; omit it")
    if given["table"] is not None:
        target = _write_table(folder, given)
    elif given["trace"] is not None:
        target = _write_trace(folder, given, options.limit)
    elif is_sweep:
        from ..sweeps import page, table

        target = page.write(folder, table.read(folder), given["output"], given["overwrite"])
    else:
        target = report.target(given["output"], given["overwrite"])
        report.write(target, *report.from_folder(folder, options.limit), folder)
    show_written(console, target)


def _write_table(folder: "Path", given: dict[str, Any]) -> "Path":
    """Write the table of a sweep."""
    from ..sweeps import table

    content = table.as_csv(table.rows(folder)).encode("utf-8", "surrogateescape")
    return _written("table", given, content, table.is_table)


def _write_trace(folder: "Path", given: dict[str, Any], limit: str | None) -> "Path":
    """Write the trace of a collection."""
    from ..reporting import report, trace
    from ..reporting.history import histories
    from ..reporting.samples import read_samples

    run, _ = report.from_folder(folder, limit)
    return _written("trace", given, trace.trace(run, read_samples(histories(run), folder)), trace.is_trace)


def _written(kind: str, given: dict[str, Any], content: bytes, is_own: "Callable[[Path], bool]") -> "Path":
    """Write the file of the option `kind`. Raise ConfigError if another file is there that must not be overwritten."""
    target = local_path(given[kind])
    option = f"--{kind} {target}"
    with named(option):
        if not given["overwrite"] and target.exists() and not is_own(target):
            raise ConfigError(f"{option}: exists, and is no {kind}; choose another file, or add --overwrite")
        with replacing(target) as file:
            file.write(content)
    return target


def compare_folders(given: dict[str, Any], console: "Console", _: Options) -> None:
    """Show the differences of two folders. Raise ConfigError if they cannot be compared."""
    from ..reporting.report import need_libraries
    from ..sweeps.comparison import compare
    from ..ui.lines.comparison_lines import lines

    need_libraries("compare", ["scipy.stats"])
    compared = compare(local_path(given["first"]), local_path(given["second"]))
    if given["json"]:
        console.document(compared.as_dict())
        return
    for line in lines(compared):
        console.line(line)
