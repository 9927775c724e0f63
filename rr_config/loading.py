"""Load a config: run the arg parser, the config file and the muddlers, then validate the result.

`user_code` runs the files of the user, and `muddlers.running` the muddlers. `paths` makes all paths absolute.
`validation`, `file_validation` and `executable_validation` check the components.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from . import util
from .component import LOCALHOST, Component, Config
from .errors import ConfigError, named
from .file_validation import check_files
from .limit import limited
from .muddlers.discovery import find_muddler
from .muddlers.running import RunningMuddler, told
from .options import Options
from .paths import local_path, resolved
from .user_code import function, reported, run_file, takes, working_in
from .validation import check_attributes


def load(options: Options, with_files: bool = True) -> Config:
    """Return the config that `options` name, after muddlers, validation and `--limit`. Touch no host.

    All paths in it are absolute, as `paths.resolved` makes them. Without `with_files`, do not check the local files of
    components. They may be missing if the command sends nothing.

    Raise ConfigError with all mistakes at once. Raise SystemExit as `evaluated` does.
    """
    *_, config = evaluated(options)
    check_attributes(config)
    problems: list[str] = []
    config_dir = options.config_dir
    assert config_dir is not None  # `evaluated` requires a config file
    complete = config.with_components(
        resolved(component, config_dir, problems) for component in config.all_components()
    )
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
    """Yield the config after its file has run, and again after each muddler. Check nothing yet.

    Run the arg parser, then the files of the muddlers, then the config file, then each muddler. Raise ConfigError if
    one of them fails, and SystemExit(0) if `--extra-args` asks for help.
    """
    if not options.config_file:
        raise ConfigError("--config: missing; give a config file with --config FILE")
    with named(f"--config: {options.config_file}"):
        config_file = local_path(options.config_file).absolute()
        if not config_file.is_file():
            problem = "is a folder; must be a file" if config_file.is_dir() else "no such file"
            raise ConfigError(f"--config: {config_file}: {problem}")
    config_dir = config_file.parent
    # The user's files get a copy, so that an assignment there does not change the run.
    options = attrs.evolve(options, config_file=str(config_file), muddler=list(options.muddler))
    asked = [find_muddler(given, config_dir) for given in options.muddler]
    extra_options = parse_extra_args(options)
    config = Config()
    given = {
        "Component": Component,
        "util": util,
        "options": options,
        "extra_options": extra_options,
        "localhost": LOCALHOST,
    }
    muddlers = told([RunningMuddler.begun(each, config_dir, given) for each in asked], options, extra_options)
    with working_in(config_dir, config_dir):
        run_file(config_file, {**given, "config": config})
    yield config
    for muddler in muddlers:
        muddler.muddle(config, options)
        yield config


def parse_extra_args(options: Options) -> Any:
    """Return the result of the arg parser for `--extra-args`, or None if there is no arg parser.

    Without `--extra-args`, pass an empty text, so that the arg parser returns its defaults. Raise ConfigError if the
    arg parser fails, and SystemExit(0) if it prints its help.
    """
    if options.arg_parser is None:
        return None
    with named(f"--arg-parser {options.arg_parser}"):
        path = local_path(options.arg_parser).resolve()
        if not path.is_file():
            raise ConfigError(f"--arg-parser {options.arg_parser}: no such file")
    form = "parse_args(extra_args, ssh_user)"
    with working_in(Path.cwd(), path.parent):
        names = run_file(path, {})
        parse_args = function(names, "parse_args", form, path)
        if not takes(parse_args, 2):
            raise ConfigError(f"{path}: wrong parameters of parse_args; must be {form}")
        with reported(path, help_allowed=True):
            return parse_args(options.extra_args or "", options.ssh_user)
