"""Equal lines about several hosts are one line with a host range."""

import os
import re
import signal

from tests.support.commands import running
from tests.support.lab import Lab
from tests.support.terminal import Terminal
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
    assert "  node[1-3]  ended runner, stopped 1 component\n" in lab.run("kill").stdout


def test_exec_folds_equal_outputs(lab: Lab) -> None:
    configure(lab)
    assert lab.run("exec", "echo same").stdout.splitlines()[-3:-1] == ["node[1-3]:", "  same"]


FAILING = """
for number in (1, 2, 3):
    script = "until [ -e ~/go ]; do sleep 0.1; done; " + ("sleep 1000" if number == 2 else "echo KeyError; exit 3")
    for name, script in ("fails", script), ("b", "exec sleep 1000"):
        config.add_component(Component(name=name, host=f"node{number}", executable="/bin/sh", args=["-c", script],
            start_index=1, wait=name == "b"))
"""


def in_terminal(lab: Lab, *words: str) -> Terminal:
    environment = lab.environment | {"TERM": "xterm", "NO_COLOR": "1"}
    return Terminal(lab.command(*words, "-c", "cfg.py"), cwd=lab.folder, env=environment)


def test_interruption_folds_hosts_on_a_terminal(lab: Lab) -> None:
    lab.config(FAILING)
    terminal = in_terminal(lab, "run")
    try:
        terminal.shows(b"\x1b[Kwait     0/3      ended: b 0/3   waits for: b on node[1-3] 1 s, no limit")
        os.killpg(terminal.process.pid, signal.SIGINT)
        assert terminal.ends() == 130
        lines = terminal.shown.decode().splitlines()
    finally:
        terminal.close()
    begin = next(place for place, line in enumerate(lines) if "interrupted" in line)
    assert lines[begin : begin + 4] == [
        "interrupted in wait; still waiting for b on node[1-3]",
        "still running:",
        "  node[1-3]/b",
        "  node[1-3]/fails",
    ]


def test_equal_failures_share_a_line_on_a_terminal(lab: Lab) -> None:
    """A pipe has a line for each of them, so that a script finds it; so has a terminal with -v."""
    lab.config(FAILING)
    lab.run("screen")
    lab.run("start")
    for host in (lab.node1, lab.node2, lab.node3):
        (host.home / "go").touch()
    for host in (lab.node1, lab.node3):
        eventually((host.state() / "fails/status").exists, "the failure")
    end = r": wait: ended with exit status 3 after \d+ s(?: to \d+ s)?; last line of its output:\n  \| KeyError\n"
    environment = lab.environment | {"TERM": "xterm", "NO_COLOR": "1"}

    def failures(*words: str) -> list[str]:
        terminal = Terminal(
            lab.command("wait", "--timeout", "1", *words, "-c", "cfg.py"), cwd=lab.folder, env=environment
        )
        try:
            assert terminal.ends() == 1
            return re.findall(rf"([^\n\x1b]*/fails){end}", terminal.shown.decode().replace("\r\n", "\n"))
        finally:
            terminal.close()

    assert failures() == ["node[1,3]/fails"]
    assert failures("-v") == ["node1/fails", "node3/fails"]
    piped = lab.fab("wait", "--timeout", "1", "-c", "cfg.py")
    assert re.findall(rf"^(\S+){end}", piped.stderr, re.MULTILINE) == ["node1/fails", "node3/fails"]


def test_crashes_found_at_the_end_are_folded(lab: Lab) -> None:
    """Though the components ran for different times."""
    lab.config(
        "for host, seconds in (('node1', 0), ('node2', 2)):\n"
        "    config.add_component(Component(name='job', host=host, executable='/bin/sh', start_index=1,"
        " args=['-c', f'sleep {seconds}; echo broken; exit 3']))\n"
        "config.add_component(Component(name='slow', host='node3', executable='/bin/sleep', args=[3.5], start_index=2,"
        " ready=util.ended()))\n"
    )
    lab.run("screen")
    terminal = in_terminal(lab, "start")
    try:
        assert terminal.ends() == 1
        shown = terminal.shown.decode()
    finally:
        terminal.close()
    assert re.search(r"node\[1-2\]/job: check: ended with exit status 3 after [01] s to [23] s; last line of", shown)
    assert shown.count("| broken") == 1
