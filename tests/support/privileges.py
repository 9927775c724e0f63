"""Run commands without the privileges of root."""

import subprocess

from tests.support.lab import Lab
from tests.support.outcomes import Done

# Runs a command without root's capability to ignore permission bits.
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
NAMESPACE = "unshare -m"


def bound_fab(lab: Lab, *arguments: str) -> Done:
    """Run `fab` without root's capability to read every file."""
    command = [*BOUND, *lab.command(*arguments)]
    return subprocess.run(command, cwd=lab.folder, env=lab.environment, capture_output=True, text=True, timeout=60)
