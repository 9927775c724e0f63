"""What a config file and a muddler find under the name `util`."""

import os

from .local_files import Placed, placed_files
from .muddlers.rewriting import bring, chosen, literal, numbered, program, wrap
from .paths import local_path
from .ready import command, ended, log, port

__all__ = ["command", "ended", "literal", "log", "port", "recursive_files_dict"]
__all__ += ["bring", "chosen", "numbered", "program", "wrap"]  # for muddlers


def recursive_files_dict(src: str | os.PathLike[str], dest: str) -> dict[str, str]:
    """Every file under `src`, mapped to its place under `dest`, as `Component.files` wants it.

    `dest` is a remote folder; `'.'` is the component's `base_dir`. A relative `src` is relative to
    the config file that calls this; `~` in front is the home here. Symbolic links are followed. Empty
    folders are left out; name the folder itself in `files` to bring them too. What cannot be read is in
    the result, to be reported when the config is checked. Raises FileNotFoundError or NotADirectoryError
    where `src` is no folder.
    """
    source = str(local_path(src))
    with os.scandir(source):  # the one path that must be a folder
        pass
    found = placed_files({source: os.fspath(dest) or "."})
    return {
        item.local.path if isinstance(item, Placed) else item.path: item.remote
        for item in found
        if not (isinstance(item, Placed) and item.local.is_dir)
    }
