"""Commands without the rights of root."""

import subprocess

from tests.support.lab import Lab
from tests.support.outcomes import Done

# Runs a command without the right to pass over permission bits, which root has otherwise.
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
NAMESPACE = "unshare -m"


def bound_fab(lab: Lab, *arguments: str) -> Done:
    """`fab` without root's right to read everything."""
    command = [*BOUND, *lab.command(*arguments)]
    return subprocess.run(command, cwd=lab.folder, env=lab.environment, capture_output=True, text=True, timeout=60)
