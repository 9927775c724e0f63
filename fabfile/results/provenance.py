"""The provenance of components: the config, muddlers, options and versions that started them.

Together with the files on the host, it is enough to start the components again in the same way. Each component keeps a
copy as JSON in its state directory, and `run_json` copies it into `run.json`.
"""

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from rr_config import Options
from rr_config.command_line.parameters import Value
from rr_config.errors import named
from rr_config.files.paths import local_path
from rr_config.muddlers.discovery import find_muddler

from ..util import epoch, limits

FORMAT = 2
SECRET = "ssh_pass"
HIDDEN = (SECRET, "command")  # attributes that `options` leaves out
LIBRARIES = ("remote-runner", "fabric", "invoke", "paramiko")
JsonObject = dict[str, Any]
Types = Mapping[str, type | tuple[type, ...]]
PARTS: Types = {"config": (dict, type(None)), "options": dict, "parameters": dict, "versions": dict, "stages": list}
SOURCE: Types = {"path": str, "text": str}
STAGE: Types = {"stage": str, "began": (int, float), "ended": (int, float, type(None))}


def provenance(options: Options, parameters: Mapping[str, Value]) -> JsonObject:
    """Return the provenance of a command as plain values, without the password.

    It holds the texts of the config, the muddlers and the arg parser, all options, the values of all parameters, and
    the versions of libraries. Raise ConfigError if one of the files cannot be read.
    """
    from importlib import metadata  # slow to import

    return {
        "format": FORMAT,
        "config": _source(local_path(options.config_file)) if options.config_file else None,
        "muddlers": [_source(find_muddler(given, options.config_dir).muddler.path) for given in options.muddler],
        "arg_parser": _source(local_path(options.arg_parser)) if options.arg_parser else None,
        "options": {name: value for name, value in attrs.asdict(options).items() if name not in HIDDEN},
        "parameters": dict(parameters),
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in LIBRARIES}},
    }


def _source(path: Path) -> JsonObject:
    with named(str(path)):
        return {"path": str(path.absolute()), "text": path.read_text("utf-8", "replace")}


def parse_provenance(text: str) -> JsonObject:
    """Return the provenance that a host has kept, with the stages before the start.

    Raise ValueError if `text` is not JSON of the format that this version writes.
    """
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    check(found)
    _check_depth(found)
    return dict(found)


def _check_depth(found: object, most: int = limits.DEEPEST_JSON) -> None:
    """Raise ValueError if `found` is nested more deeply than any provenance that this program writes.

    Without the limit, writing it into `run.json` could exceed the recursion limit.
    """
    if most == 0:
        raise ValueError("nested too deeply")
    if isinstance(found, (dict, list)):
        for part in found.values() if isinstance(found, dict) else found:
            _check_depth(part, most - 1)


def check(found: object) -> None:
    """Raise ValueError if `found` is not a provenance of format FORMAT."""
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"format: must be {FORMAT}")
    check_parts({"parameters": {}, **found}, PARTS)  # earlier versions wrote no parameters
    if found["config"] is not None:
        check_parts(found["config"], SOURCE)
    for stage in found["stages"]:
        check_parts(stage, STAGE)
        epoch.epoch_time(stage["began"])
        epoch.optional_epoch_time(stage["ended"])


def check_parts(found: object, kinds: Types) -> None:
    """Raise ValueError if `found` lacks one of the keys, or if a value has another type."""
    for name, kind in kinds.items():
        if not isinstance(found, dict) or not isinstance(found.get(name), kind):
            raise ValueError(f"{name}: missing, or of the wrong type")
