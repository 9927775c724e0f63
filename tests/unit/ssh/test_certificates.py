"""Certificates of hosts."""

import base64
import subprocess
import time
from pathlib import Path

import pytest

from fabfile.ssh.trust.certificates import InvalidCertificate, authority_of, check
from tests.support.logins import bits

CA = ("ssh-ed25519", "rsa-sha2-512", "ecdsa-sha2-nistp256")


def certificate(folder: Path, *options: str, type_: str = "ed25519", authority: str = "ed25519") -> bytes:
    """Create a certificate for a new key; return it in the format of the wire."""
    for name, key_type in (("ca", authority), ("host", type_)):
        subprocess.run(["ssh-keygen", "-q", *bits(key_type), "-N", "", "-f", folder / name], check=True)
    command: list[str | Path] = ["ssh-keygen", "-q", "-s", folder / "ca", "-I", "id", *options, folder / "host.pub"]
    subprocess.run(command, check=True)
    return base64.b64decode((folder / "host-cert.pub").read_text().split()[1])


@pytest.mark.parametrize("type_", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("authority", ["ed25519", "ecdsa", "rsa"])
def test_valid_certificate_is_accepted(tmp_path: Path, type_: str, authority: str) -> None:
    blob = certificate(tmp_path, "-h", "-n", "h.example,*.net", type_=type_, authority=authority)
    assert authority_of(blob) == base64.b64decode((tmp_path / "ca.pub").read_text().split()[1])
    for name in ("h.example", "a.net"):
        check(blob, name, time.time(), CA)
    for name in ("g.example", "net", "h.example.net2"):
        with pytest.raises(InvalidCertificate, match=r"^is for h\.example, \*\.net, and not for "):
            check(blob, name, time.time(), CA)


def test_user_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidCertificate, match="is not a host certificate"):
        check(certificate(tmp_path, "-n", "h"), "h", time.time(), CA)


def test_validity_is_checked(tmp_path: Path) -> None:
    blob = certificate(tmp_path, "-h", "-V", "20300101000000Z:20310101000000Z")
    check(blob, "h", 1_900_000_000, CA)
    for now, reason in ((1_800_000_000, "not valid yet"), (2_000_000_000, "expired")):
        with pytest.raises(InvalidCertificate, match=reason):
            check(blob, "h", now, CA)


def test_forged_certificate_is_refused(tmp_path: Path) -> None:
    blob = certificate(tmp_path, "-h", "-n", "hhhh")
    with pytest.raises(InvalidCertificate, match="cannot be verified: wrong signature"):
        check(blob.replace(b"hhhh", b"evil"), "evil", time.time(), CA)


def test_forbidden_signature_is_refused(tmp_path: Path) -> None:
    blob = certificate(tmp_path, "-h", authority="rsa")
    with pytest.raises(InvalidCertificate, match="is signed with rsa-sha2-512; CASignatureAlgorithms forbids it"):
        check(blob, "h", time.time(), ("ssh-ed25519",))
