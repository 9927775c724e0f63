"""What a report is made of, from a folder of results or from the hosts as they are, and where it is put.

What the page looks like, `webpage` says.
"""

import importlib
import json
from pathlib import Path
from typing import Any

from rr_config import Component, Config, ConfigError
from rr_config.errors import named
from rr_config.limit import limited
from rr_config.paths import local_path

from ..components.logs import rendered
from ..results.provenance import Types, check, check_parts
from ..results.run_json import FILE
from ..util.epoch import epoch_time
from .history import lives, stages
from .html import MARK, page

Run = dict[str, Any]
Outputs = dict[str, str]
LINES = 200  # of each log
MOST_BYTES = 1 << 18
NEEDED = ("jinja2", "plotly.graph_objects")
PARTS: Types = {"session": str, "collected": (int, float), "runs": list, "components": list}


def log_tail(output: bytes) -> str:
    lines = output[-MOST_BYTES:].removesuffix(b"\n").split(b"\n")[-LINES:]
    return b"\n".join(map(rendered, lines)).decode("utf-8", "replace")


def from_folder(folder: str | Path, limit: str | None = None) -> tuple[Run, Outputs]:
    """What `fab collect` has put there: what `run.json` holds, and the end of each log, by label.

    Of all components, or of those that `limit` chooses. ConfigError where it is no such folder.
    """
    folder = Path(folder)
    path = folder / FILE
    if not path.is_file():
        raise ConfigError(f"{folder}: has no run.json; name a folder that `fab collect` has made")
    with named(str(path)):
        content = path.read_bytes()
    try:
        run = json.loads(content)
        _check(run)
        found = lives(run)
        stages(run)
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}: is not as `fab collect` writes it: {error}") from error
    if limit is not None:
        every = Config(Component(name=life.name, host=life.host) for life in found)
        chosen = {component.label for component in limited(every, limit).all_components()}
        run["components"] = [each for each in run["components"] if f"{each['host']}/{each['name']}" in chosen]
        found = [life for life in found if life.label in chosen]
    return run, {life.label: _output(folder, life.folder) for life in found if life.folder is not None}


def _check(run: Any) -> None:
    check(run)
    check_parts(run, PARTS)
    epoch_time(run["collected"])
    for each in run["runs"]:
        check(each)


def _output(folder: Path, own: str) -> str:
    """The end of what a component has put out; nothing where that is not there."""
    path = (folder / own / "output").resolve()
    if not path.is_file() or not path.is_relative_to(folder.resolve()):
        return ""
    with named(str(path)), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - MOST_BYTES))
        return log_tail(file.read())


def target(named_file: str | None, may_overwrite: bool) -> Path:
    """Where the page is to be put.

    ConfigError where none can be made, or where something else is that may not be lost.
    """
    try:
        for library in NEEDED:
            importlib.import_module(library)
    except ModuleNotFoundError as error:
        raise ConfigError(f"report: {error}; install what it needs: pip install jinja2 plotly") from error
    path = local_path(named_file or "report.html")
    with named(f"-o/--output {path}"):
        if path.exists() and not path.is_file():
            raise ConfigError(f"-o/--output {path}: is no file; name another one")
        if not may_overwrite and path.exists() and not _is_report(path):
            raise ConfigError(f"-o/--output {path}: is there, and no report; name another file, or say --overwrite")
    return path


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return MARK.encode() in file.read(1000)


def write(path: str | Path, run: Run, outputs: Outputs) -> None:
    """Put the page there, once it is whole; it takes the place of a link, which is not followed."""
    content = page(run, outputs).encode("utf-8", "replace")
    path = Path(path)
    part = path.with_name(f".{path.name[:200]}.part")
    with named(f"-o/--output {path}"):
        part.unlink(missing_ok=True)
        try:
            with part.open("xb") as file:
                file.write(content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)  # where the disk is full
