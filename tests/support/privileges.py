"""Run commands without the privileges of root, or with a mount namespace of their own.

A user without root gets the namespace as well: in a user namespace, where the user counts as root.
"""

import os
import subprocess

from tests.support.lab import Lab
from tests.support.outcomes import Done

# Runs a command without root's capability to ignore permission bits.
IS_ROOT = os.getuid() == 0
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if IS_ROOT else ["env"]
NAMESPACE = "unshare -m" if IS_ROOT else "unshare -rm"


def bound_fab(lab: Lab, *arguments: str) -> Done:
    """Run `fab` without root's capability to read every file."""
    command = [*BOUND, *lab.command(*arguments)]
    return subprocess.run(command, cwd=lab.folder, env=lab.environment, capture_output=True, text=True, timeout=60)
