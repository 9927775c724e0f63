"""`util.tree`: a folder of `files` with rules for excluded names, for symbolic links, and for removal on the host."""

import os
from collections.abc import Iterable, Mapping

import attrs

LINKS = ("follow", "keep")


@attrs.frozen
class Rules:
    """The rules of a tree.

    `exclude` are patterns in gitignore syntax. `links` is one of LINKS. With `delete`, a sync removes on the host what
    the local folder does not have. `apart` are the base_dirs of other components on the host. Nothing is removed if one
    of them is in the tree. Loading a config sets it.
    """

    exclude: tuple[str, ...] = ()
    links: str = "follow"
    delete: bool = False
    apart: tuple[str, ...] = ()

    @property
    def keeps_links(self) -> bool:
        """Return whether symbolic links are sent as links."""
        return self.links == "keep"


class TreePath(str):
    """The remote path of a tree, with its rules. Otherwise it is a text like every other remote path of `files`.

    >>> TreePath("data", Rules(delete=True)) == "data"
    True
    """

    rules: Rules

    def __new__(cls, text: str, rules: Rules = Rules()) -> "TreePath":
        made = super().__new__(cls, text)
        made.rules = rules
        return made


def tree(
    src: str | os.PathLike[str],
    dest: str | os.PathLike[str],
    exclude: Iterable[str] = (),
    links: str = "follow",
    delete: bool = False,
) -> dict[str, str]:
    """Return a value for `Component.files` that copies the folder `src` to the remote folder `dest`, with rules.

    `'.'` as `dest` is the component's `base_dir`. A relative `src` is relative to the config file.

    `exclude` are patterns in gitignore syntax, relative to `src`. They win over the patterns in the files `.rrignore`
    of `src` and its folders, which count as `.gitignore` does in git. `.git` and `__pycache__` are excluded, unless a
    pattern such as `!__pycache__` includes them.

    With `links="keep"`, symbolic links are sent as links, with the same text. By default, their targets are sent.

    With `delete=True`, a sync removes files and folders below `dest` that `src` does not have. Excluded names stay.

    The result maps `src` to `dest`. It can be merged with other dicts:

        >>> tree("build", "app", exclude=["*.o"], delete=True) | {"run.sh": "run.sh"}
        {'build': 'app', 'run.sh': 'run.sh'}

    Raise TypeError or ValueError for invalid arguments. A missing `src` is reported when the config has been loaded.
    """
    if isinstance(exclude, str | bytes):
        raise TypeError(f"util.tree: exclude {exclude!r}: must be a list of patterns")
    patterns = tuple(exclude)
    if not all(isinstance(pattern, str) for pattern in patterns):
        raise TypeError(f"util.tree: exclude {list(patterns)!r}: must be a list of texts")
    if links not in LINKS:
        raise ValueError(f"util.tree: links {links!r}: must be one of {', '.join(LINKS)}")
    if not isinstance(delete, bool):
        raise TypeError(f"util.tree: delete {delete!r}: must be True or False")
    return {os.fspath(src): TreePath(os.fspath(dest), Rules(patterns, links, delete))}


def rules_of(remote: object) -> Rules | None:
    """Return the rules of a remote path of `files`, or None if it is none of a tree."""
    return remote.rules if isinstance(remote, TreePath) else None


def with_rules(remote: str, rules: Rules | None) -> str:
    """Return a remote path with the rules of a tree, if there are any."""
    return remote if rules is None else TreePath(remote, rules)


# `files` with all rules, as a key for caches. Paths with different rules are equal texts.
FilesKey = tuple[tuple[str, str, Rules | None], ...]


def files_key(files: Mapping[str, str]) -> FilesKey:
    """Return a key that is equal for equal `files` with equal rules."""
    return tuple((local, remote, rules_of(remote)) for local, remote in files.items())
