"""The indexed ssh config: it says what paramiko's says, and does not go through all hosts for each."""

import fnmatch

import pytest
from paramiko.config import SSHConfig

from fabfile.sshconfig import IndexedSSHConfig

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
def test_index_finds_what_paramiko_finds(name: str, more: str) -> None:
    whole = SSHConfig.from_text(more + TEXT)
    assert dict(IndexedSSHConfig(whole).lookup(name)) == dict(whole.lookup(name))


def test_entries_of_other_hosts_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"node{number}" for number in range(100)]
    text = "".join(f"Host {name}\n    Port 1{name[4:]}\n" for name in names) + "Host *\n    User all\n"
    config = IndexedSSHConfig(SSHConfig.from_text(text))
    compared = []
    match = fnmatch.fnmatch
    monkeypatch.setattr(fnmatch, "fnmatch", lambda *words: (compared.append(words), match(*words))[1])
    assert [config.lookup(name)["port"] for name in names] == [f"1{name[4:]}" for name in names]
    assert len(compared) == 6 * len(names)  # its own, `*`, and what is before the first `Host`; twice
