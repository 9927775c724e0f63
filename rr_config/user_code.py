"""Run the Python files of users: config files, arg parsers and muddlers.

An error in such a file becomes a ConfigError that shows the lines of the user, not those of this program.
"""

import builtins
import contextlib
import inspect
import os
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from .errors import ConfigError, named
from .likeness import hint, nearest

# Folders whose stack frames do not belong to the user: this package and the standard library.
OTHERS = (f"{Path(__file__).parent}/", f"{Path(os.__file__).parent}/")

# The objects that a config file knows, by module or type, and their names in it.
KNOWN = {
    "rr_config.util": "util",
    "rr_config.config.Config": "config",
    "rr_config.component.Component": "component",
    "rr_config.command_line.assigned_options.AssignableOptions": "options",
}


def takes(function: Callable[..., Any], count: int) -> bool:
    """Return whether a function can be called with that many positional arguments."""
    try:
        inspect.signature(function).bind(*range(count))
    except (TypeError, ValueError):  # other parameters, or no known signature
        return False
    return True


def function(names: dict[str, Any], name: str, form: str, path: Path) -> Callable[..., Any]:
    """Return the function `name` of a file that has been run. Raise ConfigError with its `form` if it is missing."""
    function = names.get(name)
    if not callable(function):
        raise ConfigError(f"{path}: missing function {form}")
    return function  # type: ignore[no-any-return]  # callable() proves no signature


def run_file(path: Path, names: dict[str, Any], full_name: str | None = None) -> dict[str, Any]:
    """Run a file of the user with `names` as predefined globals; return its globals afterwards.

    If the file is a module of a package, `full_name` is the name of the module. Then it can use relative imports. Raise
    ConfigError if the file cannot be read or raises an error.
    """
    with named(str(path)):
        source = path.read_bytes()
    if b"\0" in source:  # Python reports a NUL byte without its line
        raise ConfigError(f"{path}:{source[: source.index(0)].count(10) + 1}: contains a NUL byte; must be a text file")
    loader = SourceFileLoader(full_name or path.stem, str(path))  # the file may have any suffix
    module = module_from_spec(ModuleSpec(loader.name, loader, origin=str(path)))
    module.__dict__.update(names, __file__=str(path))
    with reported(path), _importable(module):
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - runs user code on purpose  # nosec B102
    return module.__dict__


@contextlib.contextmanager
def _importable(module: types.ModuleType) -> Iterator[None]:
    """Put the module into `sys.modules`, unless its name is taken.

    dataclasses look there for the module in which a class is defined.
    """
    is_ours = sys.modules.setdefault(module.__name__, module) is module
    try:
        yield
    finally:
        if is_ours:
            sys.modules.pop(module.__name__, None)


@contextlib.contextmanager
def working_in(directory: Path, *import_folders: Path) -> Iterator[None]:
    """Change to `directory`, and put `import_folders` first on `sys.path`, for the time of the block.

    Afterwards, remove the modules that were imported from these folders from `sys.modules`. Another folder may have a
    module of the same name.
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
    """Convert an exception of the user's file into a ConfigError that shows the user's own lines.

    Let ConfigError, KeyboardInterrupt and errors of the type `own` pass. With `help_allowed`, let SystemExit(0) pass,
    too.
    """
    try:
        yield
    except SyntaxError as error:
        if error.filename == str(path):
            raise ConfigError(_syntax_problem(error)) from error
        raise ConfigError(f"{_place(error, path)}: {_syntax_problem(error)}") from error
    except SystemExit as error:
        if help_allowed and not error.code:
            raise
        raise ConfigError(f"{_place(error, path)}: exited with {error.code!r}; see its output above") from error
    except (KeyboardInterrupt, ConfigError, own):  # a ConfigError already describes the mistake
        raise
    except BaseException as error:  # report every exception of a user's file to the user
        raise ConfigError(_raised(error, path)) from error


def _syntax_problem(error: SyntaxError) -> str:
    line = (error.text or "").strip()
    is_python_2 = "Missing parentheses in call" in str(error.msg)
    hint = "; this looks like Python 2, but Python 3 is required" if is_python_2 else ""
    return f"{error.filename}:{error.lineno or 1}: {error.msg}{hint}" + (f"\n    {line}" if line else "")


def _raised(error: BaseException, path: Path) -> str:
    """Return the error with the lines of the user's files that led to it, without frames of this program."""
    words = _misspelled(error) or "".join(traceback.format_exception_only(error)).rstrip()
    lines = "".join(traceback.format_list(_users_frames(error.__traceback__))).rstrip()
    return f"{_place(error, path)}: {words}" + (f"\n{lines}" if lines else "")


def _misspelled(error: BaseException) -> str | None:
    """Return the error message for an unknown name that is probably misspelled. None for any other error.

    Python adds such hints to a message only from version 3.12 on.
    """
    if isinstance(error, AttributeError):
        obj = error.obj
        kind = type(obj)
        full_name = obj.__name__ if isinstance(obj, types.ModuleType) else f"{kind.__module__}.{kind.__qualname__}"
        where = KNOWN.get(full_name)
        if where and error.name:
            known = [name for name in getattr(obj, "__all__", dir(obj)) if not name.startswith("_")]
            name = nearest(error.name, known)
            meant = f"did you mean {where}.{name}?" if name else f"must be one of {', '.join(known)}"
            return f"unknown name {where}.{error.name}; {meant}"
    if isinstance(error, NameError) and error.name and not isinstance(error, UnboundLocalError):
        meant = hint(error.name, _visible_names(error.__traceback__), "")
        return f"unknown name {error.name}; {meant}" if meant else None
    return None


def _visible_names(trace: TracebackType | None) -> list[str]:
    """Return the names that the code which raised an error could use."""
    while trace and trace.tb_next:
        trace = trace.tb_next
    return [*trace.tb_frame.f_locals, *trace.tb_frame.f_globals, *dir(builtins)] if trace else []


def _place(error: BaseException, path: Path) -> str:
    """Return `PATH:LINE` with the innermost line of the user's file in the traceback, or just the path."""
    lines = [frame.lineno for frame in _users_frames(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def calling_place() -> str:
    """Return `PATH:LINE` of the innermost line of a user's file that is running now, or an empty text."""
    frame: types.FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename.startswith((*OTHERS, "<")):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""


def _users_frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    return [frame for frame in traceback.extract_tb(trace) if not frame.filename.startswith((*OTHERS, "<"))]
