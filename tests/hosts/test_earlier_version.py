"""Sessions that an earlier version started are seen, stopped, collected and ended."""

import json
import os
import subprocess

from tests.support.collections import collections_in
from tests.support.earlier import FOLDER
from tests.support.lab import Lab
from tests.support.waiting import eventually


def begin_as_before(lab: Lab) -> None:
    """Open the session on node1 and start its components, by the scripts that the earlier version sent."""
    for name in ("screen.sh", "start.sh"):
        done = subprocess.run(
            ["sh", FOLDER / name],
            cwd=lab.node1.home,
            env=os.environ | lab.node1.environment,
            capture_output=True,
            text=True,
            start_new_session=True,
        )
        assert done.stdout.endswith("\0done\0"), done.stdout + done.stderr


def states(lab: Lab) -> dict[str, tuple[str, int | None]]:
    """Return the state and exit status of each component."""
    found = json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)
    return {each["name"]: (each["state"], each["exit_status"]) for each in found}


def test_session_of_earlier_version_works(lab: Lab) -> None:
    lab.config((FOLDER / "cfg.txt").read_text())
    begin_as_before(lab)
    assert lab.node1.sessions() == ["runner"]
    eventually(lambda: states(lab) == {"server": ("running", None), "client": ("failed", 3)}, "both states")
    assert lab.run("logs", "--limit", "server").stdout == "server | listening\n"
    # A running component is left alone, and so is the session.
    started = lab.run("start", "--limit", "server").stdout
    assert "node1/server  already running" in started
    assert "existing session" in lab.run("screen").stdout
    lab.run("collect")
    (folder,) = collections_in(lab.folder / "results")
    run = json.loads((folder / "run.json").read_text())
    assert [each["path"] for each in [run["runs"][0]["config"]]] == ["/somewhere/cfg.py"]
    collected = {path: sha1 for each in run["components"] for path, sha1 in each["collected"].items()}
    assert any(path.endswith("answer.txt") for path in collected)
    assert (folder / "node1/client/results/answer.txt").read_text() == "asked\n"
    lab.run("stop")
    assert states(lab)["server"] == ("stopped", 128 + 15)
    # Its windows are replaced, and `kill` finds all that the earlier version has left, its note-taker too.
    assert "node1/server  started" in lab.run("start", "--limit", "server").stdout
    assert "ended" in lab.run("kill").stdout
    assert lab.node1.sessions() == []
