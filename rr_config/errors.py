"""`ConfigError`, the error for a mistake in a config, a muddler, an arg parser or the command line."""

import contextlib
from collections.abc import Iterator, Sequence


class ConfigError(Exception):
    """A mistake in the user's input. It is raised before any host is touched.

    `problems` holds a text for each mistake, in the form `WHERE: problem; hint`. The message has a line for each.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems: Sequence[str] = problems


def os_reason(error: OSError) -> str:
    """Return the reason of an error alone, without its number and its file."""
    return error.strerror or str(error)


@contextlib.contextmanager
def named(where: str) -> Iterator[None]:
    """Convert an error of the file system into a ConfigError that begins with `where`."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{where}: {os_reason(error)}") from error
    except RuntimeError as error:  # before Python 3.13, pathlib raises it for a loop of symbolic links
        raise ConfigError(f"{where}: {error}") from error
