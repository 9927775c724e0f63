"""Hosts that freeze or hang: they are abandoned, and slow ones are not."""

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

from tests.support.commands import running
from tests.support.connections import connections
from tests.support.farm import ThrowawayHost
from tests.support.lab import Lab
from tests.support.stages import configure, hanging_kill, started


@pytest.mark.transports
def test_frozen_host_is_abandoned(lab: Lab) -> None:
    configure(lab)
    with lab.farm.ssh_config.open("a") as config:
        config.write("Host *\n    ServerAliveInterval 1\n    ServerAliveCountMax 2\n")
    with hanging_kill(lab.node2) as wait_until_it_hangs, running(lab, "run", "--keep-going") as fab:
        wait_until_it_hangs()
        with frozen(lab.node2):
            said, _ = fab.communicate(timeout=50)
    assert fab.returncode == 1
    assert "node2: kill: the connection was lost\n" in said
    assert started(lab.node1) == started(lab.node3) == ["a", "b"]


def test_silent_live_host_is_kept(lab: Lab) -> None:
    configure(lab, ["node2"])
    with lab.farm.ssh_config.open("a") as config:
        config.write("Host *\n    ServerAliveInterval 1\n    ServerAliveCountMax 1\n")
    with hanging_kill(lab.node2) as wait_until_it_hangs, running(lab, "kill", "--io-timeout", "5") as fab:
        wait_until_it_hangs()
        said, _ = fab.communicate(timeout=50)
    assert "node2: kill: timed out after 5 s without progress" in said


@contextlib.contextmanager
def frozen(host: ThrowawayHost) -> Iterator[None]:
    """Let all of its sshd stand still."""
    pids = connections(host)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@pytest.mark.transports
def test_hanging_script_is_abandoned(lab: Lab) -> None:
    configure(lab, ["node1", "node2"])
    with hanging_kill(lab.node2):
        done = lab.fab("kill", "-c", "cfg.py", "--io-timeout", "1")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "node2: kill: timed out after 1 s without progress; a file system may hang on the host;"
        " check it, or raise --io-timeout; any of these may still run: a, b\n"
    )


def test_large_copy_is_not_abandoned(lab: Lab) -> None:
    lab.write("bin/cp", '#!/bin/sh\nsleep 3\nexec /bin/cp "$@"\n', 0o755)
    lab.farm.add("slow", {"ForceCommand": f'cd && PATH={lab.folder}/bin:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"'})
    for name in ("f", "g"):
        (lab.folder / name).write_bytes(b"the same" * 4_000_000)
    files = {"f": "f", "g": "g"}
    lab.config(
        "config.add_component(Component("
        f"name='a', host='slow', executable='/bin/true', start_index=1, base_dir='~', files={files}))"
    )
    lab.run("sync", "--io-timeout", "1")
    assert (lab.farm.hosts["slow"].home / "g").stat().st_size == 32_000_000
