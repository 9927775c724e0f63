"""The input and the output of a report: read a collected folder, cut the end of each log, write the page.

`html` renders the page. `runner.result_commands` makes a report from the current state of the hosts.
"""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rr_config import Component, Config, ConfigError
from rr_config.errors import named
from rr_config.files.paths import local_path
from rr_config.hosts.limit import limited
from rr_config.program import program

from ..components.output.logs import rendered
from ..results.provenance import Types, check, check_parts
from ..results.run_json import FILE
from ..util import epoch, files, limits
from .history import histories, stages
from .html import MARK, page
from .links import links
from .samples import Samples, read_samples

Run = dict[str, Any]
Outputs = dict[str, str]
LINES = 200  # the last lines of each log
NEEDED = ("jinja2", "plotly.graph_objects")
PARTS: Types = {"session": str, "collected": (int, float), "runs": list, "components": list}


def log_tail(output: bytes) -> str:
    """Return the last LINES lines of an output, but at most MOST_OF_A_LOG, as a terminal would show them."""
    lines = output[-limits.MOST_OF_A_LOG :].removesuffix(b"\n").split(b"\n")[-LINES:]
    return b"\n".join(map(rendered, lines)).decode("utf-8", "replace")


def from_folder(folder: str | Path, limit: str | None = None) -> tuple[Run, Outputs]:
    """Return the content of `run.json` in a folder of `fab collect`, and the end of each log by label.

    `limit` selects components, as `--limit` does. Raise ConfigError if the folder holds no `run.json`, if that is
    invalid, or if `limit` selects nothing.
    """
    folder = Path(folder)
    path = folder / FILE
    if not path.is_file():
        raise ConfigError(f"{folder}: missing run.json; must be a folder that `{program()} collect` created")
    with named(str(path)):
        content = path.read_bytes()
    try:
        run = json.loads(content)
        _check(run)
        found = histories(run)
        stages(run)
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}: invalid file: {error}") from error
    if limit is not None:
        every = Config(Component(name=history.name, host=history.host) for history in found)
        chosen = {component.label for component in limited(every, limit).all_components()}
        run["components"] = [each for each in run["components"] if f"{each['host']}/{each['name']}" in chosen]
        found = histories(run)
    outputs = {}
    for history in found:
        if history.folder is not None:
            outputs[history.label] = _output(folder, history.folder)
    return run, outputs


def _check(run: Any) -> None:
    check(run)
    check_parts(run, PARTS)
    epoch.epoch_time(run["collected"])
    for each in run["runs"]:
        check(each)


def _output(folder: Path, own: str) -> str:
    """Return the end of a component's output, or an empty text without output.

    Read nothing outside of `folder`, because `own` comes from the file and may point elsewhere.
    """
    path = (folder / own / "output").resolve()
    if not path.is_file() or not path.is_relative_to(folder.resolve()):
        return ""
    with named(str(path)), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - limits.MOST_OF_A_LOG))
        return log_tail(file.read())


def target(named_file: str | None, may_overwrite: bool, needed: Sequence[str] = NEEDED) -> Path:
    """Return the path of the page.

    Raise ConfigError if a library is missing, or if another file is there that must not be overwritten. An earlier
    report may always be overwritten.
    """
    need_libraries("report", needed)
    path = local_path(named_file or "report.html")
    option = f"-o/--output {path}"
    with named(option):
        if path.exists() and not path.is_file():
            raise ConfigError(f"{option}: must be a regular file")
        if not may_overwrite and path.exists() and not _is_report(path):
            raise ConfigError(f"{option}: exists, and is not a report; choose another file, or add --overwrite")
    return path


def need_libraries(command: str, needed: Sequence[str]) -> None:
    """Raise ConfigError if a library is missing."""
    try:
        for library in needed:
            importlib.import_module(library)
    except ModuleNotFoundError as error:
        raise ConfigError(f"{command}: {error}; install it with: pip install 'remote-runner[report]'") from error


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return MARK.encode() in file.read(1000)


def write(
    path: str | Path, run: Run, outputs: Outputs, folder: Path | None = None, samples: Samples | None = None
) -> None:
    """Write the page; it appears at `path` only when it is complete. Raise ConfigError if it cannot be written.

    It links to the files in `folder`, the folder of a collection, if there is one. Without `samples`, it shows the
    samples in `folder`. It replaces a symbolic link instead of following it.
    """
    linked = {}
    if folder is not None:
        with named(str(folder)):
            linked = links(run, folder, Path(path))
        samples = samples or read_samples(histories(run), folder)
    content = page(run, outputs, linked, samples or Samples()).encode("utf-8", "replace")
    with named(f"-o/--output {path}"), files.replacing(Path(path)) as file:
        file.write(content)
