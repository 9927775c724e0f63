"""A helper for tests of muddlers: it turns a config and muddlers into components without a host."""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from .command_line.options import Options
from .component import Component
from .hosts.limit import component_named
from .loading import load
from .muddlers.discovery import all_muddlers

__all__ = ["all_muddlers", "component_named", "muddled"]

Text = str | os.PathLike[str]


def muddled(
    config: Text,
    *muddlers: Text,
    extra_args: str | None = None,
    arg_parser: Text | None = None,
    params: Mapping[str, object] | None = None,
) -> list[Component]:
    """Return the components of a config after these muddlers, with resolved paths, as a command would see them.

    `config` is the text of a config file as `str`, or the path of one as `Path`. A muddler is a value of `--muddler`: a
    name or a path, and optional options, for example `f"{path} --only 'server*'"`. `params` holds values of parameters.
    The files of components may be missing. Raise ConfigError for every mistake that a command would report.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder, "config.py") if isinstance(config, str) else Path(config)
        if isinstance(config, str):
            path.write_text(config)
        parser = None if arg_parser is None else os.fspath(arg_parser)
        words = [os.fspath(muddler) for muddler in muddlers]
        options = Options(config_file=str(path), muddler=words, extra_args=extra_args, arg_parser=parser)
        options.params = dict(params or {})
        return load(options, with_files=False).all_components()
