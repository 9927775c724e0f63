"""Runs config files, arg parsers and muddlers, and turns what goes wrong in them into ConfigError."""

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

import attrs

from . import util
from .checks import check_attributes, check_files
from .component import LOCALHOST, Component, Config
from .errors import ConfigError, named
from .limit import limited
from .muddlers import find_muddler
from .options import Options
from .paths import local_path, resolved

# Frames of these are none of the user's.
OTHERS = tuple(os.path.join(folder, "") for folder in (Path(__file__).parent, sysconfig.get_path("stdlib")))  # noqa: PTH118


def load(options: Options, with_files: bool = True) -> Config:
    """The config that `options` name, muddled, limited, checked, with every path full. Touches no host.

    Raises ConfigError for all that is wrong with it; else as `evaluated`. Without `with_files`, the
    local files of components are not looked at, which may be missing where nothing is to be sent.
    """
    *_, config = evaluated(options)
    check_attributes(config)
    problems: list[str] = []
    config_dir = options.config_dir
    assert config_dir is not None  # there was a config file
    complete = Config(resolved(component, config_dir, problems) for component in config.all_components())
    chosen = complete if options.limit is None else limited(complete, options.limit)
    try:
        if with_files:
            check_files(chosen)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return chosen


def evaluated(options: Options) -> Iterator[Config]:
    """The config that `options` name, as its file makes it, and again after each muddler; nothing is checked yet.

    Runs the arg parser, then the config file, then each muddler. Raises ConfigError for all that is
    wrong in any of them; SystemExit(0) where the arg parser was asked for its help.
    """
    if not options.config_file:
        raise ConfigError("--config: no config file is named; name one with --config FILE")
    with named(f"--config: {options.config_file}"):
        config_file = local_path(options.config_file).absolute()
        if not config_file.is_file():
            raise ConfigError(
                f"--config: {config_file}: there is no such file" + " (it is a folder)" * config_file.is_dir()
            )
    config_dir = config_file.parent
    # The user's files get a copy, so that nothing they assign to it changes how the run goes on.
    options = attrs.evolve(options, config_file=str(config_file), muddler=list(options.muddler))
    muddlers = [find_muddler(given, config_dir) for given in options.muddler]
    extra_options = parse_extra_args(options)
    config = Config()
    given = {"Component": Component, "util": util, "options": options, "extra_options": extra_options}
    with _working_in(config_dir, config_dir):
        _run_file(config_file, {**given, "config": config, "localhost": LOCALHOST})
    yield config
    for muddler in muddlers:
        with _working_in(config_dir, muddler.parent, config_dir):
            _muddle(muddler, config, options, given)
        yield config


def parse_extra_args(options: Options) -> Any:
    """What the arg parser makes of `--extra-args`; None where no arg parser is named.

    An arg parser without `--extra-args` gets an empty text, so that its defaults hold.
    """
    if options.arg_parser is None:
        if options.extra_args is not None:
            raise ConfigError("--extra-args: there is nothing to parse it; name an --arg-parser FILE")
        return None
    with named(f"--arg-parser {options.arg_parser}"):
        path = local_path(options.arg_parser).resolve()
        if not path.is_file():
            raise ConfigError(f"--arg-parser {options.arg_parser}: there is no such file")
    form = "parse_args(extra_args, ssh_user)"
    with _working_in(Path.cwd(), path.parent):
        names = _run_file(path, {})
        parse_args = _function(names, "parse_args", form, path)
        if not _takes(parse_args, 2):
            raise ConfigError(f"{path}: its parse_args is no function that can be called as {form}")
        with _reported(path, help_allowed=True):
            return parse_args(options.extra_args or "", options.ssh_user)


def _muddle(path: Path, config: Config, options: Options, given: dict[str, Any]) -> None:
    names = _run_file(path, {**given, "localhost": LOCALHOST})
    form = "muddle(config) or muddle(config, options)"
    muddle = _function(names, "muddle", form, path)
    arguments = next((a for a in ((config, options), (config,)) if _takes(muddle, len(a))), None)
    if arguments is None or inspect.isgeneratorfunction(muddle) or inspect.iscoroutinefunction(muddle):
        raise ConfigError(f"{path}: its muddle is no function that can be called as {form}")
    with _reported(path):
        muddle(*arguments)


def _takes(function: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(function).bind(*[None] * count)
    except (TypeError, ValueError):  # it takes something else, or nobody can tell
        return False
    return True


def _function(names: dict[str, Any], name: str, form: str, path: Path) -> Callable[..., Any]:
    function = names.get(name)
    if not callable(function):
        raise ConfigError(f"{path}: defines no {form}")
    return function  # type: ignore[no-any-return]  # callable() proves no signature


def _run_file(path: Path, names: dict[str, Any]) -> dict[str, Any]:
    """Run a file of the user's as a program that finds `names` ready; its names afterwards."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    if b"\0" in source:  # for which Python knows no line
        raise ConfigError(f"{path}:{source[: source.index(0)].count(10) + 1}: has a NUL byte; is it a text file?")
    module = types.ModuleType(path.stem)
    module.__dict__.update(names, __file__=str(path))
    with _reported(path), _importable(module):
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
def _working_in(directory: Path, *import_folders: Path) -> Iterator[None]:
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
def _reported(path: Path, help_allowed: bool = False) -> Iterator[None]:
    """Turn what the user's file raises into a ConfigError that shows the user's own lines."""
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
    except (KeyboardInterrupt, ConfigError):  # by a ConfigError, it says what is wrong in its own words
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
