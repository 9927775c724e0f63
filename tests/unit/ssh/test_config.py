"""The indexed ssh config: it gives the same answers as paramiko's, and skips the entries of other hosts."""

import fnmatch
import subprocess
from pathlib import Path

import pytest
from fabric import Config
from paramiko.config import SSHConfig

from fabfile.ssh.config import lines_of
from fabfile.ssh.connection import connection_settings
from fabfile.ssh.paramiko_patches import IndexedSSHConfig

TEXT = """
User first
Host node1 other
    HostName 10.0.0.1
    IdentityFile ~/.ssh/one
Host node?
    Port 2222
    IdentityFile ~/.ssh/all
Host node* !node2
    ProxyJump gate
Host node2
    User second
    HostName %h.example.org
Match host node1
    Port 3333
Match host 10.0.0.1 user first
    ForwardAgent yes
Match final host *.example.org
    Compression yes
Host [ab]x
    Port 4444
Host node1
    IdentityFile ~/.ssh/more
    User never
Host "quoted name"
    Port 5555
Host *
    IdentityFile ~/.ssh/default
"""


@pytest.mark.parametrize(
    "name", ["node1", "other", "node2", "node33", "ax", "[ab]x", "quoted name", "NODE1", "unknown"]
)
@pytest.mark.parametrize(
    "more", ["", "CanonicalizeHostname yes\nCanonicalDomains invalid\nCanonicalizeFallbackLocal yes"]
)
def test_index_agrees_with_paramiko(name: str, more: str) -> None:
    whole = SSHConfig.from_text(more + TEXT)
    assert dict(IndexedSSHConfig(whole).lookup(name)) == dict(whole.lookup(name))


def test_other_entries_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"node{number}" for number in range(100)]
    text = "".join(f"Host {name}\n    Port 1{name[4:]}\n" for name in names) + "Host *\n    User all\n"
    config = IndexedSSHConfig(SSHConfig.from_text(text))
    compared = []
    match = fnmatch.fnmatch

    def noted_match(name: str, pattern: str) -> bool:
        compared.append((name, pattern))
        return match(name, pattern)

    monkeypatch.setattr(fnmatch, "fnmatch", noted_match)
    assert [config.lookup(name)["port"] for name in names] == [f"1{name[4:]}" for name in names]
    assert len(compared) == 6 * len(names)  # its own, `*`, and what is before the first `Host`; twice


def test_full_name_is_looked_up_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server may be slow."""
    asked = []

    def full_name() -> str:
        asked.append("fqdn")
        return "me.example"

    monkeypatch.setattr("socket.getfqdn", full_name)
    monkeypatch.setattr("socket.gethostname", lambda: "me.example")
    config = IndexedSSHConfig(SSHConfig.from_text("Host a\n    IdentityFile ~/%h\nHost b\n    IdentityFile /%l\n"))
    assert config.lookup("a")["identityfile"][0].endswith("/a") and not asked
    assert config.lookup("b")["identityfile"][0] == "/me.example" and asked


INCLUDING = """
Include {folder}/first {folder}/no-such {folder}/more/*
User outer # mine
Host node1
    Port 2222 # not 22
    Include {folder}/inner
    HostName inside
Host node2
    HostName "b c"
    ProxyCommand sh -c 'echo # %h'
Host *
    Port 7777
"""
INCLUDED = {
    "first": "StrictHostKeyChecking yes\nHost node3\n    Port 3333\n    Include {folder}/deeper\n",
    "deeper": "HostName deep\n",
    "inner": "Include {folder}/innermost\nUser inner\n",
    "innermost": "Compression yes\n",
    "more/a": "Host node2\n    Port 4444\n",
    "more/b": "Host=node4\n    Port = 5555\n",
}


@pytest.mark.parametrize("name", ["node1", "node2", "node3", "node4", "other"])
def test_includes_work_as_in_ssh(tmp_path: Path, name: str) -> None:
    for file, text in INCLUDED.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text.format(folder=tmp_path))
    path = tmp_path / "config"
    path.write_text(INCLUDING.format(folder=tmp_path))
    said = subprocess.run(["ssh", "-G", "-F", path, name], capture_output=True, text=True, check=True).stdout
    by_ssh = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
    by_us = connection_settings(Config(runtime_ssh_path=str(path))).base_ssh_config.lookup(name)
    usual = {"hostname": name, "port": "22", "stricthostkeychecking": "ask", "compression": "no"}
    spelled = {"true": "yes"}  # by ssh
    for key in (*usual, "user"):
        assert by_us.get(key, usual.get(key)) == spelled.get(by_ssh[key], by_ssh[key]), key
    assert (
        ("echo #" in by_us.get("proxycommand", "")) == ("echo #" in by_ssh.get("proxycommand", "")) == (name == "node2")
    )


def test_circular_include_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("Include b\n")
    (tmp_path / "b").write_text("Include a\n")
    with pytest.raises(ValueError, match="Include is nested too deeply; the file may include itself"):
        list(lines_of(tmp_path / "a", tmp_path))
