"""Homes that several machines share, and a machine with two names."""

import shlex
from pathlib import Path

import pytest

from tests.support.connections import away
from tests.support.farm import ThrowawayHost, own_name
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.privileges import NAMESPACE
from tests.support.soak import often

CONFIG = """
def add(name, host, files={"shared": "work/shared"}, **more):
    config.add_component(Component(name=name, host=host, executable="/bin/sh", args=["-c", "hostname; sleep 1000"],
        files=files, base_dir="~", start_index=1, **more))
"""
TWO = """
for name, host in ("a", "node1"), ("b", "other"):
    add("same", host)
    add(name, host, {name: "work/deep/" + name, "large": "work/large", "empty": "work/empty"})
"""


def machine_of_its_own(lab: Lab, name: str, home: ThrowawayHost) -> ThrowawayHost:
    """A host with the home of another one, and with a name, sockets, and temporary files of its own."""
    script = f'echo {name} >/proc/sys/kernel/hostname; export HOME={home.home}; cd; eval "$SSH_ORIGINAL_COMMAND"'
    return lab.farm.add(name, {"ForceCommand": f"exec {NAMESPACE} --uts sh -c {shlex.quote(script)}"})


def content(folder: Path) -> dict[str, str]:
    """The text of every file below a folder, by its path in there."""
    return {str(path.relative_to(folder)): text(path) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.root
@pytest.mark.parametrize("rounds", often([2], [10]))
def test_shared_home_has_two_states(lab: Lab, rounds: int) -> None:
    machine_of_its_own(lab, "other", lab.node1)
    lab.write("shared", "shared")
    lab.write("large", "1" * (1 << 20))
    lab.write("a", "of a")
    lab.write("b", "of b")
    (lab.folder / "empty").mkdir()
    lab.config(CONFIG + TWO)
    for _ in range(rounds):  # what both do at once, they should do in other orders, too
        lab.node1.run("rm -rf work")
        lab.run("run")
        expected = {"shared": "shared", "large": "1" * (1 << 20), "deep/a": "of a", "deep/b": "of b"}
        assert content(lab.node1.home / "work") == expected
        assert (lab.node1.home / "work/empty").is_dir()
        assert not list(lab.node1.home.rglob(".remote-runner-*"))
        assert lab.run("status").stdout.count("running") == 4
        logs = lab.run("logs").stdout.splitlines()
        assert {line.split("|")[1].strip() for line in logs if line.startswith("other/same")} == {"other"}
    assert "nothing sent" in lab.run("sync").stdout
    lab.run("kill", "--limit", "node1")
    done = lab.fab("status", "-c", "cfg.py")
    assert (done.stdout.count("running"), done.stdout.count("stopped")) == (2, 2)


def test_two_homes_may_share_a_folder(lab: Lab) -> None:
    common = lab.node3.home / "common"
    lab.write("f", "text" * 1000)
    lab.config(
        "for host in ('node1', 'node2', 'node3'):\n"
        f"    files = {{'f': f'{common}/{{host}}', str(__file__): f'{common}/new/{{host}}'}}\n"
        "    config.add_component(Component(name='a', host=host, executable='/x', start_index=1, files=files))\n"
    )
    names = {"node1", "node2", "node3"}
    for _ in range(3):  # they have to come at the same moment
        lab.node3.run("rm -rf common; mkdir common")
        lab.run("sync")
        assert {path.name for path in common.iterdir()} == names | {"new"}
        assert {path.name for path in (common / "new").iterdir()} == names


def test_machine_with_two_names_is_refused(lab: Lab) -> None:
    node1 = lab.node1
    with lab.farm.ssh_config.open("a") as ssh_config:
        login = f"User {own_name()}\n IdentityFile {lab.farm.key}"
        ssh_config.write(f"Host near\n HostName {node1.address}\n Port {node1.port}\n ProxyJump node2\n {login}\n")
        ssh_config.write(f" UserKnownHostsFile {lab.farm.known_hosts}\n")
    lab.config(CONFIG + "add('a', 'near', {})\nadd('b', 'node1', {})\nadd('c', 'node3', {})")
    done = lab.fab("kill", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr == (
        "near and node1: connect: are the same home on the same host; use only one of these names in all components;"
        " any of these may still run: near/a, node1/b\n"
        "2 hosts failed; the other hosts are done\n"
    ), "the command would fail again, so it does not say how to repeat it"
    assert "node3  nothing to end" in done.stdout
    with away(lab.farm, lab.node3):  # a repeat is for this host alone
        done = lab.fab("stop", "-c", "cfg.py")
    assert done.stderr.splitlines()[-1].startswith("repeat with: ") and "--limit 'node3/*'" in done.stderr
