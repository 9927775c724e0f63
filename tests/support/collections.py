"""Find the folders of `fab collect`."""

from pathlib import Path


def collections_in(folder: Path) -> list[Path]:
    """Return the folders of all collections, without the link to the latest one."""
    return [path for path in folder.iterdir() if path.name != "latest"]
