"""The functions that config files and muddlers can use under the name `util`."""

import os

from .local_files import Unusable, placed_files
from .muddlers.rewriting import bring, chosen, literal, numbered, program, scoped, wrap
from .paths import local_path
from .ready import command, ended, log, port

__all__ = ["command", "ended", "literal", "log", "port", "recursive_files_dict"]
__all__ += ["bring", "chosen", "numbered", "program", "scoped", "wrap"]  # for muddlers


def recursive_files_dict(src: str | os.PathLike[str], dest: str) -> dict[str, str]:
    """Return a value for `Component.files` that maps every file below `src` to its path below `dest`.

    `dest` is a remote folder. `'.'` is the component's `base_dir`. A relative `src` is relative to the config file that
    calls this function. A leading `~` in `src` is the local home. Follow symbolic links.

    It skips empty folders. To send them too, name the folder itself in `files`. Unreadable files are in the result,
    and `validation` reports them later. Raise FileNotFoundError or NotADirectoryError if `src` is not a folder.

    If the folder `data` contains `a.csv` and `deep/b.csv`:

        >>> recursive_files_dict("data", "input")
        {'data/a.csv': 'input/a.csv', 'data/deep/b.csv': 'input/deep/b.csv'}
    """
    source = str(local_path(src))
    with os.scandir(source):  # raises an error if it is not a folder
        pass
    files: dict[str, str] = {}
    for found in placed_files({source: os.fspath(dest) or "."}):
        if isinstance(found, Unusable):
            files[found.path] = found.remote
        elif not found.local.is_dir:
            files[found.local.path] = found.remote
    return files
