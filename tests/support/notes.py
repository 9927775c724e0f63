"""Read the notes of a note-taker."""

from pathlib import Path

from tests.support.files import text


def notes(folder: Path) -> list[str]:
    return text(folder / "times").splitlines()


def claim(state: Path) -> list[str]:
    """Return the words of the claim file: the process that takes notes, and its screen session."""
    return text(state / ".noting").split()
