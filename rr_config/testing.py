"""For tests of muddlers, by pytest or otherwise: a config in, components out, and no host."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from .component import Component
from .loading import load
from .options import Options

Text = str | os.PathLike[str]


def muddled(
    config: Text, *muddlers: Text, extra_args: str | None = None, arg_parser: Text | None = None
) -> list[Component]:
    """The components of a config after these muddlers, as a command would have them, with all paths full.

    `config` is the text of a config file, or the path of one (a `Path`). A muddler is what follows `--muddler`: a name
    or a path, and perhaps its options: `f"{path} --only 'server*'"`. Files that components bring need not be there.
    Raises ConfigError for all that a command would refuse.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder, "config.py") if isinstance(config, str) else Path(config)
        if isinstance(config, str):
            path.write_text(config)
        options = Options(
            config_file=str(path),
            muddler=[os.fspath(muddler) for muddler in muddlers],
            extra_args=extra_args,
            arg_parser=None if arg_parser is None else os.fspath(arg_parser),
        )
        return load(options, with_files=False).all_components()
