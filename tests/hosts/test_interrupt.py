"""Ctrl-C: it ends the command, and components keep running."""

import os
import re
import shlex
import signal
import subprocess

import pytest

from tests.support.checkout import FAB
from tests.support.commands import running
from tests.support.farm import command_lines
from tests.support.lab import Lab
from tests.support.pid_programs import prepare
from tests.support.processes import alive, noted
from tests.support.waiting import eventually


def test_ctrl_c_lists_running_programs(lab: Lab) -> None:
    lab.write("parser.py", "def parse_args(extra_args, ssh_user):\n    return extra_args.split()\n")
    lab.write("rename.py", "def muddle(config):\n    for c in config.all_components():\n        c.name += '!'\n")
    prepare(lab, "for host in extra_options:\n    add('one', host, wait=True, args=['one'])")
    given = ["--arg-parser", "parser.py", "--extra-args", "node1 node2", "--muddler", "rename.py", "--screen", "mine"]
    with running(lab, "run", *given, "--pass", "secret word", "--collect", "--to", "a b") as fab:
        eventually(lambda: alive(lab.node1) == alive(lab.node2) == {"one"}, "both programs")
        assert fab.stdout
        for line in fab.stdout:
            if line.startswith("wait"):
                break
        os.killpg(fab.pid, signal.SIGINT)
        said, _ = fab.communicate(timeout=10)
    assert fab.returncode == 130
    for name in ("node1", "node2"):
        assert re.search(rf"^  {name}/one!  pid {noted(lab.farm.hosts[name])['one']}$", said, re.MULTILINE), said
    assert "Traceback" not in said
    assert "secret" not in said
    assert alive(lab.node1) == alive(lab.node2) == {"one"}
    (advice,) = re.findall("kill everything with: fab (.*)$", said, re.MULTILINE)
    *words, asking = shlex.split(advice)
    assert asking == "--prompt-for-login-password"
    (bring,) = re.findall("collect results with: fab (.*)$", said, re.MULTILINE)
    *brings, _ = shlex.split(bring)
    for each in (brings, words):
        done = subprocess.run([FAB, *each], cwd=lab.folder, env=lab.environment, capture_output=True)
        assert done.returncode == 0, done.stderr
    assert alive(lab.node1) == alive(lab.node2) == set()
    assert len(list(lab.folder.glob("a b/2*/run.json"))) == 1


@pytest.mark.transports
def test_ctrl_c_ends_wait_and_scripts(lab: Lab) -> None:
    prepare(lab, "add('one', wait=True, args=['one'])\nadd('two', localhost, wait=True, args=['two'])")
    with running(lab, "run") as fab:
        eventually(lambda: alive(lab.node1) == {"one"} and alive(lab.here) == {"two"}, "both programs")
        assert fab.stdout
        for line in fab.stdout:
            if line.startswith("wait"):
                break
        eventually(lambda: len(waiting_scripts(lab)) == 4, "scripts that wait, and their readers")
        os.killpg(fab.pid, signal.SIGINT)
        said, _ = fab.communicate(timeout=5)
    assert fab.returncode == 130, said
    assert "interrupted in wait; still waiting for localhost/two, node1/one" in said
    assert alive(lab.node1) | alive(lab.here) == {"one", "two"}
    eventually(lambda: not waiting_scripts(lab), "the end of the scripts that wait")


def waiting_scripts(lab: Lab) -> list[int]:
    """The shells on any host that were sent a script."""
    return [pid for pid, line in command_lines(lab.farm.folder).items() if b"eval" in line]


def test_ctrl_c_in_config_touches_no_host(lab: Lab) -> None:
    lab.config("open('begun', 'w').close()\nimport time; time.sleep(100)\n")
    with running(lab, "run") as fab:
        eventually((lab.folder / "begun").exists, "the config to be run")
        os.killpg(fab.pid, signal.SIGINT)
        said, _ = fab.communicate(timeout=5)
    assert (fab.returncode, said) == (130, "interrupted; no host was contacted\n")
