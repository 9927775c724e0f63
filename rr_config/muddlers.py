"""Where muddlers are found: by path, beside the config, or among those that come with the project."""

import ast
from pathlib import Path

import attrs

from .errors import ConfigError, named
from .paths import local_path

OWN_FOLDER = Path(__file__).resolve().parent.parent / "muddlers"


@attrs.frozen
class Muddler:
    """A muddler that can be named: by `name`, unless a nearer folder has one of the same name."""

    name: str
    path: Path
    summary: str


def find_muddler(given: str, config_dir: Path | None) -> Path:
    """The file that `--muddler given` means.

    A name (no slash, no `.py`) is looked up in `muddlers/` beside the config, then among the
    project's own; anything else is a path, relative to the current directory. Raises ConfigError
    with the names that exist.
    """
    if "/" not in given and not given.endswith(".py"):
        known = all_muddlers(config_dir)
        for muddler in known:
            if muddler.name == given:
                return muddler.path
        names = ", ".join(sorted({muddler.name for muddler in known})) or "none"
        raise ConfigError(f"--muddler {given}: there is no such muddler; the names are: {names}")
    with named(f"--muddler {given}"):
        path = local_path(given)
        if not path.is_file():
            raise ConfigError(f"--muddler {given}: there is no such file")
        return path.resolve()


def all_muddlers(config_dir: str | Path | None) -> list[Muddler]:
    """Every muddler that can be named, those beside the config first, each folder sorted."""
    folders = [OWN_FOLDER] if config_dir is None else [Path(config_dir) / "muddlers", OWN_FOLDER]
    distinct = dict.fromkeys(folder.resolve() for folder in folders)
    return [Muddler(path.stem, path, _summary(path)) for folder in distinct for path in _programs_in(folder)]


def _programs_in(folder: Path) -> list[Path]:
    """The Python files in a folder that may be meant as muddlers: no hidden ones, nor those of editors or helpers."""
    with named(str(folder)):
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        return [path for path in found if path.suffix == ".py" and path.name[0] not in "._" and path.is_file()]


def _summary(path: Path) -> str:
    """The first line of the docstring of the file, or of its `muddle`, without running it."""
    try:
        module = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        return f"(cannot be read: {error})"
    functions = [n for n in module.body if isinstance(n, ast.FunctionDef) and n.name == "muddle"]
    docstrings = [ast.get_docstring(module), *map(ast.get_docstring, functions)]
    return next((text.splitlines()[0] for text in docstrings if text), "")
