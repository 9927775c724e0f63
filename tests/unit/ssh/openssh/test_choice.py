"""The choice of a transport by the settings of a host."""

from pathlib import Path

import pytest
from fabric import Config, Connection

from fabfile.ssh.connection import connection_settings
from fabfile.ssh.network.routes import Route, own_kwargs
from fabfile.ssh.openssh import choice
from fabfile.ssh.openssh.choice import has_ticket, needs_openssh, reason_for_openssh, uses_openssh
from tests.support.logins import keygen, make_fido_key


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


def connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, keys: list[str] | None = None
) -> Connection:
    """Return a connection to `h`, with an ssh config in a new home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "config").write_text(f"Host h\n{lines}\n")
    kwargs = {"key_filename": keys} if keys else {}
    settings = Config(runtime_ssh_path=str(tmp_path / "config"), overrides={"connect_kwargs": kwargs})
    own = connection_settings(settings)
    return Route("h", own, connect_kwargs=own_kwargs(own))


@pytest.mark.parametrize(
    ("file", "line", "keys"),
    [
        ("my", "IdentityFile ~/my", None),
        ("my", "IdentityFile %d/my", None),
        ("my_h", "IdentityFile ~/other\nIdentityFile ~/my_%n", None),
        ("my", "", ["~/my"]),
        (".ssh/id_ed25519_sk", "", None),
        (".ssh/id_ecdsa_sk", "IdentitiesOnly no", None),
    ],
)
@pytest.mark.parametrize("part", ["", ".pub"])
def test_security_key_needs_ssh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, line: str, keys: list[str] | None, part: str
) -> None:
    (tmp_path / ".ssh").mkdir()
    make_fido_key(tmp_path / "fido")
    (tmp_path / f"fido{part}").rename(tmp_path / f"{file}{part}")
    reason = reason_for_openssh(connection(tmp_path, monkeypatch, line, keys))
    assert reason == f"{tmp_path}/{file}, a key on a FIDO token"


@pytest.mark.parametrize("text", [None, "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n", "sk-ssh A"])
def test_other_file_needs_no_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    if text is not None:
        (tmp_path / "my").write_text(text)
    assert reason_for_openssh(connection(tmp_path, monkeypatch, "IdentityFile ~/my\nIdentityFile %x")) == ""
    assert reason_for_openssh(connection(tmp_path, monkeypatch, "IdentityFile ~/my")) == ""


@pytest.mark.parametrize(("cipher", "needs_ssh"), [("aes128-ctr", True), ("aes256-ctr", False)])
def test_cipher_of_a_key_may_need_ssh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cipher: str, needs_ssh: bool
) -> None:
    keygen("-t", "ed25519", "-N", "open sesame", "-Z", cipher, "-f", tmp_path / "my")
    reason = reason_for_openssh(connection(tmp_path, monkeypatch, "IdentityFile ~/my"))
    assert reason == (f"{tmp_path}/my, a key with a cipher that only ssh knows" if needs_ssh else "")


def test_option_beats_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needing = connection(tmp_path, monkeypatch, "ProxyUseFdpass yes")
    plain = connection(tmp_path, monkeypatch, "ProxyUseFdpass no")
    assert uses_openssh(needing, "auto") and uses_openssh(plain, "openssh")
    assert not uses_openssh(needing, "paramiko") and not uses_openssh(plain, "auto")
