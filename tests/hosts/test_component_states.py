"""`--failed` and `--state`: components selected by the states that their hosts report."""

import json
import re

from tests.support.collections import collections_in
from tests.support.connections import sessions_begun
from tests.support.farm import ThrowawayHost
from tests.support.lab import Lab
from tests.support.outcomes import refused
from tests.support.waiting import eventually

# Each failed component says so in its output, and succeeds once the host has ~/mended.
CONFIG = """
for host, script in (
    ("node1", "echo crashed; [ -e ~/mended ]"), ("node2", "exec sleep 1000"), ("node3", "echo crashed; [ -e ~/mended ]")
):
    config.add_component(Component(name="job", host=host, executable="/bin/sh", args=["-c", script], start_index=1))
config.add_component(Component(name="other", host="node1", executable="/bin/sleep", args=[1000], start_index=2))
"""


def begin(lab: Lab) -> None:
    lab.config(CONFIG)
    lab.fab("run", "-c", "cfg.py")
    eventually(lambda: states(lab) == ["failed", "running", "running", "failed"], "the two failures")


def states(lab: Lab, *words: str) -> list[str]:
    return [each["state"] for each in json.loads(lab.fab("status", "--json", "-c", "cfg.py", *words).stdout)]


def pid(host: ThrowawayHost, name: str) -> str:
    return (host.state() / name / "pid").read_text()


def test_failed_components_are_selected(lab: Lab) -> None:
    begin(lab)
    assert_failed_are_collected(lab)
    assert states(lab, "--failed") == ["failed", "failed"]
    assert states(lab, "--failed", "node1") == ["failed"]
    assert states(lab, "--state", "running, FAILED", "--limit", "node2,node3") == ["running", "failed"]
    shown = lab.run("logs", "--failed").stdout
    assert shown.splitlines() == ["node1/job | crashed", "node3/job | crashed"]
    running = pid(lab.node2, "job"), pid(lab.node1, "other")
    lab.run("stop", "--failed")  # nothing runs there, which is fine
    for host in (lab.node1, lab.node3):
        (host.home / "mended").touch()
    before = sessions_begun(lab.node2)
    done = lab.run("restart", "--failed")
    assert "selected 2 of 4 components\n" in done.stdout and "2 hosts, 2 components" in done.stdout
    assert sessions_begun(lab.node2) == before + 1, "only the question for states"
    assert (pid(lab.node2, "job"), pid(lab.node1, "other")) == running
    eventually(lambda: states(lab) == ["ended", "running", "running", "ended"], "the second try")
    assert_nothing_failed_is_no_error(lab)


def assert_nothing_failed_is_no_error(lab: Lab) -> None:
    assert states(lab, "--failed") == []
    for command in ("status", "restart", "stop", "collect"):
        done = lab.run(command, "--failed")
        assert done.stdout.splitlines()[-1] == "no component has failed"
        assert done.stderr == ""
    assert not (lab.folder / "results").exists()
    logs = lab.run("logs", "--failed")
    assert (logs.stdout, logs.stderr) == ("", "no component has failed\n")
    document = json.loads(lab.run("restart", "--failed", "--json").stdout)
    assert (document["exit_code"], document["components"]) == (0, [])


def test_empty_selection_is_refused(lab: Lab) -> None:
    lab.config(CONFIG)
    for command in ("status", "logs", "restart", "stop", "collect"):
        refused(
            lab.fab(command, "--state", "ready,failed", "-c", "cfg.py"),
            "--state: no component is ready or failed; their states: 4 waiting\n",
        )
        done = lab.fab(command, "--state", "runing", "-c", "cfg.py")
        refused(done, "--state: unknown state 'runing'; did you mean running?\n")
        refused(lab.fab(command, "--failed", "--state", "lost", "-c", "cfg.py"), "--failed: cannot be combined")


def assert_hints_name_selected_components(lab: Lab) -> None:
    """They are in another state by then."""
    stopped = lab.run("stop", "--state", "running").stdout
    assert re.search(r"^start them again with: .* --limit 'node1/other,node2/\*'", stopped, re.MULTILINE)


def test_unreachable_host_is_always_selected(lab: Lab) -> None:
    begin(lab)
    lab.farm.stop(lab.node2)
    try:
        assert states(lab, "--state", "running") == ["running", "unknown"]
        assert states(lab, "--failed") == ["failed", "unknown", "failed"]
        logs = lab.fab("logs", "--failed", "-c", "cfg.py")
        assert logs.returncode == 1 and logs.stdout.count("crashed") == 2
        assert len(re.findall(r"^node2: .*connection refused", logs.stderr, re.MULTILINE)) == 1
        restarted = lab.fab("restart", "--failed", "-c", "cfg.py")
        assert restarted.returncode == 1 and "no host was changed" in restarted.stderr
        assert "--limit 'node1/job,node2/*,node3/*'" in restarted.stderr and "--failed" not in restarted.stderr
        stopped = lab.fab("stop", "--state", "running", "-c", "cfg.py")
        assert stopped.returncode == 1 and "may still run: job" in stopped.stderr
        assert re.search(r"^repeat with: .* --limit 'node2/\*' ", stopped.stderr, re.MULTILINE), "as for restart"
    finally:
        lab.farm.start(lab.node2)
    eventually(lambda: states(lab) == ["failed", "stopped", "running", "failed"], "the stop on hosts that answer")


def assert_failed_are_collected(lab: Lab) -> None:
    done = lab.run("collect", "--failed", "--to", "out")
    (folder,) = collections_in(lab.folder / "out")
    assert sorted(str(path.relative_to(folder)) for path in folder.glob("*/*/")) == ["node1/job", "node3/job"]
    assert "selected 2 of 4 components" in done.stdout


def test_status_is_sorted_and_grouped(lab: Lab) -> None:
    begin(lab)
    every = json.loads(lab.fab("status", "--json", "--sort", "state", "-c", "cfg.py").stdout)
    assert [each["state"] for each in every] == ["failed", "failed", "running", "running"]
    by_name = json.loads(lab.fab("status", "--json", "--sort", "component", "-c", "cfg.py").stdout)
    assert [f"{each['host']}/{each['name']}" for each in by_name] == [
        *("node1/job", "node2/job", "node3/job", "node1/other")
    ]

    def rows(*words: str) -> list[str]:
        done = lab.fab("status", "-c", "cfg.py", "--group", *words)
        return [re.sub(r" +[\d.]+ (%|kB|MB)|( +-){2}", "", line) for line in done.stdout.splitlines()]

    assert [line.split() for line in rows("component")] == [
        ["COMPONENT", "FAILED", "RUNNING", "CPU", "MEMORY", "HOSTS"],
        ["job", "2", "1", "node[1-3]"],
        ["other", ".", "1", "node1"],
    ]
    assert [line.split() for line in rows("state")] == [
        ["STATE", "COUNT", "CPU", "MEMORY", "HOSTS"],
        ["failed", "2", "node[1,3]"],
        ["running", "2", "node[1-2]"],
    ]
    by_host = [["node1", "1", "1", "job,other"], ["node3", "1", ".", "job"], ["node2", ".", "1", "job"]]
    assert [line.split() for line in rows("host", "--sort", "state")[1:]] == by_host
    refused(lab.fab("status", "--sort", "cpu", "-c", "cfg.py"), "--sort cpu: must be one of host, component, state\n")
    refused(lab.fab("status", "--group", "host", "--json", "-c", "cfg.py"), "--group: cannot be combined with --json")
    assert_hints_name_selected_components(lab)
