"""Runs every component whose name starts with "publisher" under a test harness.

The harness becomes the executable; the original executable and its arguments become arguments of the
harness, each as it was. `extra_options`, an object or a dict, may choose another one, or else `options`:

    harness       a local path, relative to the config file. Default: muddlers/harness/harness.py
    harness_args  a list of the harness's own arguments, which come before the program; one that wants `--`
                  there has it as the last of them. Default: those of the default harness, none of another one
    harness_logs  the remote folder for the logs of the default harness. Default: logs, in base_dir
"""

import os
import posixpath
from pathlib import Path

from rr_config import ConfigError

OWN_HARNESS = Path(__file__).resolve().parent / "harness" / "harness.py"
REMOTE_FOLDER = ".harness"


def muddle(config):
    check_options()
    for component in config.all_components():
        if is_complete(component) and component.name.startswith("publisher"):
            put_under_harness(component)


def check_options():
    """Raise ConfigError where a harness is chosen in a way that cannot be meant."""
    for name, kinds, expected in (
        ("harness", str | os.PathLike, "a local path"),
        ("harness_args", list | tuple, "a list of arguments"),
        ("harness_logs", str, "a remote folder"),
    ):
        value = chosen(name)
        if value is not None and not isinstance(value, kinds):
            raise ConfigError(f"--muddler ta3: extra_options.{name}: is {value!r}; it must be {expected}")


def chosen(name):
    """What `extra_options`, or else `options`, say under that name, or None."""
    for source in (extra_options, options):
        value = source.get(name) if isinstance(source, dict) else getattr(source, name, None)
        if value is not None:
            return value
    return None


def is_complete(component):
    """Whether it can be rewritten; if not, the checks that come after all muddlers say what is wrong."""
    path = isinstance(component.executable, str | os.PathLike)
    return (
        isinstance(component.name, str)
        and path
        and isinstance(component.args, list | tuple)
        and isinstance(component.files, dict)
    )


def put_under_harness(component):
    harness = Path(chosen("harness") or OWN_HARNESS)
    own_args = chosen("harness_args")
    if own_args is None:
        logs = ["--logs", chosen("harness_logs") or "logs", "--name", util.literal(component.name), "--"]
        own_args = [] if chosen("harness") else logs
    program = os.fspath(component.executable)
    if component.is_local:
        program = str(Path(program).expanduser().absolute())
        component.executable = str(harness.expanduser().absolute())
    else:
        if not program.startswith(("/", "~")):
            program = f"./{program}"  # the harness starts in base_dir, and would look for a mere name in PATH
        component.executable = posixpath.join(REMOTE_FOLDER, harness.name)
        key = str(harness)
        while key in component.files:  # the user's own, with a place of its own
            key = f"./{key}" if not harness.is_absolute() else f"/.{key}"
        component.files[key] = component.executable
    component.args = [*own_args, util.literal(program), *component.args]
