"""Runs config files, arg parsers and muddlers, and turns what goes wrong in them into ConfigError."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from . import util
from .component import LOCALHOST, Component, Config
from .errors import ConfigError, named
from .limit import limited
from .muddlers.discovery import find_muddler
from .muddlers.running import RunningMuddler, told
from .options import Options
from .paths import local_path, resolved
from .user_code import function, reported, run_file, takes, working_in
from .validation import check_attributes, check_files


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
    """What the arg parser makes of `--extra-args`; None where no arg parser is named.

    An arg parser without `--extra-args` gets an empty text, so that its defaults hold.
    """
    if options.arg_parser is None:
        return None
    with named(f"--arg-parser {options.arg_parser}"):
        path = local_path(options.arg_parser).resolve()
        if not path.is_file():
            raise ConfigError(f"--arg-parser {options.arg_parser}: there is no such file")
    form = "parse_args(extra_args, ssh_user)"
    with working_in(Path.cwd(), path.parent):
        names = run_file(path, {})
        parse_args = function(names, "parse_args", form, path)
        if not takes(parse_args, 2):
            raise ConfigError(f"{path}: its parse_args is no function that can be called as {form}")
        with reported(path, help_allowed=True):
            return parse_args(options.extra_args or "", options.ssh_user)
