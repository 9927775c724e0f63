"""`fab logs`: the output of components on all hosts, with no line lost."""

import os
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.commands import running
from tests.support.config_texts import LOGGED as CONFIG
from tests.support.connections import cut, sessions_begun
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.outcomes import repeat_with
from tests.support.waiting import eventually


def test_logs_are_prefixed_with_names(lab: Lab) -> None:
    lab.config(
        CONFIG
        + "add('a', 'node1', 'echo one; echo two; printf three')\nadd('longer', 'node2', 'printf \"x\\\\ry\\\\033[1m\\\\n\"')\n"
        "add('a', localhost, 'echo here')\nadd('silent', 'node1', 'exec sleep 1000')\n"
    )
    assert lab.fab("logs", "-c", "cfg.py").stdout == "", "nothing has been started"
    lab.run("run", "--no-zombie")
    eventually(lambda: (lab.node2.state() / "longer/status").exists(), "the end of the last one")
    before = sessions_begun(lab.node1)
    shown = lab.run("logs").stdout.splitlines()
    assert sessions_begun(lab.node1) == before + 1
    assert [line for line in shown if line.startswith("node1/a ")] == [
        f"node1/a     | {n}" for n in ("one", "two", "three")
    ]
    assert "longer      | y" in shown
    assert "localhost/a | here" in shown
    assert len(shown) == 5
    last = lab.run("logs", "-n", "2", "--limit", "node1").stdout.splitlines()
    assert len(last) == 2
    raw = lab.run("logs", "--raw", "--limit", "longer").stdout
    assert raw.startswith("longer | x\ny\x1b[1m\n"), "each \\r, which is read here as a new line"
    done = lab.fab("logs", "-n", "-1", "-c", "cfg.py")
    assert (done.returncode, done.stderr) == (2, "--lines -1: must be at least 0\n")


def test_failed_host_does_not_hide_logs(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'echo one')\nadd('b', 'node2', 'echo two')")
    lab.run("run", "--no-zombie")
    lab.farm.stop(lab.node1)
    try:
        done = lab.fab("logs", "-c", "cfg.py")
    finally:
        lab.farm.start(lab.node1)
    assert (done.returncode, done.stdout) == (1, "b | two\n")
    assert done.stderr.startswith("node1: logs: ")


def followed(fab: "subprocess.Popen[str]", until: str) -> list[str]:
    """Return the output up to a line that contains `until`."""
    lines = []
    assert fab.stdout
    for line in fab.stdout:
        lines.append(line.rstrip("\n"))
        if until in line:
            break
    return lines


@pytest.mark.transports
def test_reconnect_loses_no_log_line(lab: Lab) -> None:
    """Two components count, and go on when the connection is lost; another one begins later and is started again."""
    count = (
        'i=0; while [ $i -lt 8000 ]; do i=$((i + 1)); echo "$i of $0";'
        " [ $i != 3000 ] || until [ -e ~/go ]; do sleep 0.05; done; done; sleep 1000"
    )
    lab.config(
        "for name, host in (('a', 'node1'), ('b', 'node2')):\n    config.add_component(Component(name=name, host=host,"
        f" executable='/bin/sh', args=['-c', util.literal({count!r}), name], start_index=1))\n"
        + CONFIG
        + "add('late', 'node1', 'echo begins; sleep 1000')\n"
    )
    lab.run("screen")
    with running(lab, "logs", "--follow") as fab:
        eventually(lambda: sessions_begun(lab.node1) > 1, "the logs")
        lab.run("start", "--limit", "a,b")
        begun = followed(fab, "a    | 3000 of a")
        cut(lab.node1)
        for host in (lab.node1, lab.node2):
            (host.home / "go").touch()
        lines = begun + followed(fab, "a    | 8000 of a")
        if "b    | 8000 of b" not in lines:
            lines += followed(fab, "b    | 8000 of b")
        lab.run("start", "--limit", "late")
        followed(fab, "late | begins")
        os.kill(int((lab.node1.state() / "late/pid").read_text()), signal.SIGTERM)
        eventually(lambda: (lab.node1.state() / "late/status").exists(), "its end")
        lab.run("start", "--limit", "late")
        followed(fab, "late | begins")
        os.killpg(fab.pid, signal.SIGINT)
        said, _ = fab.communicate(timeout=10)
    assert fab.returncode == 130
    assert "Traceback" not in said
    assert sum("the connection was lost; reconnecting" in line for line in lines) == 1
    for name in ("a", "b"):
        own = [line for line in lines if line.startswith(f"{name} ")]
        assert own == [f"{name}    | {number} of {name}" for number in range(1, 8001)]


def test_many_logs_take_one_channel_a_host(lab: Lab) -> None:
    """Each says 1,000 lines, 100 at a time, before and while they are followed."""
    for number in range(2):
        lab.farm.add(f"more{number}")
    hosts = list(lab.farm.hosts.values())
    count = "for begin in 0 1 2 3 4 5 6 7 8 9; do seq -f '%.0f of 1000' $((begin * 100 + 1)) $((begin * 100 + 100)); sleep 0.3; done; sleep 1000"
    lab.config(
        f"for number in range(20):\n    config.add_component(Component(name=f'c{{number}}',"
        f" host={[host.name for host in hosts]}[number % 5], executable='/bin/sh', args=['-c', util.literal({count!r})], start_index=1))\n"
    )
    lab.run("run")
    begun = [sessions_begun(host) for host in hosts]
    lines: list[str] = []
    with running(lab, "logs", "--follow") as fab:
        for _ in range(20):
            lines += followed(fab, " | 1000 of 1000")
        os.killpg(fab.pid, signal.SIGINT)
        fab.communicate(timeout=10)
    assert [sessions_begun(host) for host in hosts] == [number + 1 for number in begun]
    for number in range(20):
        label = f"c{number} ".ljust(4) + "| "
        own = [line.removeprefix(label) for line in lines if line.startswith(label)]
        assert own == [f"{number} of 1000" for number in range(1, 1001)], label


def test_restarted_component_has_new_log(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'echo $$')")
    for _ in range(2):
        lab.run("run", "--no-zombie")
        eventually(lambda: (lab.node1.state() / "a/status").exists(), "its end")
    pid = Path(lab.node1.state() / "a/pid").read_text().strip()
    assert lab.run("logs").stdout == f"a | {pid}\n"


def test_failed_host_is_reported_once(lab: Lab) -> None:
    lab.config(
        "for host in ('node1', 'node2'):\n    config.add_component(Component(name='a', host=host, executable='/x', start_index=1))"
    )
    lab.farm.stop(lab.node1)
    try:
        done = lab.fab("logs", "-c", "cfg.py")
    finally:
        lab.farm.start(lab.node1)
    assert done.returncode == 1
    first, last = done.stderr.splitlines()
    assert first.startswith("node1: logs: ") and first.endswith("connection refused")
    assert last == repeat_with(lab, "logs", "--limit", "node1/*")


def stamped(text: str) -> list[tuple[float, str]]:
    """The time and the text of each line of `fab logs --timestamps`, of one component."""
    lines = (line.partition(" | ")[2].partition(" ") for line in text.splitlines())
    return [(datetime.fromisoformat(stamp).timestamp(), line) for stamp, _, line in lines]


def noted(lab: Lab) -> list[list[str]]:
    """Return the times of component `a` that node1 has recorded."""
    file = lab.node1.state() / "a/times"
    return [line.split() for line in text(file).splitlines()]


def test_log_lines_have_times(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'echo one; head -n 1; head -n 1')")
    begun = int(time.time())
    lab.run("run", "--no-zombie")
    (session,) = (lab.node1.state() / "a/session").read_text().split()
    (window,) = (lab.node1.state() / "a/window").read_text().split()
    written: list[float] = []
    for word in ("two", "three"):  # the second one ends it, in the middle of a second
        eventually(lambda: len(noted(lab)) > len(written), "a note of what there is")
        eventually(lambda: time.time() > int(noted(lab)[-1][0]) + 1, "another second")
        written.append(time.time())
        lab.node1.run(f"screen -S {session} -p {window} -X stuff {word}'\\r'")
    eventually((lab.node1.state() / "a/status").exists, "its end")
    shown = stamped(lab.run("logs", "-t").stdout)
    assert [line for _, line in shown] == ["one", "two", "two", "three", "three"], "what was typed, and its echo"
    at = [stamp for stamp, _ in shown]
    assert begun <= at[0] < written[0]
    assert int(written[0]) <= at[1] <= at[2] <= written[0] + 2
    assert int(written[1]) <= at[3] <= at[4] <= written[1] + 2
    since = lab.run("logs", "--since", datetime.fromtimestamp(int(written[1])).isoformat()).stdout
    assert since == "a | three\na | three\n"


def has_put_out(lab: Lab, output: str, at: int) -> Path:
    """Let component `a` on node1 have put that out, the last of it at that time, and have ended; what is kept of it."""
    lab.config(CONFIG + "add('a', 'node1', 'exit 0')")
    lab.run("run")
    lab.run("kill")  # so that no notes are taken any more
    kept = lab.node1.state() / "a"
    (kept / "times").unlink(missing_ok=True)
    (kept / "output").write_text(output)
    os.utime(kept / "output", (at, at))
    return kept


def since(lab: Lab, seconds: int, *more: str) -> list[str]:
    """The lines that `fab logs` shows of component `a` since a time, in seconds since 1970."""
    moment = datetime.fromtimestamp(seconds).isoformat()
    return [line.removeprefix("a | ") for line in lab.run("logs", "--since", moment, *more).stdout.splitlines()]


def test_since_begins_with_a_whole_line(lab: Lab) -> None:
    before = "x" * 100_000 + "\n"
    kept = has_put_out(lab, f"{before}\0\0begun and ended\nlater\nlast", at=1000)
    sizes = [10, len(before), len(before) + 5, len(before) + 18]
    (kept / "times").write_text("".join(f"{100 * n} {size}\n" for n, size in enumerate(sizes, 1)))
    assert since(lab, 301) == since(lab, 400) == ["begun and ended", "later", "last"]
    assert since(lab, 300) == ["begun and ended", "later", "last"], "the line that goes on then"
    assert since(lab, 401) == since(lab, 1000) == ["later", "last"]
    assert since(lab, 1001) == []
    assert len(since(lab, 200)) == len(since(lab, 1)) == 4
    assert since(lab, 301, "-n", "2") == ["later", "last"]
    assert [stamp for stamp, _ in stamped(lab.run("logs", "-t").stdout)] == [200, 400, 1000, 1000]
    assert [stamp for stamp, _ in stamped(lab.run("logs", "-t", "-n", "3").stdout)] == [400, 1000, 1000]
    done = lab.fab("logs", "--since", "yesterday", "-c", "cfg.py")
    assert (done.returncode, done.stderr[:35]) == (2, "--since 'yesterday': invalid time; ")


def test_log_without_notes_has_last_write(lab: Lab) -> None:
    """As that of a component which was started by an older version."""
    has_put_out(lab, "one\ntwo\n", at=1000)
    shown = lab.run("-t", "9", "logs", "-t").stdout  # the first one is Fabric's, and a number
    assert stamped(shown) == [(1000, "one"), (1000, "two")]
    assert since(lab, 1000) == ["one", "two"]
    assert since(lab, 1001) == []


def test_followed_lines_have_times(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'exec cat')")
    lab.run("run")
    (session,) = (lab.node1.state() / "a/session").read_text().split()
    (window,) = (lab.node1.state() / "a/window").read_text().split()
    with running(lab, "logs", "-f", "-t", "--since", "1000") as fab:
        try:
            for word in ("one", "two"):
                before = int(time.time())
                lab.node1.run(f"screen -S {session} -p {window} -X stuff {word}'\\r'")
                lines = [*followed(fab, word), *followed(fab, word)]  # what was typed, and what cat makes of it
                for stamp, line in stamped("\n".join(lines)):
                    assert line == word
                    assert before <= stamp <= time.time()
        finally:
            os.killpg(fab.pid, signal.SIGINT)
            fab.communicate(timeout=10)
