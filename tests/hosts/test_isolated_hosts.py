"""`./dev hosts --isolated`: hosts that share no process ids, and end with their starter."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.support.checkout import ROOT
from tests.support.farm import Farm, ThrowawayHost, processes_of
from tests.support.lab import Lab
from tests.support.waiting import eventually

CONFIG = """
for host in ("node1", "node2"):
    script = f"echo up on $(hostname); exec sleep 10{host[-1]}"
    config.add_component(Component(name="nap", host=host, executable="/bin/sh", args=["-c", script], start_index=1,
        ready=util.log("up")))
"""
pytestmark = pytest.mark.root
ENDS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL]


@attrs.frozen
class Starter:
    """A process of `inv hosts --isolated` in a copy of the project, so that hosts of the checkout are left alone."""

    project: Path
    process: subprocess.Popen[str]
    folder: Path  # of the hosts

    def hosts(self, *words: str) -> str:
        """Run `inv hosts` with these words; return its output."""
        command = [sys.executable, "-m", "invoke", "hosts", *words]
        done = subprocess.run(command, cwd=self.project, capture_output=True, text=True, check=True)
        return done.stdout

    def inits(self) -> list[int]:
        """Return the process ids that the sshd of each host has outside of its namespace."""
        parents = [(self.folder / name / "sshd.pid").read_text() for name in ("node1", "node2")]
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", ",".join(parents)], capture_output=True, text=True)
        return list(map(int, found.stdout.split()))

    def namespaces(self) -> set[str]:
        """Return the PID namespaces of the hosts, which the kernel numbers."""
        return {str(Path(f"/proc/{pid}/ns/pid").readlink()) for pid in self.inits()}


def inhabitants(namespaces: set[str]) -> list[str]:
    """Return the command lines of all processes of this machine that are in these namespaces."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str((process / "ns/pid").readlink()) in namespaces:
                found.append((process / "cmdline").read_text())
        except OSError:  # it has ended
            continue
    return found


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    """Yield a starter whose two hosts are up. They are killed afterwards, if they are left."""
    project = tmp_path / "project"
    shutil.copytree(ROOT / "tests/support", project / "tests/support")
    shutil.copy(ROOT / "tasks.py", project)
    command = [sys.executable, "-u", "-m", "invoke", "hosts", "--isolated", "--count", "2"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout
        last = ""
        while "Ctrl-C" not in last:
            last = process.stdout.readline()
            assert last, "it has ended"
        folder = (project / ".hosts").resolve()
        try:
            yield Starter(project, process, folder)
        finally:
            process.kill()
            if folder.exists():
                Farm.at(folder).close()


@pytest.fixture
def isolated_lab(starter: Starter, lab: Lab) -> Lab:
    """Return a lab with the isolated hosts."""
    hosts = {name: ThrowawayHost(name, starter.folder / name, "", 0, is_isolated=True) for name in ("node1", "node2")}
    farm = Farm.at(starter.folder)
    farm.hosts.update(hosts)
    return attrs.evolve(lab, farm=farm)


def states(lab: Lab) -> list[tuple[str, ...]]:
    """Return host and state of each component."""
    return re.findall(r"^(node\d) +nap +(\w+)", lab.run("status").stdout, re.MULTILINE)


def test_isolated_hosts_share_no_processes(isolated_lab: Lab, starter: Starter) -> None:
    lab = isolated_lab
    lab.config(CONFIG)
    lab.run("run")
    assert states(lab) == [("node1", "ready"), ("node2", "ready")]
    for host, own, other in ((lab.node1, "sleep 101", "sleep 102"), (lab.node2, "sleep 102", "sleep 101")):
        commands = host.run("ps -ax -o pid= -o args=").splitlines()
        assert any(line.endswith(own) for line in commands) and not any(line.endswith(other) for line in commands)
        assert re.match(r" *1 sshd: ", commands[0])
        assert host.run("hostname") == f"{host.name}\n"
        assert (host.state() / "nap/output").read_text() == f"up on {host.name}\n"
        assert host.run("getent hosts node2").split() == ["127.0.0.12", "node2"]
    lab.run("kill", "--limit", "node1/*")
    assert [line for line in inhabitants(starter.namespaces()) if "sleep\00010" in line] == ["sleep\000102\0"]
    assert states(lab) == [("node1", "stopped"), ("node2", "ready")]
    lab.run("stop")
    assert states(lab) == [("node1", "stopped"), ("node2", "stopped")]


@pytest.mark.parametrize("number", ENDS, ids=[number.name for number in ENDS])
def test_isolated_hosts_end_with_their_starter(starter: Starter, number: signal.Signals) -> None:
    """Programs that have left their kernel session end, too."""
    namespaces = starter.namespaces()
    assert len(namespaces) == 2
    ssh = ["ssh", "-F", str(starter.folder / "ssh_config"), "node2"]
    subprocess.run([*ssh, "setsid env -i sleep 1000 >/dev/null 2>&1 & screen -dmS s sleep 1000"], check=True)
    eventually(lambda: sum(line.startswith("sleep") for line in inhabitants(namespaces)) == 2, "two programs")
    starter.process.send_signal(number)
    starter.process.wait(10)
    eventually(lambda: not inhabitants(namespaces), "all processes of the hosts end")
    eventually(lambda: not list(processes_of(starter.folder)), "all marked processes end")
    if number == signal.SIGKILL:
        starter.hosts("--stop")
    else:
        assert starter.process.returncode == 0
    assert not starter.folder.exists() and not (starter.project / ".hosts").is_symlink()


def test_stop_ends_isolated_hosts(starter: Starter) -> None:
    namespaces = starter.namespaces()
    assert starter.hosts("--stop") == "stopped the throwaway hosts\n"
    eventually(lambda: not inhabitants(namespaces), "all processes of the hosts end")
    assert starter.process.wait(10) == 0
    assert not starter.folder.exists()
    assert starter.hosts("--stop") == "no throwaway hosts are running\n"


def test_init_of_a_host_ends_it(starter: Starter) -> None:
    """The starter ends with the last host."""
    namespaces = starter.namespaces()
    one, other = starter.inits()
    os.kill(one, signal.SIGKILL)
    eventually(lambda: sum(bool(inhabitants({each})) for each in namespaces) == 1, "one host ends")
    assert starter.process.poll() is None
    os.kill(other, signal.SIGKILL)
    assert starter.process.wait(10) == 0
    assert not starter.folder.exists()


def test_missing_right_to_isolate_is_named(tmp_path: Path) -> None:
    command = ["setpriv", "--bounding-set=-sys_admin", sys.executable, "-m", "invoke", "hosts", "--isolated"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.fullmatch(
        "--isolated: cannot create namespaces: unshare: unshare failed: Operation not permitted; "
        r"run `\./dev hosts` without it, or in a container with `--privileged`\n",
        done.stderr,
    )
