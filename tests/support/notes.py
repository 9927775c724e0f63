"""Notes of a note-taker."""

from pathlib import Path

from tests.support.files import text


def notes(folder: Path) -> list[str]:
    return text(folder / "times").splitlines()


def claim(state: Path) -> list[str]:
    """Who takes notes, and of which screen session."""
    return text(state / ".noting").split()
