"""Run `fab` with limited memory."""

import resource
import subprocess

from tests.support.lab import Lab

MEMORY = 700 << 20  # bytes of data; Python and threads use 300 MB


def fab_within_memory(lab: Lab, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `fab` with a limit of MEMORY bytes of data."""
    return lab.prefork.run(lab.command(*arguments), lab.folder, lab.environment, 80, MEMORY)


def fab_within_little_memory(lab: Lab, *arguments: str, memory: int) -> "subprocess.CompletedProcess[str]":
    """Run `fab` with a limit of `memory` bytes of data, in a process that has loaded nothing else before."""
    return subprocess.run(
        lab.command(*arguments),
        cwd=lab.folder,
        env=lab.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=80,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (memory, memory)),
    )
