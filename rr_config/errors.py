"""The one error that a config, a muddler, an arg parser or the command line can have."""

import contextlib
from collections.abc import Iterator, Sequence


class ConfigError(Exception):
    """What the user wrote is wrong; no host has been touched.

    `problems` holds one text for each thing that is wrong, each as `where: what is wrong; what to
    do`. The message is all of them, a line each.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems: Sequence[str] = problems


@contextlib.contextmanager
def named(where: str) -> Iterator[None]:
    """Turn what the system says of a path into a ConfigError that begins with `where`."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{where}: {error.strerror or error}") from error
    except RuntimeError as error:  # of links in a circle, until Python 3.12
        raise ConfigError(f"{where}: {error}") from error
