"""Run the publish/subscribe example from start to finish: twenty components on four hosts, three with faults."""

import json
import re
import shlex

import pytest

from tests.support.checkout import ROOT
from tests.support.collections import collections_in
from tests.support.lab import Lab
from tests.support.outcomes import timeless
from tests.support.ports import free_ports
from tests.support.terminal import Terminal
from tests.support.waiting import eventually

HOSTS = ["node1", "node2", "node3", "node4"]
PROGRAMS = ["prepare", "broker", "subscriber", "publisher", "monitor"]


@pytest.fixture
def four(lab: Lab) -> Lab:
    """Return the lab with a fourth host, and with the example and its faults as defaults in fabric.yaml."""
    lab.farm.add("node4")
    defaults = {
        "config": str(ROOT / "example/pubsub/config.py"),
        "arg_parser": str(ROOT / "example/pubsub/args.py"),
        "extra_args": f"--hosts {','.join(HOSTS)} --port {free_ports(4)} --messages 10 --faults",
    }
    (lab.here.home / ".fabric.yaml").write_text(json.dumps({"remote_runner": defaults}))  # JSON is YAML
    return lab


def repeat_line(lab: Lab, limit: str) -> str:
    """Return the last line of a failed command: `run` without `kill`, and with this limit."""
    given = json.loads((lab.here.home / ".fabric.yaml").read_text())["remote_runner"]
    return (
        f"repeat with: fab -r {ROOT} run --no-kill --config {given['config']} --arg-parser {given['arg_parser']}"
        f" --limit {limit} --extra-args {shlex.quote(given['extra_args'])} -S {lab.farm.ssh_config}"
    )


def states(lab: Lab) -> dict[str, tuple[str, int | None]]:
    """Return state and exit status of each component."""
    done = lab.fab("status", "--json")
    assert done.returncode == 1
    return {each["name"]: (each["state"], each["exit_status"]) for each in json.loads(done.stdout)}


@pytest.mark.long
def test_pubsub_example_works(four: Lab) -> None:
    run = four.fab("run")
    assert run.returncode == 1
    slow = re.search(r"subscriber-node1  ready after (\d)\.\d s: log \^subscribed", run.stdout)
    assert slow and int(slow[1]) >= 2, "the others wait for it"
    before, after = run.stdout.split("start 3  ")
    assert "ready after" in before.partition("start 2  ")[2] and "ready after" in after
    never, *words, again = run.stderr.splitlines()
    late = "was not ready within 3 s: log healthy; the program keeps running"
    assert never == f"node4/monitor-node4: start 4: {late}; last lines of its output:"
    assert len(words) >= 2
    assert all(word.startswith("  | broker does not answer: ") for word in words)
    assert again == repeat_line(four, "node4/monitor-node4")

    expected: dict[str, tuple[str, int | None]] = {f"prepare-{host}": ("ended", 0) for host in HOSTS}
    expected |= {f"{name}-{host}": ("ready", None) for name in ("broker", "monitor") for host in HOSTS}
    expected |= {f"{name}-{host}": ("ended", 0) for name in ("subscriber", "publisher") for host in HOSTS}
    expected |= {"publisher-node2": ("failed", 1), "subscriber-node2": ("ready", None)}
    expected["monitor-node4"] = ("failed", None)
    eventually(lambda: states(four) == expected, "all messages have been received")

    labels = [f"{host}/{name}-{host}" for host in HOSTS for name in PROGRAMS]
    watching = Terminal(four.command("status", "--watch"), cwd=four.folder, env=four.environment | {"TERM": "xterm"})
    try:
        for _ in range(2):
            for label in labels:
                watching.shows(label.rpartition("/")[2].encode())
        watching.types(b"\x03")
        assert watching.ends() == 130
    finally:
        watching.close()

    following = Terminal(four.command("logs", "-f"), cwd=four.folder, env=four.environment | {"TERM": "xterm"})
    try:
        names = {label.rpartition("/")[2] for label in labels}
        eventually(
            lambda: set(re.findall(r"\x1b\[\d+m([a-z]+-node\d) ", following.shown.decode())) == names, "all logs"
        )
        for _ in range(2):
            following.shows(b"broker is healthy")
            following.shown = b""  # only later output counts
        following.types(b"\x03")
        assert following.ends() == 130
    finally:
        following.close()

    wait = four.fab("wait")
    failed = "node2/publisher-node2: wait: ended with exit status 1"
    again = repeat_line(four, "node2/publisher-node2")
    assert (wait.returncode, timeless(wait.stderr).splitlines()) == (1, [failed, again])

    collect = four.fab("collect")
    assert (collect.returncode, collect.stderr) == (0, "")
    (folder,) = collections_in(four.folder / "results")
    for host in ("node1", "node3", "node4"):
        received = folder / host / f"subscriber-{host}" / "results/received.csv"
        assert [line.partition(",")[2] for line in received.read_text().splitlines()] == [
            f"message {number}" for number in range(1, 11)
        ]
    known = json.loads((folder / "run.json").read_text())
    assert sorted(f"{each['host']}/{each['name']}" for each in known["components"]) == sorted(labels)

    report = four.fab("report", "--from", folder)
    assert (report.returncode, report.stderr) == (0, "")
    page = (four.folder / "report.html").read_text()
    components, *_ = re.findall(r"<table.*?</table>", page, re.DOTALL)
    rows = re.findall(r"<tr.*?</tr>", components, re.DOTALL)[1:]
    outcomes = {row[0]: row[2] for row in (re.findall(r"<td[^>]*>\s*(?:<a[^>]*>)?([^<]*?)\s*<", each) for each in rows)}
    assert sorted(outcomes) == sorted(label.rpartition("/")[2] for label in labels)
    assert (outcomes["publisher-node2"], outcomes["monitor-node4"]) == (
        "failed: exit status 1",
        "failed: was not ready in time",
    )
    assert "publisher: out of paper" in page
