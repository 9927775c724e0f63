"""Hosts and components come in natural order: node2 before node10."""

import json
import re
from itertools import pairwise

from tests.support.commands import read_line, running
from tests.support.lab import Lab
from tests.support.ports import free_port
from tests.support.ssh_configs import add_to_ssh_config

# Hosts and names as strings would come in another order, and so would the order of the config.
CONFIG = """
for host in ("shut10", "shut2", "node1"):
    for name in ("c10", "c1", "c9"):
        config.add_component(Component(name=name, host=host, executable="/bin/true", start_index=1, wait=True))
"""
NAMES, HOSTS = ["c1", "c9", "c10"], ["node1", "shut2", "shut10"]
LABELS = [f"{host}/{name}" for host in HOSTS for name in NAMES]


def configure(lab: Lab) -> None:
    lab.config(CONFIG)
    for name in ("shut2", "shut10"):
        add_to_ssh_config(lab, name, "127.0.0.1" if name == "shut2" else "127.0.0.2", free_port("127.0.0.1"))


def hosts_in(text: str) -> list[str]:
    """Return the hosts with which lines begin, each once."""
    return list(dict.fromkeys(re.findall(r"^(?:unknown: )?(node1|shut\d+)\b", text, re.MULTILINE)))


def test_looks_are_in_natural_order(lab: Lab) -> None:
    configure(lab)
    table = lab.fab("status", "-c", "cfg.py").stdout
    rows = ["/".join(line.split()[:2]) for line in table.splitlines()[1:]]
    assert rows == [*LABELS[:3], "shut2/3", "shut10/3"], "a row for the 3 components of a host without an answer"
    found = json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)
    assert [f"{each['host']}/{each['name']}" for each in found] == LABELS
    assert hosts_in(lab.fab("doctor", "-c", "cfg.py").stdout) == HOSTS
    plan = lab.fab("plan", "-c", "cfg.py").stdout
    assert hosts_in(plan) == HOSTS
    assert re.findall(r"^  node1/(c\d+)", plan, re.MULTILINE) == NAMES


def test_changes_are_in_natural_order(lab: Lab) -> None:
    configure(lab)
    done = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert hosts_in(done.stderr) == HOSTS[1:]
    started = re.findall(r"^  node1/(c\d+)  started", done.stdout, re.MULTILINE)
    assert started == NAMES
    done = lab.fab("wait", "-c", "cfg.py", "--json")
    assert [f"{each['host']}/{each['name']}" for each in json.loads(done.stdout)["components"]] == LABELS
    killed = lab.fab("kill", "-c", "cfg.py")
    assert hosts_in(killed.stderr) == HOSTS[1:]
    assert "may still run: c1, c9, c10" in killed.stderr
    assert "--limit 'shut2/*,shut10/*'" in killed.stderr


def test_events_are_in_natural_order(lab: Lab) -> None:
    """Though they happen in another order. A component that needs long does not hold back the lines of others."""
    lab.config(
        "for number, script in ((1, 'sleep 0.8'), (2, 'until [ -e ~/go ]; do sleep 0.1; done'), (3, ':')):\n"
        "    config.add_component(Component(name=f'c{number}', host=f'node{number}', executable='/bin/sh',"
        " start_index=1, args=['-c', f'{script}; echo up; exec sleep 1000'], ready=util.log('up')))\n"
    )
    lab.run("screen")
    with running(lab, "start") as fab:
        lines = [read_line(fab) for _ in range(6)]
        assert not (lab.node2.home / "go").exists()
        (lab.node2.home / "go").touch()
        lines += [read_line(fab)]
        fab.communicate(timeout=30)
    events = [re.sub(r"\d\.\d s", "N s", line).strip() for line in lines[1:]]
    assert events == [
        *(f"node{number}/c{number}  started" for number in (1, 2, 3)),
        *(f"node{number}/c{number}  ready after N s: log up" for number in (1, 3, 2)),
    ]


def test_failures_are_in_natural_order(lab: Lab) -> None:
    """Those of awaited components, and of others that failed meanwhile."""
    lab.config(
        "for name, awaited in (('c10', True), ('c9', False), ('c1', True)):\n"
        "    config.add_component(Component(name=name, host='node1', executable='/bin/sh', start_index=1, wait=awaited,"
        " args=['-c', 'sleep 2; exit 3' if awaited else 'exit 3']))\n"
    )
    said = lab.fab("run", "-c", "cfg.py").stderr
    assert re.findall(r"^node1/(c\d+): wait", said, re.MULTILINE) == NAMES


def test_logs_are_in_natural_order(lab: Lab) -> None:
    """The first host has the most output, so its end comes last."""
    lab.config(
        "for number, host in ((5, 'node3'), (5, 'node2'), (50000, 'node1')):\n"
        "    for name in ('c10', 'c9'):\n"
        "        config.add_component(Component(name=name, host=host, executable='/usr/bin/seq', args=[number],"
        " start_index=1, wait=True))\n"
    )
    lab.run("run")
    shown = [line.split()[0] for line in lab.run("logs").stdout.splitlines()]
    assert len(shown) == 2 * 50010
    assert list(dict.fromkeys(shown)) == [f"node{n}/{name}" for n in (1, 2, 3) for name in ("c9", "c10")]
    changes = sum(one != other for one, other in pairwise(shown))
    assert changes == 5, "output of one component at a time"


def test_followed_logs_begin_in_natural_order(lab: Lab) -> None:
    """The first host answers late. Its new output comes behind the output that was there."""
    script = 'cd; case $SSH_ORIGINAL_COMMAND in *read*) [ ! -e late ] || sleep 0.5 ;; esac; exec sh -c "$SSH_ORIGINAL_COMMAND"'
    late = lab.farm.add("node0", {"ForceCommand": script})
    lab.config(
        "for number in (0, 1, 2, 3):\n"
        "    config.add_component(Component(name='c', host=f'node{number}', executable='/bin/sh', start_index=1,"
        " args=['-c', 'seq 9; until [ -e ~/go ]; do sleep 0.1; done; echo new; exec sleep 1000']))\n"
    )
    lab.run("run")
    (late.home / "late").touch()
    with running(lab, "logs", "-f") as fab:
        lines = [read_line(fab).split() for _ in range(4 * 9)]
        (late.home / "go").touch()
        assert read_line(fab) == "node0/c | new\n"
        fab.terminate()
        fab.communicate(timeout=30)
    assert lines == [[f"node{host}/c", "|", str(number)] for host in range(4) for number in range(1, 10)]
