"""Add hosts whose logins or programs behave unusually."""

from tests.support.farm import ThrowawayHost
from tests.support.lab import Lab

GREETING = r"printf '\000remote-runner boot machine home\000'"


def odd_host(lab: Lab, name: str, command: str) -> ThrowawayHost:
    """Add a host on which every login runs `command`."""
    return lab.farm.add(name, {"ForceCommand": command})


def host_with(lab: Lab, name: str, program: str, script: str) -> ThrowawayHost:
    """Add a host on which `program` is this script."""
    lab.write(f"bin/{program}", f"#!/bin/sh\n{script}\n", 0o755)
    return odd_host(lab, name, f'cd && PATH={lab.folder}/bin:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"')
