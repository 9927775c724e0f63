"""Find muddlers: by path, beside the config, among those of this project, or in installed packages."""

import ast
import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import attrs

from ..errors import ConfigError, named
from ..files.paths import local_path
from ..likeness import hint

OWN_FOLDER = Path(__file__).resolve().parents[2] / "muddlers"
ENTRY_POINTS = "remote_runner.muddlers"


@attrs.frozen
class Muddler:
    """A muddler that a user can select by `name`. If several have the same name, the first one wins.

    `module` is the full name of its module if an installed package contains it.
    """

    name: str
    path: Path
    summary: str = ""
    module: str | None = None


@attrs.frozen
class Asked:
    """A value of `--muddler`: the muddler, and the `words` after its name."""

    muddler: Muddler
    words: tuple[str, ...] = ()


def find_muddler(given: str, config_dir: Path | None) -> Asked:
    """Return the muddler that `--muddler given` selects, and its options.

    `given` is the path of a file, or the words of a shell command: a muddler and its options. A name without a slash or
    `.py` is looked up in `muddlers/` beside the config, then in this project, then in installed packages. Anything else
    is a path, relative to the current directory.

    Raise ConfigError if there is no such muddler. For a name, it lists the known names.
    """
    with named(f"--muddler {given}"):
        if ("/" in given or given.endswith(".py")) and local_path(given).is_file():  # a path may contain spaces
            return Asked(_of_file(local_path(given)))
    try:
        name, *words = shlex.split(given)
    except ValueError as error:
        reason = "missing name" if not given.strip() else f"invalid options: {str(error).lower()}"
        raise ConfigError(f"--muddler {given}: {reason}; must be the name or path of a muddler, and options") from error
    return Asked(_found(name, given, config_dir), tuple(words))


def _found(name: str, given: str, config_dir: Path | None) -> Muddler:
    if "/" not in name and not name.endswith(".py"):
        for muddler in _candidates(config_dir):
            if muddler.name == name:
                return muddler
        names = sorted({muddler.name for muddler in all_muddlers(config_dir)})
        meant = hint(name, names, f"must be one of: {', '.join(names) or 'none'}")
        raise ConfigError(f"--muddler {given}: unknown muddler; {meant}")
    with named(f"--muddler {given}"):
        path = local_path(name)
        if not path.is_file():
            raise ConfigError(f"--muddler {given}: no such file")
        return _of_file(path)


def _of_file(path: Path) -> Muddler:
    return Muddler(path.stem, path.resolve())


def all_muddlers(config_dir: str | Path | None) -> list[Muddler]:
    """Return every muddler in the order of lookup. A file without `muddle` does not count."""
    found: list[Muddler] = []
    for each in _candidates(None if config_dir is None else Path(config_dir)):
        if _may_muddle(each.path):
            found.append(each if each.summary else attrs.evolve(each, summary=_summary(each.path)))
    return found


def _candidates(config_dir: Path | None) -> Iterator[Muddler]:
    folders = [OWN_FOLDER] if config_dir is None else [config_dir / "muddlers", OWN_FOLDER]
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        yield from map(_of_file, _programs_in(folder))
    yield from _installed()


def _programs_in(folder: Path) -> list[Path]:
    """Return the Python files in a folder that may be muddlers, sorted.

    A file that begins with `.` belongs to an editor, and one that begins with `_` is a helper.
    """
    with named(str(folder)):
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        return [path for path in found if path.suffix == ".py" and path.name[0] not in "._" and path.is_file()]


def _installed() -> Iterator[Muddler]:
    """Yield the muddlers in the entry points of installed packages. Each entry point is a module."""
    from importlib.metadata import entry_points  # slow to import

    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        try:
            spec = find_spec(point.module)  # imports its parent packages
            reason = "no such module"
        except Exception as error:  # a broken package must not hide the other muddlers
            spec, reason = None, str(error)
        if spec is None or spec.origin is None:
            yield Muddler(point.name, Path(point.value), f"(cannot load it: {reason})")
        else:
            yield Muddler(point.name, Path(spec.origin), module=point.module)


def _may_muddle(path: Path) -> bool:
    """Return whether a file contains the word `muddle`, or cannot be read or parsed.

    `fab muddlers` lists an unreadable file, too. Its summary reports the error.
    """
    try:
        return re.search(rb"\bmuddle\b", path.read_bytes()) is not None or bool(_summary(path).startswith("("))
    except OSError:
        return True


def _summary(path: Path) -> str:
    """Return the first line of the docstring of a file, or of its `muddle`. Do not run the file.

    Return the error in parentheses if the file cannot be read or parsed.
    """
    try:
        module = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        return f"(cannot read it: {error})"
    functions = [n for n in module.body if isinstance(n, ast.FunctionDef) and n.name == "muddle"]
    docstrings = [ast.get_docstring(module), *map(ast.get_docstring, functions)]
    return next((text.splitlines()[0] for text in docstrings if text), "")
