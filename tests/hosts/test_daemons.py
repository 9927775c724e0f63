"""Components whose program starts a daemon: status, readiness, wait and stop follow the daemon."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.support.lab import Lab
from tests.support.outcomes import assert_failed
from tests.support.ports import free_port
from tests.support.processes import is_alive, noted
from tests.support.waiting import eventually

LOOPBACK = "127.0.0.1"

# Like other daemons, it leaves the session of its parent and has another environment.
DAEMON = """#!/bin/sh
( (env -i HOME=$HOME REMOTE_RUNNER_THROWAWAY=$REMOTE_RUNNER_THROWAWAY PATH=$PATH setsid python3 daemon.py "$@" &) & )
"""
SERVER = """
import os, pathlib, signal, socket, sys, time
pathlib.Path("run.pid").write_text(f"{os.getpid()}\\nmore\\n")
pathlib.Path.home().joinpath("pid.file").write_text(f"{os.getpid()}\\n")
signal.signal(signal.SIGINT, lambda *_: (pathlib.Path.home().joinpath("told").touch(), os._exit(0)))
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    print("serving", flush=True)
    time.sleep(1000)
"""
CONFIG = """
redis = "( (sleep 0.2; exec redis-server --bind 127.0.0.1 --port {0} --save '' --daemonize yes) & )"  # forks again, later
config.add_component(Component(
    name="redis", host="node1", executable="/bin/sh", args=["-c", redis], daemon=True, ready=util.port({0}, 20),
    start_index=1))
config.add_component(Component(
    name="file", host="node1", executable="daemon", args=[{1}], daemon=util.pidfile("run.pid"),
    ready=util.port({1}, 20), files={{"daemon": "daemon", "daemon.py": "daemon.py"}}, start_index=1, stop_signal="INT"))
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
            lost = "start 1: was lost: no daemon was found after it ended with exit status 0"
            assert_failed(done, **{"node1/stale": lost})
            (seconds,) = re.findall(r"node1/redis  ready after ([\d.]+) s", done.stdout)
            assert float(seconds) < 5, "the search for the daemon of `stale` takes 5 s"
            assert_daemons_are_followed(lab)
            lab.run("kill")
            assert bystander.poll() is None
        finally:
            bystander.kill()
    assert not any(map(is_alive, noted(lab.node1).values()))


def assert_daemons_are_followed(lab: Lab) -> None:
    found = statuses(lab)
    for kind in ("redis", "file"):
        assert (found[kind]["state"], found[kind]["survivors"]) == ("ready", 0)
        assert found[kind]["memory"] > 1e6
    own, redis = noted(lab.node1)["file"], found["redis"]["pid"]
    assert found["file"]["pid"] == own
    assert Path(f"/proc/{redis}/comm").read_text() == "redis-server\n"
    assert lab.run("logs", "file").stdout == "file | serving\n"
    assert "node1/file  was stopped" in lab.run("stop", "--limit", "file").stdout
    assert (lab.node1.home / "told").exists() and not is_alive(own)
    os.kill(redis, signal.SIGKILL)
    eventually(lambda: statuses(lab)["redis"]["state"] == "lost", "its end")
    assert statuses(lab)["redis"]["problem"] == "its daemon has ended, with an unknown exit status"
    assert statuses(lab)["file"]["state"] == "stopped"
    lab.run("restart", "--limit", "redis,file")
    expected = ["ready", "ready", "lost"]
    eventually(lambda: [each["state"] for each in statuses(lab).values()] == expected, "the launchers find them")
