"""Runs the files that users write, and turns what goes wrong in them into ConfigError with the user's own lines."""

import contextlib
import inspect
import os
import sys
import sysconfig
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from .errors import ConfigError

# Frames of these are none of the user's.
OTHERS = tuple(os.path.join(folder, "") for folder in (Path(__file__).parent, sysconfig.get_path("stdlib")))  # noqa: PTH118


def takes(function: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(function).bind(*[None] * count)
    except (TypeError, ValueError):  # it takes something else, or nobody can tell
        return False
    return True


def function(names: dict[str, Any], name: str, form: str, path: Path) -> Callable[..., Any]:
    function = names.get(name)
    if not callable(function):
        raise ConfigError(f"{path}: defines no {form}")
    return function  # type: ignore[no-any-return]  # callable() proves no signature


def run_file(path: Path, names: dict[str, Any], full_name: str | None = None) -> dict[str, Any]:
    """Run a file of the user's as a program that finds `names` ready; its names afterwards.

    With the `full_name` of its module, it can import what is beside it in its package.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    if b"\0" in source:  # for which Python knows no line
        raise ConfigError(f"{path}:{source[: source.index(0)].count(10) + 1}: has a NUL byte; is it a text file?")
    module = types.ModuleType(full_name or path.stem)
    module.__dict__.update(names, __file__=str(path), __package__=full_name and full_name.rpartition(".")[0])
    with reported(path), _importable(module):
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - its purpose  # nosec B102
    return module.__dict__


@contextlib.contextmanager
def _importable(module: types.ModuleType) -> Iterator[None]:
    """Let classes find the module in which they are defined (dataclasses look there), if its name is free."""
    is_ours = sys.modules.setdefault(module.__name__, module) is module
    try:
        yield
    finally:
        if is_ours:
            sys.modules.pop(module.__name__, None)


@contextlib.contextmanager
def working_in(directory: Path, *import_folders: Path) -> Iterator[None]:
    """Work with `directory` as the current one and `import_folders` first on `sys.path`.

    What is imported from there is forgotten afterwards: another folder may have a module of the same name.
    """
    before, modules = list(sys.path), set(sys.modules)
    sys.path[:0] = map(str, import_folders)
    try:
        with contextlib.chdir(directory):
            yield
    finally:
        sys.path[:] = before
        for name in set(sys.modules) - modules:
            file = Path(getattr(sys.modules[name], "__file__", None) or "/")
            if any(file.is_relative_to(folder) for folder in import_folders):
                del sys.modules[name]


@contextlib.contextmanager
def reported(path: Path, help_allowed: bool = False, own: type[Exception] = ConfigError) -> Iterator[None]:
    """Turn what the user's file raises, but for an `own` error, into a ConfigError that shows the user's own lines."""
    try:
        yield
    except SyntaxError as error:
        if error.filename == str(path):
            raise ConfigError(_syntax_problem(error)) from error
        raise ConfigError(f"{_place(error, path)}: {_syntax_problem(error)}") from error
    except SystemExit as error:
        if help_allowed and not error.code:
            raise
        where = _place(error, path)
        raise ConfigError(f"{where}: ended itself, with {error.code!r}; see what it says above") from error
    except (KeyboardInterrupt, ConfigError, own):  # by a ConfigError, it says what is wrong in its own words
        raise
    except BaseException as error:  # whatever a user's file can raise is the user's to see
        raise ConfigError(_raised(error, path)) from error


def _syntax_problem(error: SyntaxError) -> str:
    line = (error.text or "").strip()
    hint = "; Python 2 code needs Python 3 spelling" if "Missing parentheses in call" in str(error.msg) else ""
    return f"{error.filename}:{error.lineno or 1}: {error.msg}{hint}" + (f"\n    {line}" if line else "")


def _raised(error: BaseException, path: Path) -> str:
    """The error with the lines of the user's files that led to it, and none of ours."""
    words = "".join(traceback.format_exception_only(error)).rstrip()
    lines = "".join(traceback.format_list(_users_frames(error.__traceback__))).rstrip()
    return f"{_place(error, path)}: {words}" + (f"\n{lines}" if lines else "")


def _place(error: BaseException, path: Path) -> str:
    """The last line of the user's file that the error passed."""
    lines = [frame.lineno for frame in _users_frames(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _users_frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    return [frame for frame in traceback.extract_tb(trace) if not frame.filename.startswith((*OTHERS, "<"))]
