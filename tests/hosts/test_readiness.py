"""Readiness: a larger start index begins when all smaller ones are ready."""

import json
import os
import re
import signal

import pytest

from tests.support.commands import read_line, running
from tests.support.connections import sessions_begun
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.outcomes import repeat_with
from tests.support.ports import free_port
from tests.support.processes import looks
from tests.support.waiting import eventually

CONFIG = '''
import sys
def add(name, script, index=1, host="node1", executable="/bin/sh", flag="-c", **more):
    config.add_component(Component(
        name=name, host=host, start_index=index, executable=executable, args=[flag, script], **more))
def serve(port):
    return f"""import pathlib, socket, time
time.sleep(0.7)  # so that it is not ready at once
pathlib.Path.home().joinpath("port").touch()
server = socket.create_server(("127.0.0.1", {port}))
time.sleep(1000)  # it goes on
"""
'''
LATER = "add('later', 'exec sleep 1000', index=2, host='node2')\n"


def failing(lab: Lab, *words: str) -> str:
    lab.run("screen")
    done = lab.fab("start", "-c", "cfg.py", *words)
    assert done.returncode == 1, done.stdout
    assert "later" not in done.stdout
    assert not (lab.node2.state() / "later").exists()
    return done.stderr


@pytest.mark.parametrize("host", ["node1", "localhost"])
def test_next_index_waits_for_readiness(lab: Lab, host: str) -> None:
    port = free_port("127.0.0.1")
    lab.config(
        CONFIG
        + f"host = {host!r}\n"
        + "LOG = util.log(r'it is up: \\d+$')\n"
        + f"add('port', serve({port}), host=host, executable=sys.executable, ready=util.port({port}))\n"
        + r"""add('log', r'sleep 0.8; : >~/log; printf "\033[32mit is\033[0m up: 42\r\n"; exec sleep 1000', host=host, ready=LOG)"""
        + "\nadd('command', util.literal('sleep 0.9; : >$FILE; exec sleep 1000'), host=host, env={'FILE': '$HOME/command'}, ready=util.command('test -e $FILE'))\n"
        + "add('ended', 'sleep 0.6; : >~/ended', host=host, ready=util.ended())\n"
        + "add('plain', 'exec sleep 1000', host=host)\n"
        + LATER
    )
    lab.run("screen")
    before = sessions_begun(lab.node1)
    done = lab.run("start")
    machine = lab.here if host == "localhost" else lab.node1
    assert sessions_begun(lab.node1) - before == 3 * (host == "node1")  # to connect, for all of the start, and to check
    ready = {name: (machine.state() / name / "ready").stat().st_mtime for name in ("port", "log", "command", "ended")}
    for name, when in ready.items():
        assert when >= (machine.home / name).stat().st_mtime  # which it touches just before
    assert (lab.node2.state() / "later/started").stat().st_mtime >= max(ready.values())
    lines = done.stdout.splitlines()
    for name, what in (("port", f"port {port}"), ("command", "command test -e $FILE"), ("ended", "ended")):
        assert any(line.startswith(f"  {host}/{name}  ready after ") and line.endswith(f" s: {what}") for line in lines)
    found = {each["name"]: each["state"] for each in json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)}
    expected = dict.fromkeys(("port", "log", "command"), "ready") | dict.fromkeys(("plain", "later"), "running")
    assert found == expected | {"ended": "ended"}


# The launcher of `late` needs 2 s before it executes the program: so long it computes the tag.
SLOW_TAG = r"""#!/bin/sh
[ $# -eq 0 ] || exec /usr/bin/sha1sum "$@"
folder=$(cat)
case $folder in */late) sleep 2 ;; esac
printf %s "$folder" | /usr/bin/sha1sum
"""


def test_times_count_from_each_start(lab: Lab) -> None:
    """Each is ready after 1 s. The first checks in index 1 wait for `late`. Index 2 starts when both are ready."""
    host = lab.farm.add("slow", {"ForceCommand": 'PATH=$HOME/bin:$PATH; cd; exec sh -c "$SSH_ORIGINAL_COMMAND"'})
    (host.home / "bin").mkdir()
    (host.home / "bin/sha1sum").write_text(SLOW_TAG)
    (host.home / "bin/sha1sum").chmod(0o755)
    lab.config(
        CONFIG
        + "for name, index in (('early', 1), ('late', 1), ('second', 2)):\n"
        + "    add(name, 'sleep 1; echo up; exec sleep 1000', index, 'slow', ready=util.log('up'))\n"
    )
    lab.run("screen")
    said = lab.run("start").stdout
    seconds = {name: float(time) for name, time in re.findall(r"  slow/(\w+)  ready after ([\d.]+) s: log up", said)}
    assert set(seconds) == {"early", "late", "second"}, said
    assert seconds["early"] >= 1.5 and seconds["late"] >= 2.5, "not from the first check"
    assert 1 <= seconds["second"] < 2.5, "not from the begin of the command"


def test_early_end_fails_the_run(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'seq 30; exit 3', ready=util.log('never'))\nadd('b', 'exec sleep 1000')\n" + LATER)
    said = failing(lab)
    lines = said.splitlines()
    assert (
        lines[0]
        == "node1/a: start 1: ended with exit status 3 before it was ready: log never; last lines of its output:"
    )
    shown = [int(line.removeprefix("  | ")) for line in lines[1:-2]]
    assert shown == list(range(11, 31))
    assert lines[-2:] == [
        "start 1 failed; later stages were not started",
        repeat_with(lab, "start", "--limit", "node1/a,node2/*"),
    ]


def test_last_check_output_is_reported(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'exec sleep 1000', ready=util.command('echo not yet; exit 7', timeout=2))")
    lab.run("screen")
    done = lab.fab("start", "-c", "cfg.py")
    assert "; its last check ended with exit status 7: not yet; the program keeps running\n" in done.stderr


@pytest.mark.transports
def test_log_match_at_the_end_counts(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'sleep 0.5; echo it is up', ready=util.log('is up'))")
    lab.run("screen")
    assert "node1/a  ready after" in lab.run("start").stdout


def test_log_matches_the_text_of_logs(lab: Lab) -> None:
    lab.config(
        CONFIG
        + r"""
texts = {
    "colour": (r"\033[32mServer up\033(B\033[m\n", "^Server up$"),
    "umlaut": (r"Gr\303\266\303\237e: \377\n", r"^Größe: .$"),
    "letter": (r"\303\266\n", r"^\w$"),
    "bar": (r"10%%\r100%%\n", "^100%$"),
    "title": (r"\033]0;top\007a\bup\n", "^up$"),
}
for name, (text, regex) in texts.items():
    add(name, util.literal(f"printf '{text}'; exec sleep 1000"), ready=util.log(regex, timeout=5))
add("parts", "printf 'it '; sleep 0.7; echo is; exec sleep 1000", ready=util.log("^it is$", timeout=5))
"""
    )
    lab.run("screen")
    assert lab.run("start").stdout.count("  ready after ") == 6


def test_unready_component_fails_the_run(lab: Lab) -> None:
    lab.config(
        CONFIG
        + "add('log', 'echo hello; exec sleep 1000', ready=util.log('never', timeout=1))\n"
        + "add('command', 'exec sleep 1000', ready=util.command('echo no, not yet >&2; exit 7', timeout=1.5))\n"
        + "add('slow', 'exec sleep 1000', ready=util.command('sleep 1000', timeout=1))\n"
        + "add('ended', 'exec sleep 1000', ready=util.ended(timeout=1))\n"
        + LATER
    )
    said = failing(lab)
    runs = "; the program keeps running"
    assert (
        f"node1/log: start 1: was not ready within 1 s: log never{runs}; last line of its output:\n  | hello\n" in said
    )
    late = f"its last check ended with exit status 7: no, not yet{runs}\n"
    assert f"node1/command: start 1: was not ready within 1.5 s: command echo no, not yet >&2; exit 7; {late}" in said
    assert "node1/slow: start 1: was not ready within 1 s: command sleep 1000" in said
    assert f"node1/ended: start 1: did not end within 1 s{runs}\n" in said
    found = json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)
    assert {each["problem"] for each in found if each["name"] != "later"} == {"was not ready in time"}
    found = {each["name"]: each["state"] for each in json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)}
    assert found["log"] == "failed"
    lab.run("stop", "--limit", "log")
    (ended,) = json.loads(lab.fab("status", "--json", "--limit", "log", "-c", "cfg.py").stdout)
    assert (ended["state"], ended["signal"], ended["problem"]) == ("stopped", "SIGTERM", None)


def test_used_port_prevents_start(lab: Lab) -> None:
    port = lab.node1.port  # its own sshd
    lab.config(CONFIG + f"add('a', 'exec sleep 1000', ready=util.port({port}))\n" + LATER)
    assert f"node1/a: start 1: port {port} is already in use on the host" in failing(lab)
    assert not (lab.node1.state() / "a").exists()


def test_running_component_is_checked_again(lab: Lab) -> None:
    port = free_port("127.0.0.1")
    lab.config(CONFIG + f"add('a', serve({port}), executable=sys.executable, ready=util.port({port}))\n")
    lab.run("screen")
    lab.run("start")
    (lab.node1.state() / "a/ready").unlink()
    assert "node1/a  already running" in lab.run("start").stdout
    assert (lab.node1.state() / "a/ready").exists()


def test_ctrl_c_ends_the_checks(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'exec sleep 1000', ready=util.log('never'))\n" + LATER)
    lab.run("screen")
    with running(lab, "start") as fab:
        eventually(lambda: bool(text(lab.node1.state() / "a/pid")), "the start")
        eventually(lambda: looks(lab.node1) == 1, "a look at it")
        eventually(lambda: "node1/a  started" in read_line(fab), "what is said of it")
        fab.send_signal(signal.SIGINT)
        said, _ = fab.communicate(timeout=20)
    assert fab.returncode == 130
    pid = text(lab.node1.state() / "a/pid").strip()
    assert f"still running:\n  node1/a  pid {pid}\nkill everything with: " in said
    eventually(lambda: looks(lab.node1) == 0, "the end of the looking")


def test_unready_component_may_become_ready(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'exec sleep 1000', ready=util.command('test -e ~/go', timeout=1))")
    lab.run("screen")
    assert lab.fab("start", "-c", "cfg.py").returncode == 1
    (lab.node1.home / "go").touch()
    lab.run("restart")
    (found,) = json.loads(lab.run("status", "--json").stdout)
    assert (found["state"], found["problem"]) == ("ready", None)


def test_reused_launcher_id_is_noticed(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'exec sleep 1000', ready=util.log('never', timeout=30))")
    lab.run("screen")
    bystander = lab.node1.run("sleep 1000 >/dev/null 2>&1 & echo $!")
    kept = lab.node1.state() / "a"
    with running(lab, "start") as fab:
        eventually(lambda: "node1/a  started" in read_line(fab), "the start")
        launcher = int(text(kept / "launcher.pid"))
        (kept / "launcher.pid").write_text(bystander)
        os.kill(launcher, signal.SIGKILL)
        said, _ = fab.communicate(timeout=20)
    os.kill(int(bystander), signal.SIGTERM)
    assert "node1/a: start 1: was killed before it was ready: log never" in said


def test_port_of_ended_program_is_not_ready(lab: Lab) -> None:
    """A child still listens. With `daemonize` programs, that would be ready for ever."""
    port = free_port("127.0.0.1")
    leaves = "import os, socket, time\nserver = socket.create_server(('127.0.0.1', %d))\nos.fork() and os._exit(0)\nos.setsid()\n"
    lab.config(
        CONFIG
        + f"add('port', {leaves % port + 'time.sleep(1000)'!r}, executable=sys.executable, ready=util.port({port}))\n"
        + LATER
    )
    assert "node1/port: start 1: ended with exit status 0 before it was ready" in failing(lab)
