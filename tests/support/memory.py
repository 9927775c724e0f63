"""`fab` within a bounded memory."""

import resource
import subprocess

from tests.support.lab import Lab

MEMORY = 700 << 20  # of address space, of which Python and threads take 300 MB


def fab_within_memory(lab: Lab, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`fab`, with no more memory than a bounded one needs."""
    return subprocess.run(
        lab.command(*arguments),
        cwd=lab.folder,
        env=lab.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=80,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY)),
    )
