"""What goes on on a host when its connection is cut, or the controller killed: it stops, and who comes next waits."""

import os
import subprocess
from collections.abc import Callable

import pytest

from .conftest import Lab, eventually
from .test_chaos import cut, kill
from .test_start import running
from .throwaway import ThrowawayHost

MANY = """
for n in range(100):
    script = util.literal(f"echo $$ >>$HOME/started.{n}; exec sleep 1000")
    config.add_component(
        Component(name=f"c{n}", host="node1", executable="/bin/sh", args=["-c", script], start_index=1))
"""


@pytest.mark.parametrize("happens", [cut, kill])
def test_start_that_is_cut_off_among_many_components_starts_none_twice(
    lab: Lab, happens: Callable[["subprocess.Popen[str]", ThrowawayHost], None]
) -> None:
    """The script goes on without its connection, and screen with what it has been told."""
    lab.config(MANY)
    lab.run("screen")
    with running(lab, "start") as fab:
        eventually(lambda: bool(list(lab.node1.state().glob(".windows*"))), "the list of windows")
        happens(fab, lab.node1)
        fab.communicate(timeout=60)
    lab.run("start")
    times = [path.read_text().count("\n") for path in lab.node1.home.glob("started.*")]
    assert times == [1] * 100
    assert lab.fab("status", "-c", "cfg.py").returncode == 0
    assert not list(lab.node1.state().glob(".windows*"))


def test_sync_that_is_cut_off_while_the_host_computes_is_waited_for(lab: Lab) -> None:
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
