"""Files of hosts and of tests."""

from pathlib import Path


def text(path: Path) -> str:
    """What `path` holds, which is nothing if it is not there, or is of a process that has ended."""
    try:
        return path.read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def content(folder: Path) -> dict[str, str]:
    """What is in the files below a folder."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
