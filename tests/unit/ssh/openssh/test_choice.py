"""The choice of a transport by the settings of a host."""

from pathlib import Path

import pytest

from fabfile.ssh.openssh import choice
from fabfile.ssh.openssh.choice import has_ticket, is_security_key, needs_openssh, uses_openssh

SECURITY_KEY = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIA== me@here\n"


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("pkcs11provider", "/usr/lib/opensc.so", "PKCS11Provider /usr/lib/opensc.so"),
        ("ciphers", "chacha20-poly1305@openssh.com", "Ciphers chacha20-poly1305@openssh.com"),
        ("kexalgorithms", "sntrup761x25519-sha512@openssh.com", "KexAlgorithms sntrup761x25519-sha512@openssh.com"),
        ("ciphers", "chacha20-poly1305@openssh.com,aes256-ctr", ""),
        ("knownhostscommand", "/usr/bin/keys %h", ""),
        ("verifyhostkeydns", "ask", "VerifyHostKeyDNS ask"),
        ("proxyusefdpass", "yes", "ProxyUseFdpass yes"),
        ("hostbasedauthentication", "yes", "HostbasedAuthentication yes"),
        ("gssapikeyexchange", "yes", "GSSAPIKeyExchange yes"),
        ("pkcs11provider", "none", ""),
        ("verifyhostkeydns", "no", ""),
        ("proxyusefdpass", "False", ""),
        ("gssapiauthentication", "no", ""),
        ("port", "2222", ""),
    ],
)
def test_settings_decide_the_transport(keyword: str, value: str, reason: str) -> None:
    assert needs_openssh({keyword: value}) == reason


def test_kerberos_ticket_needs_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    for has_one in (True, False):
        monkeypatch.setattr(choice, "has_ticket", lambda has_one=has_one: has_one)
        assert ("Kerberos" in needs_openssh({"gssapiauthentication": "yes"})) == has_one


def test_ticket_is_that_of_klist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for status in (0, 1):
        (tmp_path / "klist").write_text(f"#!/bin/sh\nexit {status}\n")
        (tmp_path / "klist").chmod(0o755)
        has_ticket.cache_clear()
        assert has_ticket() == (status == 0)
    has_ticket.cache_clear()


@pytest.mark.parametrize("name", ["id_ed25519_sk", "id_ed25519_sk.pub"])
def test_security_key_needs_ssh(tmp_path: Path, name: str) -> None:
    (tmp_path / "id_ed25519_sk.pub").write_text(SECURITY_KEY)
    assert "a key on a FIDO token" in needs_openssh({"identityfile": [str(tmp_path / name)]})


def test_plain_key_needs_no_ssh(tmp_path: Path) -> None:
    key = tmp_path / "id"
    assert not is_security_key(key)
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n")
    is_security_key.cache_clear()
    assert not is_security_key(key)
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n")  # cut off
    is_security_key.cache_clear()
    assert not is_security_key(key)


def test_option_beats_settings() -> None:
    needing = {"proxyusefdpass": "yes"}
    assert uses_openssh("h", needing, "auto") and uses_openssh("h", {}, "openssh")
    assert not uses_openssh("h", needing, "paramiko") and not uses_openssh("h", {}, "auto")
