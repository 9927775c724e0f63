"""Load a config: run the arg parser, the config file and the muddlers, then validate the result.

`user_code` runs the files of the user, `arg_parsers` the arg parser, and `muddlers.running` the muddlers. `paths` makes
all paths absolute. The modules of `checks` check the components.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path

from .arg_parsers import parse_extra_args
from .checks import validation
from .checks.secrets import check_secrets
from .command_line.assigned_options import AssignableOptions, assigned_in
from .command_line.options import Options
from .command_line.parameters import Parameter, Parameters
from .component import convert_args
from .config import Config
from .errors import ConfigError, named
from .files import paths
from .hosts import limit
from .muddlers.discovery import find_muddler
from .muddlers.running import RunningMuddler, given_names, told
from .user_code import run_file, working_in

# Commands for which warnings of the config matter. Others, such as `logs`, would only repeat them.
WARNING = (None, "run", "start", "restart", "plan", "doctor", "config")

# Commands that need the values of secrets. Others, such as `stop` in another terminal, work without them.
READING_SECRETS = ("run", "start", "restart", "plan")


def load(options: Options, with_files: bool = True) -> Config:
    """Return the config that `options` name, after muddlers, validation and `--limit`. Touch no host.

    All paths in it are absolute, as `paths.resolved` makes them. Without `with_files`, do not check the local files of
    components. They may be missing if the command sends nothing.

    Raise ConfigError with all mistakes at once. Raise SystemExit as `evaluated` does.
    """
    *_, config = evaluated(options)
    validation.check_attributes(config)
    problems: list[str] = []
    config_dir = options.config_dir
    assert config_dir is not None  # `evaluated` requires a config file
    with paths.also_beside(_real_folder(options)):
        found = [paths.resolved(each, config_dir, problems) for each in config.all_components()]
    if with_files:
        from .checks import removals  # most commands send nothing

        found = removals.guarded(found, problems)
    complete = config.with_components(found)
    chosen = _limited(complete, options)
    try:
        if with_files:
            from .checks.files import check_files

            check_files(chosen)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(*problems)
    if options.command in READING_SECRETS:
        check_secrets(chosen.all_components())
    if options.command in WARNING:
        from .checks.shell_syntax import warn_of_shell_syntax

        warn_of_shell_syntax(chosen.all_components())
    return chosen


def _limited(config: Config, options: Options) -> Config:
    """Return a config with the components of --limit, or of the patterns that a file has assigned."""
    patterns = options.with_assigned(config).limit
    if patterns is None:
        return config
    return limit.limited(config, patterns, "options.limit" if "limit" in config.assigned else "--limit")


def evaluated(options: Options) -> Iterator[Config]:
    """Yield the config after its file has run, and again after each muddler. Then check the values of `--set`.

    Run the arg parser, then the files of the muddlers, then the config file, then each muddler. Raise ConfigError if
    one of them fails, or if a value of `--set` is invalid. Raise SystemExit(0) if `--extra-args` asks for help.
    """
    parameters = Parameters(options.params)
    yield from _evaluated(options, parameters)
    parameters.check()


def declared_parameters(options: Options) -> list[Parameter]:
    """Return the parameters that the config and its muddlers declare. Ignore invalid values of `--set`.

    Raise ConfigError and SystemExit as `evaluated` does.
    """
    parameters = Parameters(options.params)
    for _ in _evaluated(options, parameters):
        pass
    return list(parameters.declared.values())


def _evaluated(options: Options, parameters: Parameters) -> Iterator[Config]:
    """Yield the config as `evaluated` does. Declare its parameters in `parameters`."""
    config_file = _config_file(options)
    config_dir = config_file.parent
    own = AssignableOptions.of(options, config_file=str(config_file), muddler=list(options.muddler))
    asked = [find_muddler(given, config_dir) for given in options.muddler]
    with parameters.active():
        extra_options = parse_extra_args(own)
    given = given_names(own, extra_options)
    config = Config()
    real_folder = _real_folder(options)
    with parameters.active(), paths.also_beside(real_folder):
        muddlers = told([RunningMuddler.begun(each, config_dir, given) for each in asked], own, extra_options)
        with working_in(config_dir, *dict.fromkeys([config_dir, real_folder])):
            run_file(config_file, {**given, "config": config})
    yield _completed(config, parameters, own)
    for muddler in muddlers:
        with (
            parameters.active(),
            paths.also_beside(real_folder),
        ):  # not during `yield`, because the caller shares the context
            muddler.muddle(config, own)
        yield _completed(config, parameters, own)


def _completed(config: Config, parameters: Parameters, options: AssignableOptions) -> Config:
    """Give `config` the present parameters and assigned options, and convert its arguments."""
    config.parameters, config.assigned = parameters.values, assigned_in(options)
    convert_args(config.all_components())
    return config


def _real_folder(options: Options) -> Path:
    """Return the folder of the config file, or of the file to which it is a link."""
    return paths.local_path(options.config_file or "").resolve().parent


def _config_file(options: Options) -> Path:
    """Return the absolute path of the config file. Raise ConfigError if there is none."""
    if not options.config_file:
        word = options.limit  # a word behind the command may be meant as the config file
        file = shlex.quote(word) if word and paths.local_path(word).is_file() else "FILE"
        raise ConfigError(f"--config: missing; give a config file with --config {file}")
    with named(f"--config: {options.config_file}"):
        config_file = paths.local_path(options.config_file).absolute()
        if not config_file.is_file():
            problem = "is a folder; must be a file" if config_file.is_dir() else "no such file"
            raise ConfigError(f"--config: {config_file}: {problem}")
    return config_file
