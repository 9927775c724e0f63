"""Logins compared with the installed ssh: the same outcome, user, method and key on the same sshd."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.support.farm import Farm
from tests.support.logins import Duel, agent, keygen, make_keys


@pytest.fixture(scope="module")
def duel() -> Iterator[Duel]:
    """Keys of all kinds, and hosts with special settings as they are needed."""
    farm = Farm(Path(tempfile.mkdtemp(prefix="rr.", dir="/tmp")))
    keys = farm.folder / "keys"
    keys.mkdir(mode=0o700)
    make_keys(keys)
    try:
        yield Duel(farm, keys)
    finally:
        farm.close()


WRONG = [f"wrong{number}" for number in range(8)]
CA = {"TrustedUserCAKeys": "{keys}/ca.pub"}
FEW = {"MaxAuthTries": "3"}


@attrs.frozen
class Case:
    """A login: lines of the ssh config, keys in the agent, settings of sshd, and the accepted key, if any."""

    lines: list[str]
    key: str = "good"
    agent: list[list[str]] = attrs.field(factory=list)
    sshd: dict[str, str] = attrs.field(factory=dict)
    has_variable: bool = False  # whether SSH_AUTH_SOCK is set
    error: str = ""


ONLY = "IdentitiesOnly yes"
CASES = {
    "key file": Case(["IdentityFile {keys}/good"]),
    "second of two files": Case(["IdentityFile {keys}/wrong0", "IdentityFile {keys}/good"]),
    "missing file before a good one": Case(["IdentityFile {keys}/absent", "IdentityFile {keys}/good"]),
    "missing file alone": Case(["IdentityFile {keys}/absent"], "", error="tried {keys}/absent (missing)"),
    "file with a token": Case(["IdentityFile {keys}/%n"], "", error="{keys}/machine (missing)"),
    "rsa key": Case(["IdentityFile {keys}/rsa"], "rsa"),
    "ecdsa key": Case(["IdentityFile {keys}/ecdsa"], "ecdsa"),
    "PKCS8 key": Case(["IdentityFile {keys}/pkcs8"], "pkcs8"),
    "SEC1 key": Case(["IdentityFile {keys}/sec1"], "sec1"),
    "agent key": Case([], agent=[["good"]], has_variable=True),
    "third agent key": Case([], agent=[["wrong0"], ["wrong1"], ["good"]], has_variable=True),
    "public file of the last agent key": Case(
        ["IdentityFile {keys}/good.pub"], agent=[*[[name] for name in WRONG], ["good"]], sshd=FEW, has_variable=True
    ),
    "encrypted file of an agent key": Case(
        ["IdentityFile {keys}/gcm"], "gcm", agent=[*[[name] for name in WRONG], ["gcm"]], sshd=FEW, has_variable=True
    ),
    "only the named agent key": Case(
        ["IdentityFile {keys}/good.pub", ONLY], agent=[["wrong0"], ["good"]], has_variable=True
    ),
    "named key is not in the agent": Case(
        ["IdentityFile {keys}/wrong0.pub", ONLY],
        "",
        agent=[["good"]],
        has_variable=True,
        error="{keys}/wrong0.pub (only a public key",
    ),
    "file before the agent is not tried first": Case(
        ["IdentityFile {keys}/good"], "rsa", agent=[["rsa"]], has_variable=True
    ),
    "too many agent keys": Case(
        ["IdentityFile {keys}/good"],
        "",
        agent=[[name] for name in WRONG],
        sshd=FEW,
        has_variable=True,
        error="tried 3 agent keys; the host stopped after 3 keys (MaxAuthTries); set IdentitiesOnly yes",
    ),
    "many agent keys are excluded": Case(
        ["IdentityFile {keys}/good", ONLY], agent=[[name] for name in WRONG], sshd=FEW, has_variable=True
    ),
    "IdentityAgent": Case(["IdentityAgent {agent}"], agent=[["good"]]),
    "IdentityAgent of another variable": Case(["IdentityAgent $OTHER"], agent=[["good"]]),
    "IdentityAgent none": Case(["IdentityAgent none", "IdentityFile {keys}/good"], agent=[["rsa"]], has_variable=True),
    "IdentityAgent SSH_AUTH_SOCK": Case(["IdentityAgent SSH_AUTH_SOCK"], agent=[["good"]], has_variable=True),
    "IdentityAgent without an agent": Case(["IdentityAgent {keys}/nobody", "IdentityFile {keys}/good"]),
    "agent key that nobody confirms": Case([], agent=[["-c", "rsa"], ["good"]], has_variable=True),
    "named agent key that nobody confirms": Case(
        ["IdentityFile {keys}/rsa.pub", "IdentityFile {keys}/good"], agent=[["-c", "rsa"]], has_variable=True
    ),
    "agent key that nobody confirms alone": Case(
        ["IdentityFile {keys}/wrong0"],
        "",
        agent=[["-c", "good"]],
        has_variable=True,
        error="tried agent key good (the agent refused), {keys}/wrong0",
    ),
    "IdentityFile none": Case(["IdentityFile none"], agent=[["good"]], has_variable=True),
    "certificate beside the key": Case(["IdentityFile {keys}/beside"], "beside", sshd=CA),
    "certificate of CertificateFile": Case(
        ["IdentityFile {keys}/certified", "CertificateFile {keys}/certified.crt"], "certified", sshd=CA
    ),
    "rsa certificate": Case(
        ["IdentityFile {keys}/certified_rsa", "CertificateFile {keys}/certified_rsa.crt"], "certified_rsa", sshd=CA
    ),
    "certificate for an agent key": Case(
        ["CertificateFile {keys}/certified.crt"], "certified", agent=[["certified"]], sshd=CA, has_variable=True
    ),
    "certificate for a public file": Case(
        ["CertificateFile {keys}/certified_rsa.crt", "IdentityFile {keys}/certified_rsa.pub", ONLY],
        "certified_rsa",
        agent=[["wrong0"], ["certified_rsa"]],
        sshd=CA,
        has_variable=True,
    ),
    "rsa certificate in the agent": Case([], "in_agent", agent=[["in_agent"]], sshd=CA, has_variable=True),
    "second certificate of a key": Case(
        [
            "CertificateFile {keys}/certified_rsa.other",
            "CertificateFile {keys}/certified_rsa.crt",
            "IdentityFile {keys}/certified_rsa",
        ],
        "certified_rsa",
        sshd=CA,
    ),
    "certificate without its key": Case(
        ["CertificateFile {keys}/certified.crt", "IdentityFile {keys}/good"],
        sshd=CA,
    ),
    "certificate of a host is skipped": Case(
        ["CertificateFile {keys}/of_host.crt", "IdentityFile {keys}/good"], sshd=CA
    ),
    "readable by others": Case(
        ["IdentityFile {keys}/open"], "", error="{keys}/open (others can read it: mode 0644; run chmod 600)"
    ),
    "readable by the group before a good one": Case(["IdentityFile {keys}/group", "IdentityFile {keys}/good"]),
    "readable by others but in the agent": Case(["IdentityFile {keys}/open"], agent=[["good"]], has_variable=True),
    "FIDO key before a good one": Case(["IdentityFile {keys}/fido", "IdentityFile {keys}/good"]),
    "FIDO key alone": Case(["IdentityFile {keys}/fido"], "", error="{keys}/fido, a key on a FIDO token"),
    "encrypted key without a passphrase": Case(
        ["IdentityFile {keys}/gcm"], "", error="tried {keys}/gcm (passphrase needed); the host accepts only publickey"
    ),
    "encrypted PEM before a good one": Case(["IdentityFile {keys}/pem", "IdentityFile {keys}/good"]),
    "not a key": Case(["IdentityFile {keys}/authorized_copy"], "", error="{keys}/authorized_copy ("),
    "damaged key before a good one": Case(["IdentityFile {keys}/damaged", "IdentityFile {keys}/good"]),
    "folder before a good one": Case(["IdentityFile {keys}/folder", "IdentityFile {keys}/good"]),
    "PubkeyAuthentication no": Case(
        ["IdentityFile {keys}/good", "PubkeyAuthentication no"], "", error="the ssh config disables publickey"
    ),
    "PreferredAuthentications without keys": Case(
        ["IdentityFile {keys}/good", "PreferredAuthentications password"],
        "",
        error="the ssh config disables publickey",
    ),
    "PubkeyAcceptedAlgorithms": Case(
        ["IdentityFile {keys}/good", "IdentityFile {keys}/rsa", "PubkeyAcceptedAlgorithms rsa-sha2-256"], "rsa"
    ),
    "PubkeyAcceptedAlgorithms with a wildcard": Case(
        ["IdentityFile {keys}/good", "IdentityFile {keys}/ecdsa", "PubkeyAcceptedAlgorithms ecdsa-*"], "ecdsa"
    ),
    "PubkeyAcceptedAlgorithms of the host": Case(
        ["IdentityFile {keys}/rsa", "IdentityFile {keys}/good"], sshd={"PubkeyAcceptedAlgorithms": "ssh-ed25519"}
    ),
    "rsa key for SHA-256 alone": Case(
        ["IdentityFile {keys}/rsa"], "", sshd={"PubkeyAcceptedAlgorithms": "rsa-sha2-256"}
    ),
    "RequiredRSASize": Case(["IdentityFile {keys}/rsa", "IdentityFile {keys}/good", "RequiredRSASize 8192"]),
    "two keys": Case(
        ["IdentityFile {keys}/good", "IdentityFile {keys}/rsa"],
        "rsa",
        sshd={"AuthenticationMethods": "publickey,publickey"},
    ),
    "other user": Case(["IdentityFile {keys}/good", "User nobody-here"], "", error="permission denied for user nobody"),
}


@pytest.fixture(scope="module", autouse=True)
def _more_keys(duel: Duel) -> None:
    """Copies of keys with other permissions, certificates beside keys, and damaged keys."""
    keys = duel.keys
    for name, mode in (("open", 0o644), ("group", 0o640)):
        shutil.copy(keys / "good", keys / name)
        shutil.copy(keys / "good.pub", keys / f"{name}.pub")
        (keys / name).chmod(mode)
    for name, of in (("beside", "certified"), ("in_agent", "certified_rsa")):
        shutil.copy(keys / of, keys / name)
        shutil.copy(keys / f"{of}.pub", keys / f"{name}.pub")
        shutil.copy(keys / f"{of}.crt", keys / f"{name}-cert.pub")
    keygen("-s", keys / "ca", "-I", "host", "-h", "-n", "machine", keys / "wrong0.pub")
    (keys / "wrong0-cert.pub").rename(keys / "of_host.crt")
    (keys / "damaged").write_bytes((keys / "good").read_bytes().replace(b"B", b"C"))
    (keys / "authorized_copy").write_text("this is no key\n")
    (keys / "folder").mkdir()
    for name in ("damaged", "authorized_copy"):
        (keys / name).chmod(0o600)


@pytest.mark.parametrize("name", CASES)
def test_login_is_that_of_ssh(duel: Duel, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    host = duel.host(**{key: value.format(keys=duel.keys) for key, value in case.sshd.items()})
    adding = [[word if word.startswith("-") else duel.keys / word for word in words] for words in case.agent]
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with agent(*adding) if adding else contextlib.nullcontext("") as socket:
        if case.has_variable:
            monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        monkeypatch.setenv("OTHER", socket)
        config = duel.config(host, [line.replace("{agent}", socket) for line in case.lines])
        by_ssh, by_us = duel.ssh(host, config), duel.ours(host, config)
    assert by_ssh.works == bool(case.key), f"the case is not what it should be: {by_ssh.error}"
    assert by_us.works == by_ssh.works, by_us.error
    assert by_us.accepted == by_ssh.accepted
    assert case.error.format(keys=duel.keys) in by_us.error
