"""Files that appear only when they are complete."""

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
