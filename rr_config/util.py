"""The functions that config files and muddlers can use under the name `util`."""

import logging
import os
from pathlib import Path

from .command_line.parameters import params
from .errors import os_reason
from .files.paths import found_beside, local_path
from .files.trees import tree
from .hosts.lists import hosts
from .muddlers.rewriting import bring, chosen, literal, numbered, program, scoped, wrap
from .user_code import calling_place
from .values.measures import measure
from .values.ready import command, ended, log, pidfile, port
from .values.secrets import secret

__all__ = ["command", "ended", "hosts", "literal", "log", "params", "pidfile", "port", "recursive_files_dict", "tree"]
__all__ += ["measure", "secret"]
__all__ += ["bring", "chosen", "numbered", "program", "scoped", "wrap"]  # for muddlers

_logger = logging.getLogger(__name__)
_warned: set[str] = set()  # lines of users' files, and skipped paths


def recursive_files_dict(src: str | os.PathLike[str], dest: str) -> dict[str, str]:
    """Return a value for `Component.files` that maps every file below `src` to its path below `dest`.

    `dest` is a remote folder. `'.'` is the component's `base_dir`. A relative `src` is relative to the config file that
    calls this function. A leading `~` in `src` is the local home. Follow symbolic links.

    It skips empty folders. To send them too, name the folder itself in `files`. It skips broken links, FIFOs, sockets
    and devices with a warning. Unreadable files are in the result, and `validation` reports them later. If `src` is
    missing or a file, log a warning once per calling line, and return an empty dict: configs and muddlers of the older
    script depend on that. Raise OSError if `src` cannot be read.

    If the folder `data` contains `a.csv` and `deep/b.csv`:

        >>> recursive_files_dict("data", "input")
        {'data/a.csv': 'input/a.csv', 'data/deep/b.csv': 'input/deep/b.csv'}
    """
    source = str(found_beside(Path(), local_path(src)))
    try:
        os.scandir(source).close()
    except (FileNotFoundError, NotADirectoryError) as error:
        place = calling_place()
        _warn_once(place, f"{place}: util.recursive_files_dict: {source}: {os_reason(error)}; it adds no files")
        return {}
    from .files.local_files import Unusable, placed_files  # most configs list their files

    files: dict[str, str] = {}
    for found in placed_files({source: os.fspath(dest) or "."}):
        if isinstance(found, Unusable) and found.is_skipped:
            _warn_once(found.warning, found.warning)
        elif isinstance(found, Unusable):
            files[found.path] = found.remote
        elif not found.local.is_dir:
            files[found.local.path] = found.remote
    return files


def _warn_once(about: str, text: str) -> None:
    """Log a warning, unless there has been one about the same line of the user's file, or about the same path."""
    if about not in _warned:
        _warned.add(about)
        _logger.warning("%s", text)
