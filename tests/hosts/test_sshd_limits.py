"""sshd with `MaxSessions` and `MaxStartups`: few sessions, and dropped connections."""

import contextlib
import socket

import pytest

from tests.support.checkout import ROOT
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.one_each import configure
from tests.support.outcomes import timeless
from tests.support.soak import often
from tests.support.stages import started

FAILING = """
config.add_component(Component(
    name="failing", host="few", executable="/bin/sh", args=["-c", "sleep 0.3; exit 3"], start_index=1))
"""


@pytest.mark.parametrize("most", often([1], [2]))
def test_max_sessions_1_is_enough(lab: Lab, most: int) -> None:
    few = lab.farm.add("few", {"MaxSessions": str(most)})
    configure(lab, "few")
    lab.run("run", "--collect")
    for command in ("status", "logs", "plan", "doctor", "stop", "restart", "collect"):
        assert lab.fab(command, "-c", "cfg.py").returncode == 0, command
    assert len(started(few)[0]) == 2
    lab.config((lab.folder / "cfg.py").read_text() + FAILING)
    done = lab.fab("run", "--on-exit", "stop", "-c", "cfg.py")
    assert (done.returncode, timeless(done.stderr)) == (
        1,
        "few/failing: wait: ended with exit status 3; stopping all components\n"
        f"repeat with: fab -r {ROOT} run --no-kill --config {lab.folder}/cfg.py --on-exit stop"
        f" -S {lab.farm.ssh_config}\n",
    )
    lab.run("kill")


@pytest.mark.transports
def test_max_startups_is_retried(lab: Lab) -> None:
    busy = lab.farm.add("busy", {"MaxStartups": "1:50:100", "LoginGraceTime": "60"})
    configure(lab, "busy")
    with contextlib.ExitStack() as stack:
        for _ in range(2):  # they wait, and do not log in
            idle = stack.enter_context(socket.create_connection((busy.address, busy.port)))
            idle.recv(4)
        for _ in range(30):  # of which the one or other is hit
            lab.run("kill", "--retries", "15")
            if "maxstartups" in text(busy.folder / "sshd.log").lower():
                return
    pytest.fail("it has dropped none")
