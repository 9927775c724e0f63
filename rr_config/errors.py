"""The one error that a config, a muddler, an arg parser or the command line can have."""

from collections.abc import Sequence


class ConfigError(Exception):
    """What the user wrote is wrong; no host has been touched.

    `problems` holds one text for each thing that is wrong, each as `where: what is wrong; what to
    do`. The message is all of them, a line each.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems: Sequence[str] = problems
