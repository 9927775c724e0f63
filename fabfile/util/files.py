"""Files that appear only when they are complete, and a link to the newest folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """Yield a new file beside `target` that takes its place at the end. After an error, remove the new file.

    It replaces a symbolic link instead of following it.
    """
    part = target.with_name(f".{target.name[:200]}.part")
    part.unlink(missing_ok=True)
    try:
        with part.open("xb") as file:
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


LATEST = "latest"


def link_latest(above: Path, folder: Path) -> None:
    """Let the symbolic link `latest` in `above` lead to `folder`, which is below `above`.

    Leave a file or folder of that name alone. Create no link on a file system that has none.
    """
    link, part = above / LATEST, above / f".{LATEST}.part"
    if link.exists() and not link.is_symlink():
        return
    with contextlib.suppress(OSError):  # the link is only a convenience
        part.unlink(missing_ok=True)
        part.symlink_to(folder.relative_to(above))
        part.replace(link)
