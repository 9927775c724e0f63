"""Test `--muddler ta3`: clients on several hosts, with harnesses on real hosts."""

import json
import re
import shutil

import pytest

from tests.support.checkout import ROOT
from tests.support.collections import collections_in
from tests.support.config_texts import HOST_INFO as HOSTS
from tests.support.config_texts import PUBLISHERS as SMALL
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.ports import free_ports

PROGRAMS = ROOT / "example/pubsub/programs"
CLIENT = """#!/bin/sh
# client.sh NUMBER PORT COUNT: run a subscriber, except if NUMBER is $BROKEN.
[ "$1" != "$BROKEN" ] || { echo "cannot go on"; exit 9; }
exec programs/subscriber.py "$2" "$3" 0
"""
SCRIPT = """
start client-*
await client-* '^subscribed' within 20
start publisher
end publisher
end client-* within 20
refuse client-* 'cannot go on'
"""
CONFIG = """
def add(name, host, executable, *args, **more):
    config.add_component(
        Component(name=name, host=host, executable=executable, args=[str(arg) for arg in args], start_index=2,
                  base_dir="~/ta3", files={{{programs!r}: "programs", "client.sh": "client.sh"}}, **more))

add("third-party-broker", "node2", "programs/broker.py", {port}, ready=util.port({port}))
config.all_components()[0].start_index = 1
add("publisher", "node1", "programs/publisher.py", {port}, 3)
add("client", "TBD", "client.sh", "%n", {port}, 3, env={{"BROKEN": {broken!r}}}, results=["received.csv"])
"""


@pytest.fixture
def four(lab: Lab) -> Lab:
    """Return the lab with a fourth host and the files of a test."""
    lab.farm.add("node4")
    lab.write("hosts.txt", HOSTS)
    lab.write("test.txt", SCRIPT)
    lab.write("client.sh", CLIENT, 0o755)
    return lab


def run(lab: Lab, clients: int, broken: str = "") -> tuple[int, str]:
    """Run the test. Return the exit code of `fab run` and the last line of the master harness."""
    port, own = free_ports(2), free_ports(2) + 1
    lab.config(CONFIG.format(programs=str(PROGRAMS), port=port, broken=broken))
    told = f"ta3 --clients {clients} --host-info hosts.txt --script test.txt --master-address 127.0.0.1"
    muddler = ["-m", f"{told} --port {own}", "-c", "cfg.py"]
    done = lab.fab("run", *muddler, "--collect")
    assert "Traceback" not in done.stdout + done.stderr
    logs = lab.fab("logs", "--raw", *muddler, "--limit", "master-harness").stdout
    (verdict,) = re.findall("(?:PASSED|FAILED).*", logs)
    lab.fab("kill", *muddler)
    return done.returncode, verdict


def test_ta3_passes_on_four_hosts(four: Lab) -> None:
    status, verdict = run(four, clients=12)
    assert (status, verdict.split(" in ")[0]) == (0, "PASSED: 6 steps"), verdict
    (folder,) = collections_in(four.folder / "results")
    logs = {path.stem: text(path) for path in folder.rglob("logs/slave-harness-*/client-*.out")}
    assert set(logs) == {f"client-{number}" for number in range(1, 13)}
    line = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 (.*)")
    for content in logs.values():
        matches = [line.fullmatch(each) for each in content.splitlines()]
        assert [match and match[1].split()[0] for match in matches] == ["subscribed", "received"]
    assert "published 3 of 3" in text(*folder.rglob("logs/master-harness/publisher.out"))
    assert len(list(folder.rglob("received.csv"))) == 4, "results of the clients, from each host"


def test_broken_client_fails_ta3(four: Lab) -> None:
    status, verdict = run(four, clients=4, broken="3")
    assert status == 1
    assert verdict.startswith("FAILED: test.txt:") and "client-3: ended with exit status 9" in verdict
    for name in ("node1", "node2", "node3", "node4"):
        assert not four.farm.hosts[name].sessions()


# -- components that the muddler creates


def test_ta3_has_its_own_arg_parser(lab: Lab) -> None:
    lab.write("hosts.txt", HOSTS)
    lab.config(SMALL)
    shutil.copy(ROOT / "muddlers/ta3_args.py", lab.folder / "args.py")
    given = ["-c", "cfg.py", "-m", "ta3", "-a", "args.py", "--extra-args"]
    shown = json.loads(lab.fab("config", "--json", *given, "--clients 3 --host-info hosts.txt").stdout)
    assert [each["name"] for each in shown][-1] == "slave-harness-3"
    helped = lab.fab("config", *given, "--help")
    assert helped.returncode == 0 and "--host-info FILE" in helped.stdout
