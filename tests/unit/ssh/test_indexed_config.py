"""The index of an ssh config that a caller gives: the same answers as paramiko's, without entries of other hosts."""

import fnmatch

import pytest
from paramiko.config import SSHConfig

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
