"""Read files of hosts and of tests."""

from pathlib import Path


def text(path: Path) -> str:
    """Return the text of `path`, or "" if it does not exist or belongs to a process that has ended."""
    try:
        return path.read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def content(folder: Path) -> dict[str, str]:
    """Return the text of every file below a folder, by relative path."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
