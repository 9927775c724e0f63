"""With what components are started: what has to be known, beside the files they find there, to start them again so."""

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any

import attrs

from rr_config import Options
from rr_config.errors import named
from rr_config.muddlers.discovery import find_muddler
from rr_config.paths import local_path

from ..util.epoch import epoch_time, optional_epoch_time

FORMAT = 2
DEPTH = 20  # of values within values
SECRET = "ssh_pass"
LIBRARIES = ("remote-runner", "fabric", "invoke", "paramiko")
Record = dict[str, Any]
Types = Mapping[str, type | tuple[type, ...]]
PARTS: Types = {"config": (dict, NoneType), "options": dict, "versions": dict, "stages": list}
SOURCE: Types = {"path": str, "text": str}
STAGE: Types = {"stage": str, "began": (int, float), "ended": (int, float, NoneType)}


def origin(options: Options) -> Record:
    """With what a command runs, as plain values: the texts of config, muddlers and arg parser, options, versions.

    No password is in it. ConfigError where one of the files cannot be read.
    """
    from importlib import metadata  # takes long to load

    return {
        "format": FORMAT,
        "config": _source(local_path(options.config_file)) if options.config_file else None,
        "muddlers": [_source(find_muddler(given, options.config_dir).muddler.path) for given in options.muddler],
        "arg_parser": _source(local_path(options.arg_parser)) if options.arg_parser else None,
        "options": {name: value for name, value in attrs.asdict(options).items() if name != SECRET},
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in LIBRARIES}},
    }


def _source(path: Path) -> Record:
    with named(str(path)):
        return {"path": str(path.absolute()), "text": path.read_text("utf-8", "replace")}


def read_origin(text: str) -> Record:
    """What a host has kept of one, with the stages before. ValueError where this version has not written that."""
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    check(found)
    _check_depth(found)
    return dict(found)


def _check_depth(found: object, most: int = DEPTH) -> None:
    """ValueError where it is nested more deeply than any that is written here, and than might be written again."""
    if most == 0:
        raise ValueError("it is nested too deeply")
    if isinstance(found, (dict, list)):
        for part in found.values() if isinstance(found, dict) else found:
            _check_depth(part, most - 1)


def check(found: object) -> None:
    """ValueError where it is none, or not one of this version."""
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}, which this version reads")
    check_parts(found, PARTS)
    if found["config"] is not None:
        check_parts(found["config"], SOURCE)
    for stage in found["stages"]:
        check_parts(stage, STAGE)
        epoch_time(stage["began"])
        optional_epoch_time(stage["ended"])


def check_parts(found: object, kinds: Types) -> None:
    """ValueError where it lacks a part, or has one of another type."""
    for name, kind in kinds.items():
        if not isinstance(found, dict) or not isinstance(found.get(name), kind):
            raise ValueError(f"{name} is missing, or of another type")
