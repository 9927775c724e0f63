"""The name of the program in messages: `fab` in a checkout, or `remote-runner`."""

import os
import sys

FAB = "fab"
INSTALLED = "remote-runner"


def program() -> str:
    """Return the name to type in front of a command. Scripts that use the Python API get `remote-runner`."""
    name = os.path.basename(sys.argv[0]) if sys.argv else ""  # noqa: PTH119 - pathlib is slow to load
    return FAB if name == FAB else INSTALLED
