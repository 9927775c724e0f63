"""Hosts to which the program ssh connects: `--transport openssh`, and settings that only ssh obeys."""

import contextlib
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fabric import Config as Settings
from paramiko.config import SSHConfig

from fabfile.remote.ask import ask
from fabfile.remote.script import Script
from fabfile.ssh.connection import connection_settings
from fabfile.ssh.host_group import HostGroup
from fabfile.ssh.openssh.host import OpenSshHost
from fabfile.util.errors import ConnectionLost, HostError
from rr_config import Options
from tests.support.commands import running
from tests.support.connections import connections, cut
from tests.support.farm import ThrowawayHost, own_name
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.stages import configure, hanging_kill
from tests.support.waiting import eventually

SAYS_HELLO = Script(
    "answer() { printf '%s\\0' \"$*\"; }\nanswer 'remote-runner boot machine home'\nmain() { answer hello; }\n"
)
# Settings that would keep a connection from opening, or a script from running, if they were not overridden.
ODD = """\
ControlMaster auto
ControlPath {folder}/mine
ControlPersist yes
RemoteCommand false
RequestTTY force
PermitLocalCommand yes
LocalCommand touch {folder}/local
LocalForward {folder}/forwarded 127.0.0.1:1
LogLevel QUIET
BatchMode yes
ForkAfterAuthentication yes
SessionType subsystem
StdinNull yes
EscapeChar x
"""


@contextlib.contextmanager
def opened(lab: Lab, *names: str, config: Path | None = None, **options: Any) -> Iterator[HostGroup]:
    """Yield hosts, to which ssh connects by default."""
    settings = Settings(runtime_ssh_path=str(config or lab.farm.ssh_config))
    group = HostGroup(names, connection_settings(settings), Options(**{"transport": "openssh"} | options))
    try:
        yield group
    finally:
        group.close()


def section(lab: Lab, name: str, host: ThrowawayHost, *lines: str) -> Path:
    """Write an ssh config with one host, whose key is not known. Return its path."""
    usual = [f"Host {name}", f"HostName {host.address}", f"Port {host.port}", f"User {own_name()}"]
    usual += [f"IdentityFile {lab.farm.key}", "IdentitiesOnly yes", f"UserKnownHostsFile {lab.folder}/known"]
    return lab.write("ssh_config", "\n".join([*usual, *lines, ""]))


def test_config_object_of_the_caller_is_obeyed(lab: Lab) -> None:
    """ssh cannot read it from a file."""
    settings = Settings(ssh_config=SSHConfig.from_path(str(section(lab, "only-here", lab.node1))))
    group = HostGroup(["only-here"], connection_settings(settings), Options(transport="openssh"))
    with contextlib.closing(group):
        assert says_hello(group, "only-here")


def says_hello(group: HostGroup, name: str = "node1") -> bool:
    return ask(group.hosts[name], SAYS_HELLO) == ["hello"]


def reason(group: HostGroup, name: str = "node1") -> str:
    """Return why a host cannot be reached."""
    with pytest.raises(HostError) as caught:
        group.hosts[name].connect()
    return str(caught.value)


def masters(parent: int) -> dict[int, Path]:
    """Return the ssh processes that a process has started, with their private folders."""
    found = {}
    for number in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
        if text(Path(f"/proc/{number}/stat")).rpartition(") ")[2].split()[1:2] == [str(parent)]:
            words = text(Path(f"/proc/{number}/cmdline")).split("\0")
            if words[:2] == ["ssh", "-F"]:
                found[int(number)] = Path(words[2]).parent
    return found


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_killed_controller_leaves_nothing(lab: Lab) -> None:
    configure(lab, ["node1"])
    with hanging_kill(lab.node1) as wait_until_it_hangs, running(lab, "kill", "--transport", "openssh") as fab:
        wait_until_it_hangs()
        [(master, private)] = masters(fab.pid).items()
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        fab.kill()
        fab.communicate()
        eventually(lambda: not private.exists(), "the folder is removed")
        eventually(lambda: is_gone(master), "ssh ends")
        eventually(lambda: not connections(lab.node1), "the connection is closed")


def test_odd_settings_do_not_hinder_scripts(lab: Lab) -> None:
    config = section(lab, "node1", lab.node1, ODD.format(folder=lab.folder))
    with opened(lab, "node1", config=config) as group:
        assert says_hello(group) and says_hello(group)
    assert not list(lab.folder.glob("mine*")) and not (lab.folder / "local").exists()
    assert not (lab.folder / "forwarded").exists()
    eventually(lambda: not connections(lab.node1), "the connection is closed")


@pytest.mark.parametrize("strictness", ["", "StrictHostKeyChecking ask", "StrictHostKeyChecking no"])
def test_ssh_refuses_a_changed_key(lab: Lab, strictness: str) -> None:
    config = section(lab, "node1", lab.node1, strictness)
    known = lab.folder / "known"
    with opened(lab, "node1", config=config) as group:
        assert says_hello(group)
    assert len(known.read_text().splitlines()) == 1
    other = (lab.node2.folder / "host_key.pub").read_text().split()[1]
    name, kind, _ = known.read_text().split()[:3]
    known.write_text(f"# mine\n{name} {kind} {other}\n")
    with opened(lab, "node1", config=config) as group:
        assert f"host key differs from {known} line 2" in reason(group)


def test_ssh_refuses_an_unknown_key_if_strict(lab: Lab) -> None:
    config = section(lab, "node1", lab.node1)
    with opened(lab, "node1", config=config, host_keys="strict") as group:
        assert "host key ED25519 is not in the known_hosts files" in reason(group)
    assert not (lab.folder / "known").exists()


@pytest.mark.parametrize("mode", ["accept-new", "strict"])
def test_mode_applies_to_gateways(lab: Lab, mode: str) -> None:
    """A gateway has its own process of ssh, which gets no options of the command line."""
    both = [f"User {own_name()}", f"IdentityFile {lab.farm.key}", f"UserKnownHostsFile {lab.folder}/known"]
    far = ["Host far", f"HostName {lab.node2.address}", f"Port {lab.node2.port}", "ProxyJump gate", *both]
    config = section(lab, "gate", lab.node1, "StrictHostKeyChecking ask", *far)
    with opened(lab, "far", config=config, host_keys=mode) as group:
        if mode == "strict":
            assert "host key ED25519 is not in the known_hosts files" in reason(group, "far")
        else:
            assert says_hello(group, "far")
            assert len((lab.folder / "known").read_text().splitlines()) == 2


def test_message_of_proxy_command_is_shown(lab: Lab) -> None:
    config = section(lab, "node1", lab.node1, "ProxyCommand sh -c 'echo no way to %h >&2; exit 3'")
    with opened(lab, "node1", config=config) as group:
        assert (
            reason(group) == f"{lab.node1.address} port {lab.node1.port}: gateway failed: no way to {lab.node1.address}"
        )


def test_known_hosts_command_is_obeyed_by_ssh(lab: Lab) -> None:
    key = " ".join((lab.node1.folder / "host_key.pub").read_text().split()[:2])
    line = f"KnownHostsCommand /bin/echo [{lab.node1.address}]:{lab.node1.port} {key}"
    config = section(lab, "node1", lab.node1, line, "StrictHostKeyChecking yes")
    with opened(lab, "node1", config=config, transport="openssh") as group:
        assert isinstance(group.hosts["node1"], OpenSshHost)
        assert says_hello(group)
    assert not (lab.folder / "known").exists()


def test_ssh_cannot_open_a_session(lab: Lab) -> None:
    lab.farm.add("none", {"MaxSessions": "0"})
    with opened(lab, "none") as group, pytest.raises(HostError, match="refused a session on the open connection"):
        says_hello(group, "none")


def test_lost_ssh_connects_again(lab: Lab) -> None:
    with opened(lab, "node1") as group:
        assert says_hello(group)
        [first] = masters(os.getpid())
        cut(lab.node1)
        eventually(lambda: not connections(lab.node1), "the connection is cut")
        with contextlib.suppress(ConnectionLost):  # ssh may not have noticed it yet
            says_hello(group)
        assert says_hello(group)
        assert [*masters(os.getpid())] != [first]


def test_missing_ssh_is_reported(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(lab.folder))
    with opened(lab, "node1") as group:
        assert reason(group) == "the program ssh is missing on this machine; install openssh-client"


def test_stopped_ssh_is_killed(lab: Lab) -> None:
    with opened(lab, "node1") as group:
        assert says_hello(group)
        [master] = masters(os.getpid())
        os.kill(master, signal.SIGSTOP)
    assert is_gone(master)
    eventually(lambda: not connections(lab.node1), "the connection is closed")
