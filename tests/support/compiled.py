"""Folders for compiled modules that hold those of libraries and of Python already, which take 2 s to compile."""

import contextlib
import os
import shutil
from pathlib import Path

from tests.support.checkout import ROOT


def link_compiled_libraries(source: str | Path, target: Path, root: Path = ROOT) -> None:
    """Link the compiled modules in `source` into `target`, except those of this project, which is also in `root`."""
    if Path(source).is_dir():
        shutil.copytree(source, target, copy_function=link)
        remove_compiled_project(target)
        remove_compiled_project(target, root)


def link(source: str, target: str) -> None:
    """Link a compiled module. Python never changes such a file, but replaces it."""
    with contextlib.suppress(FileNotFoundError):  # a temporary file of another process, which it has renamed
        os.link(source, target)


def remove_compiled_project(folder: Path, root: Path = ROOT) -> None:
    """Remove the compiled modules of this project."""
    for package in ("fabfile", "rr_config"):
        shutil.rmtree(folder / (root / package).relative_to("/"), ignore_errors=True)


def compiled_names(folder: Path) -> set[str]:
    """Return the names of the modules of this project, and of those outside of it, that have been compiled since."""
    return {path.name.partition(".")[0] for path in folder.rglob("*.pyc") if path.stat().st_nlink == 1}
