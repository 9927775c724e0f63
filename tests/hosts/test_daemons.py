"""Components whose program starts a daemon: status, readiness, wait and stop follow the daemon."""

import json
import os
import signal
import subprocess
from typing import Any

from tests.support.lab import Lab
from tests.support.outcomes import assert_failed
from tests.support.ports import free_port
from tests.support.processes import is_alive, noted
from tests.support.waiting import eventually

LOOPBACK = "127.0.0.1"

# Like real daemons, it leaves the session of its parent and has another environment.
DAEMON = """#!/bin/sh
( (env -i HOME=$HOME REMOTE_RUNNER_THROWAWAY=$REMOTE_RUNNER_THROWAWAY PATH=$PATH setsid python3 daemon.py "$@" &) & )
"""
SERVER = """
import os, pathlib, signal, socket, sys, time
kind, port = sys.argv[1:]
if kind == "file":
    pathlib.Path("run.pid").write_text(f"{os.getpid()}\\nmore\\n")
pathlib.Path.home().joinpath(f"pid.{kind}").write_text(f"{os.getpid()}\\n")
signal.signal(signal.SIGINT, lambda *_: (pathlib.Path.home().joinpath(f"told.{kind}").touch(), os._exit(0)))
with socket.create_server(("127.0.0.1", int(port))):
    print("serving", flush=True)
    time.sleep(1000)
"""
CONFIG = """
for kind, port, daemon in ("tag", {0}, True), ("file", {1}, util.pidfile("run.pid")):
    config.add_component(Component(
        name=kind, host="node1", executable="daemon", args=[kind, port], daemon=daemon, ready=util.port(port, 20),
        files={{"daemon": "daemon", "daemon.py": "daemon.py"}}, start_index=1, stop_signal="INT"))
config.add_component(Component(
    name="stale", host="node1", executable="/bin/true", daemon=util.pidfile("~/stale.pid"), start_index=1))
"""


def statuses(lab: Lab) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)}


def test_daemons_are_followed(lab: Lab) -> None:
    lab.config(CONFIG.format(free_port(LOOPBACK), free_port(LOOPBACK)))
    lab.write("daemon", DAEMON, 0o755)
    lab.write("daemon.py", SERVER)
    with subprocess.Popen(["sleep", "1000"]) as bystander:
        try:
            (lab.node1.home / "stale.pid").write_text(f"{bystander.pid}\n")
            done = lab.fab("run", "-c", "cfg.py")
            lost = "check: was lost: it ended with exit status 0, and left no daemon running"
            assert_failed(done, **{"node1/stale": lost})
            assert_daemons_are_followed(lab)
            lab.run("kill")
            assert bystander.poll() is None
        finally:
            bystander.kill()
    assert not any(map(is_alive, noted(lab.node1).values()))


def assert_daemons_are_followed(lab: Lab) -> None:
    pids = noted(lab.node1)
    found = statuses(lab)
    for kind in ("tag", "file"):
        assert (found[kind]["state"], found[kind]["pid"], found[kind]["survivors"]) == ("ready", pids[kind], 0)
        assert found[kind]["memory"] > 1e6
    assert lab.run("logs", "tag").stdout == "tag | serving\n"
    assert "node1/file  was stopped" in lab.run("stop", "--limit", "file").stdout
    assert (lab.node1.home / "told.file").exists() and not is_alive(pids["file"])
    os.kill(pids["tag"], signal.SIGKILL)
    eventually(lambda: statuses(lab)["tag"]["state"] == "lost", "its end")
    assert statuses(lab)["tag"]["problem"] == "its daemon has ended, with an unknown exit status"
    assert statuses(lab)["file"]["state"] == "stopped"
    lab.run("restart", "--limit", "tag,file")
    assert [each["state"] for each in statuses(lab).values()] == ["ready", "lost", "ready"]
