"""Find the name that a user meant by a misspelled one. Pure."""

from collections.abc import Iterable

LIKENESS = 0.65  # of 1; below that, a hint would be a guess
SHORTEST = 3  # the least length of a text that counts as the beginning of a name


def nearest(given: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar to `given`, or begins with it. None if there is none.

    >>> nearest("sever", ["client", "server"])
    'server'
    >>> nearest("proxy", ["client", "server"])
    """
    import difflib  # only errors need it

    names = {name.lower(): name for name in known}
    found = difflib.get_close_matches(given.lower(), names, n=1, cutoff=LIKENESS)
    if not found and len(given) >= SHORTEST:
        found = [name for name in names if name.startswith(given.lower())]
    return names[found[0]] if found else None


def hint(given: str, known: Iterable[str], otherwise: str) -> str:
    """Return `did you mean NAME?` for the most similar known name, or `otherwise` if none is similar."""
    name = nearest(given, known)
    return f"did you mean {name}?" if name else otherwise
