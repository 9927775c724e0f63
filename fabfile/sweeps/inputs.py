"""The local files that decide what a sweep does: the config, its muddlers, the arg parser, and every file that is sent.

Runs of one sweep can be compared only if these stay the same.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import attrs

from rr_config import Config, Options
from rr_config.errors import named
from rr_config.files.local_files import placed_once
from rr_config.files.paths import local_path
from rr_config.muddlers.discovery import find_muddler


@attrs.frozen
class Input:
    """The content of a file at one time. `mtime_ns` is in ns since 1970; it only saves the time to hash it again."""

    size: int
    mtime_ns: int
    sha1: str


Inputs = dict[str, Input]
Source = tuple[str, str | None]  # an absolute path, and the text of a link that is kept


def inputs_of(options: Options, configs: Iterable[Config], known: Mapping[str, Input]) -> Inputs:
    """Return the present inputs of loaded configs by absolute path. Hash only files that may differ from `known`.

    Raise ConfigError if one is missing or unreadable.
    """
    found: Inputs = {}
    for path, link in [*_sources(options), *_files(configs)]:
        if path not in found:
            with named(path):
                found[path] = _input(Path(path), known.get(path)) if link is None else _input_of_link(link)
    return found


def _sources(options: Options) -> Iterator[Source]:
    for path in (options.config_file, options.arg_parser):
        if path:
            yield str(local_path(path).absolute()), None
    for given in options.muddler:
        yield str(find_muddler(given, options.config_dir).muddler.path.absolute()), None


def _files(configs: Iterable[Config]) -> Iterator[Source]:
    """Yield the files and links that are sent, and the programs of localhost, which are used where they are."""
    placed = placed_once()
    for config in configs:
        for component in config.all_components():
            if component.is_local and Path(component.executable).is_file():
                yield component.executable, None
            for each in placed(component):
                if not each.local.is_dir:
                    yield each.local.path, each.local.link


def _input(path: Path, known: Input | None) -> Input:
    stat = path.stat()
    if known is not None and (stat.st_size, stat.st_mtime_ns) == (known.size, known.mtime_ns):
        return known
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha1")
    return Input(stat.st_size, stat.st_mtime_ns, digest.hexdigest())


def _input_of_link(text: str) -> Input:
    return Input(len(text), 0, hashlib.sha1(os.fsencode(text), usedforsecurity=False).hexdigest())


def digest_of(inputs: Mapping[str, Input]) -> str:
    """Return one SHA-1 for the contents of these inputs."""
    content = json.dumps(sorted((path, each.sha1) for path, each in inputs.items()))
    return hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()


def changes(before: Mapping[str, Input], now: Mapping[str, Input]) -> list[str]:
    """Return a text for each input in `now` that is new, or that has another content than `before`."""
    found = []
    for path, each in now.items():
        if path not in before:
            found.append(f"{path}: new")
        elif before[path].sha1 != each.sha1:
            found.append(f"{path}: changed")
    return found


def compared_options(options: Options) -> dict[str, object]:
    """Return the options that change what a run does, as plain values. Paths of files are absolute."""
    muddlers = []
    for given in options.muddler:
        found = find_muddler(given, options.config_dir)
        muddlers.append(" ".join([str(found.muddler.path.absolute()), *found.words]))
    params = {name: str(value) for name, value in options.params.items()}
    return {"muddler": muddlers, "params": params, "extra_args": options.extra_args, "limit": options.limit}
