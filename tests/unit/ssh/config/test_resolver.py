"""The ssh config of connections: which files count, when ssh is asked, and what errors say."""

import os
import shutil
import time
from pathlib import Path

import pytest
from fabric import Config, Connection
from paramiko.config import SSHConfig

from fabfile.ssh.config import openssh
from fabfile.ssh.config.environment import session_variables
from fabfile.ssh.config.lookup import Login
from fabfile.ssh.config.reader import ConfigFile, Sources, read
from fabfile.ssh.config.resolver import Resolver, SshConfigError, asked_for, resolver_of
from fabfile.ssh.connection import connection_settings
from fabfile.ssh.fabric_patches import UnreadSettings
from fabfile.ssh.host_group import HostGroup
from rr_config import Options, util

SSH = shutil.which("ssh") or "ssh"


@pytest.fixture(name="config")
def empty_config(tmp_path: Path) -> Path:
    return tmp_path / "config"


@pytest.fixture(name="calls")
def noted_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an ssh on the PATH that notes its calls, and executes the real one; return the file with the notes."""
    calls = tmp_path / "calls"
    calls.touch()
    program = tmp_path / "bin/ssh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >>{calls}\nexec {SSH} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return calls


def group(config: Path, names: list[str], user: str | None = None) -> HostGroup:
    return HostGroup(names, connection_settings(UnreadSettings(runtime_ssh_path=str(config))), Options(ssh_user=user))


def logins(hosts: HostGroup) -> list[tuple[str, str, int]]:
    return [(each.user, each.host, each.port) for each in hosts]


def test_plain_config_needs_no_ssh(config: Path, calls: Path) -> None:
    config.write_text("Host a\n Port 5\nMatch final host b\n User bob\nHost ?\n ProxyJump gate\nHost gate\n Port 9\n")
    hosts = group(config, ["a", "b"])
    assert [each.port for each in hosts] == [5, 22]
    assert hosts[1].user == "bob"
    assert calls.read_text() == ""


def test_ssh_is_asked_once_per_host(config: Path, calls: Path) -> None:
    config.write_text('Match exec "test %n = n1"\n User first\nHost n*\n ProxyJump gate\n')
    names = [f"n{number}" for number in range(4)]
    hosts = group(config, names)
    assert [each.user == "first" for each in hosts] == [False, True, False, False]
    asked = [line.split()[-1] for line in calls.read_text().splitlines()]
    assert sorted(each for each in asked if each != "host") == ["gate", *names]


def test_hosts_are_resolved_at_once(config: Path) -> None:
    config.write_text('Match exec "sleep 0.5"\n Port 7\n')
    began = time.monotonic()
    hosts = group(config, [f"n{number}" for number in range(6)])
    assert time.monotonic() - began < 2
    assert {each.port for each in hosts} == {7}


def test_doubtful_line_is_checked_once(config: Path, calls: Path) -> None:
    """ssh accepts the value, which matters to no host in use."""
    config.write_text("Host other\n Ciphers +aes128-cbc\nHost *\n Port 4\n")
    hosts = group(config, [f"n{number}" for number in range(9)])
    assert {each.port for each in hosts} == {4}
    assert len(calls.read_text().splitlines()) == 2, "one host, and the defaults"


def test_given_user_matters_to_its_host_alone(config: Path) -> None:
    config.write_text("Match user alice\n Port 5\nHost node?\n ProxyJump gate\n")
    hosts = group(config, ["node1", "bob@node2", "alice@node3:7"], user="alice")
    assert logins(hosts) == [("alice", "node1", 5), ("bob", "node2", 22), ("alice", "node3", 7)]
    assert [each.gateway.port for each in hosts] == [22, 22, 22]


def test_error_names_host_and_line(config: Path) -> None:
    config.write_text("Port 22\n\nCompresion yes\n")
    with pytest.raises(ValueError) as problem:
        group(config, ["node1"])
    words = f"{config}: line 3: Bad configuration option: compresion"
    assert str(problem.value) == f"node1: invalid ssh config: {words}"


def test_missing_ssh_matters_to_few_hosts(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text("Host a\n Port 5\nHost b\n Ciphers +aes128-cbc\n")
    monkeypatch.setenv("PATH", "/nowhere")
    resolver = resolver_of(config)
    assert resolver.lookup("a")["port"] == "5"
    words = rf"{config} line 4: Ciphers \+aes128-cbc .*: needs the program ssh, which is not installed"
    with pytest.raises(SshConfigError, match=words):
        resolver.lookup("b")


@pytest.mark.parametrize("problem", ["writable", pytest.param("foreign", marks=pytest.mark.root)])
def test_bad_included_file_is_refused_as_by_ssh(config: Path, problem: str) -> None:
    config.write_text(f"Include {config}.d/*\n")
    included = config.with_name("config.d") / "x"
    included.parent.mkdir()
    included.write_text("Port 5\n")
    included.chmod(0o666 if problem == "writable" else 0o600)
    if problem == "foreign":
        os.chown(included, 4711, 0)
    with pytest.raises(ValueError) as by_ssh:
        openssh.ask(SSH, Sources(config), Login("h"))
    with pytest.raises(SshConfigError) as ours:
        resolver_of(config).lookup("h")
    assert str(by_ssh.value) in str(ours.value)


def test_link_to_nowhere_is_skipped_as_by_ssh(config: Path) -> None:
    config.write_text(f"Include {config}.d/*\nPort 5\n")
    config.with_name("config.d").mkdir()
    (config.with_name("config.d") / "x").symlink_to("nowhere")
    assert openssh.ask(SSH, Sources(config), Login("h"))["port"] == "5"
    assert resolver_of(config).lookup("h")["port"] == "5"


def test_missing_file_is_an_error(config: Path) -> None:
    with pytest.raises(ValueError, match=f"Can't open user config file {config}: No such file or directory"):
        resolver_of(config)


def files_of(folder: Path) -> tuple[Path, Path]:
    user, system = folder / "user", folder / "system"
    user.write_text("IdentityFile /k\nMatch host a\n Port 1\n")
    system.write_text("Port 2\nUser sys\nIdentityFile /k\nMatch final all\n Compression yes\nMatch exec true\n")
    return user, system


def test_user_file_wins_over_system_file(tmp_path: Path) -> None:
    user, system = files_of(tmp_path)
    system.write_text(system.read_text().replace("Match exec true\n", ""))
    files = [ConfigFile(user, True, True, False), ConfigFile(system, False, False, False)]
    found = Resolver(files, Sources(None, user, system)).resolve(Login("a"))
    assert isinstance(found, dict)
    assert (found["port"], found["user"], found["compression"]) == ("1", "sys", "yes")
    assert found["identityfile"] == ["/k", "/k"], "as ssh has it"


def test_ssh_reads_both_files_of_another_home(tmp_path: Path) -> None:
    """ssh takes the home folder from the passwd file; $HOME may differ in tests."""
    user, system = files_of(tmp_path)
    found = openssh.ask(SSH, Sources(None, user, system), Login("a"))
    assert (found["port"], found["user"], found["compression"]) == ("1", "sys", "yes")


def test_config_of_this_machine_agrees_with_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = connection_settings(UnreadSettings())
    done = openssh.ask(SSH, Sources(None, Path.home() / ".ssh/config", openssh.SYSTEM), Login("h"))
    assert {**openssh.defaults(SSH), **dict(settings.base_ssh_config.lookup("h")), "host": ""} == {
        **openssh.defaults(SSH),
        **done,
        "host": "",
    }


def test_caller_may_give_an_object(config: Path) -> None:
    config.write_text("Port 1\n")
    given = SSHConfig.from_text("Port 3\n")
    assert port(Config(ssh_config=given)) == port(Config(ssh_config=given).clone()) == "3"
    assert port(Config(ssh_config=given, runtime_ssh_path=str(config))) == "3"
    assert port(Config(runtime_ssh_path=str(config))) == port(Config(runtime_ssh_path=str(config)).clone()) == "1"
    assert port(Config(overrides={"load_ssh_configs": False})) is None


def port(settings: Config) -> str | None:
    found: str | None = connection_settings(settings).base_ssh_config.lookup("h").get("port")
    return found


def test_agent_with_a_path_is_not_forwarded(config: Path) -> None:
    config.write_text("ForwardAgent /no/such/agent\nHost b\n User x\n")
    assert [each.forward_agent for each in group(config, ["a", "b"])] == [False, False]
    config.write_text("ForwardAgent yes\n")
    assert group(config, ["a"])[0].forward_agent


def test_copies_of_settings_share_the_config(config: Path) -> None:
    config.write_text("Port 1\n")
    settings = connection_settings(UnreadSettings(runtime_ssh_path=str(config)))
    assert settings.clone().base_ssh_config is settings.base_ssh_config


def test_lookup_of_another_thread_is_not_changed(config: Path) -> None:
    config.write_text("Match user alice\n Port 5\n")
    resolver = resolver_of(config)
    with asked_for(Login("h", "alice")):
        assert resolver.lookup("h")["port"] == "5"
        assert "port" not in resolver.lookup("h"), "the next lookup is for a gateway"
    assert Connection("h", config=connection_settings(UnreadSettings(runtime_ssh_path=str(config)))).port == 22


def test_entries_of_other_hosts_are_skipped(config: Path) -> None:
    config.write_text("".join(f"Host n{number}\n Port 1\n" for number in range(500)) + "Host *\n User x\n")
    rules = read([ConfigFile(config, True, False, True)])
    assert len(rules.relevant("n77")) == 3  # its own, `*`, and the lines before the first `Host`


def test_secrets_are_not_sent_by_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RR_OPEN", "RR_HIDDEN"):
        monkeypatch.setenv(name, "x")
    util.secret("RR_HIDDEN")
    assert session_variables({"sendenv": "RR_*"}) == {"RR_OPEN": "x"}
