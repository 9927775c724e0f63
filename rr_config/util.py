"""What a config file finds under the name `util`."""

import os
import posixpath


class literal(str):
    """An argument that reaches the program as it is: `$NAME` in it is not replaced either."""

    __slots__ = ()


def recursive_files_dict(src: str | os.PathLike[str], dest: str) -> dict[str, str]:
    """Every file under `src`, mapped to its place under `dest`, as `Component.files` wants it.

    `dest` is a remote folder; `'.'` is the component's `base_dir`. A relative `src` is relative to
    the config file that calls this. Empty folders are left out; name the folder itself in `files`
    to bring them too. Raises FileNotFoundError or NotADirectoryError where `src` is no folder.
    """
    source = os.fspath(src)
    with os.scandir(source):  # os.walk would pass over a missing folder in silence
        pass
    found = {}
    for folder, _, names in os.walk(source):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118 - keys keep the caller's spelling
            found[path] = posixpath.join(dest, os.path.relpath(path, source))
    return found
