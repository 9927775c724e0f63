"""Equal lines about several hosts are one line with a host range."""

import re

from tests.support.commands import running
from tests.support.lab import Lab
from tests.support.waiting import eventually

CONFIG = """
for host in ("node1", "node2", "node3"):
    config.add_component(Component(
        name="job", host=host, executable="/bin/sh", args=["-c", "until [ -e ~/go ]; do sleep 0.1; done"],
        start_index=1, wait=True, files={"data": "data"}, base_dir="~/work",
    ))
config.add_component(Component(name="own", host="node2", executable="/bin/true", start_index=2, wait=True))
"""


def configure(lab: Lab) -> None:
    lab.write("data", "some data")
    lab.config(CONFIG)


def test_plan_folds_equal_hosts(lab: Lab) -> None:
    configure(lab)
    (lab.node2.home / "work").mkdir()
    (lab.node2.home / "work/data").write_text("some data")
    lines = lab.run("plan").stdout.splitlines()
    command = lines[-3].partition("/job")[2]
    assert lines[-4:] == [
        "start 1",
        f"  node[1-3]/job{command}",
        "start 2",
        "  node2/own  cd its temporary folder && /bin/true",
    ]
    hosts = [line for line in lines if re.match(r"node|localhost", line)]
    assert hosts == ["node1", "node2", "node3"], "the paths of their homes differ"
    lab.run("run", "--no-kill", "--limit", "own")
    lab.run("sync")
    lab.run("screen")
    assert lab.run("plan").stdout.splitlines()[:4] == [
        "node[1-3]",
        "  end session runner",
        "  start a new session",
        "  send 0 of 1 file (0 B)",
    ]


def test_doctor_folds_equal_rows(lab: Lab) -> None:
    lab.config(CONFIG.replace('files={"data": "data"}, ', ""))
    rows = lab.run("doctor").stdout.splitlines()[1:]
    fine = [row for row in rows if re.match(r"\S+ +ok ", row)]
    assert len(fine) == 1 and fine[0].startswith("node[1-3]  ok ")


def test_ends_and_kills_are_folded(lab: Lab) -> None:
    configure(lab)
    lab.run("run", "--no-kill", "--limit", "own")
    for command in ("screen", "sync", "start"):
        lab.run(command)
    process = running(lab, "wait")
    for host in (lab.node3, lab.node1, lab.node2):
        (host.home / "go").touch()
        eventually((host.state() / "job/status").exists, "the end of a component")
    said, _ = process.communicate(timeout=30)
    lines = re.sub(r"\d+ s( to \d+ s)?", "N s", said).splitlines()
    assert sorted(line for line in lines if line.startswith("  ")) == [
        "  node2/own  ended with exit status 0 after N s",
        "  node[1-3]/job  ended with exit status 0 after N s",
    ]
    for host in (lab.node3, lab.node1, lab.node2):
        (host.home / "go").unlink()
    lab.run("start", "--limit", "job")
    assert "  node[1-3]  ended runner, 1 component\n" in lab.run("kill").stdout


def test_exec_folds_equal_outputs(lab: Lab) -> None:
    configure(lab)
    assert lab.run("exec", "echo same").stdout.splitlines()[-3:-1] == ["node[1-3]:", "  same"]
