"""A controller that is killed while a command works."""

import os

import pytest

from tests.support.commands import running
from tests.support.interruptions import interrupt_run, interrupt_start, kill
from tests.support.lab import Lab
from tests.support.waiting import eventually


# A host sees the same as when the connection is cut, and test_connection_loss.py does that in each stage.
@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("stage", ["sync", "kill", "screen", "start", "later"])
def test_killed_run_is_finished_by_a_repeat(lab: Lab, stage: str, seed: int) -> None:
    interrupt_run(lab, kill, stage, seed)


def test_killed_start_starts_none_twice(lab: Lab) -> None:
    interrupt_start(lab, kill)


def test_next_sync_waits_for_killed_one(lab: Lab) -> None:
    """Its own way out would remove what the next one has staged."""
    slow = '#!/bin/sh\ntouch ~/computes\nsleep 3\ntouch ~/computed\nexec /usr/bin/openssl "$@"\n'
    lab.write("openssl", slow, 0o755)
    host = lab.farm.add("slow", {"ForceCommand": f'PATH={lab.folder}:$PATH; cd; eval "$SSH_ORIGINAL_COMMAND"'})
    lab.write("f", "content")
    lab.config(
        "config.add_component(Component(name='c', host='slow', executable='x', start_index=1,"
        " base_dir='~/w', files={'f': 'f'}))\n"
    )
    lab.run("sync")
    os.utime(host.home / "w/f", (0, 0))
    (host.home / "w/f").write_text("CONTENT")
    for name in ("computes", "computed"):
        (host.home / name).unlink(missing_ok=True)
    with running(lab, "sync") as fab:
        eventually((host.home / "computes").exists, "openssl there")
        kill(fab, host)
        fab.communicate()
    lab.run("sync", "--always-copy")
    assert (host.home / "computed").exists(), "it was waited for"
    assert (host.home / "w/f").read_text() == "content"
    assert not list(host.home.rglob(".remote-runner*"))
