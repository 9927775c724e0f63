"""Check the certificate of a host. Pure.

PROTOCOL.certkeys of OpenSSH defines the format. paramiko verifies that the host has the certified key. It does not look
at the rest of a certificate.
"""

import base64
import fnmatch
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import SSHCertificate, SSHCertificateType, load_ssh_public_identity
from paramiko import Message


class InvalidCertificate(Exception):
    """A certificate does not certify the key of a host; the message says why."""


def authority_of(blob: bytes) -> bytes:
    """Return the public key that has signed a certificate, in the format of the wire."""
    return _trailer(blob)[0]


def check(blob: bytes, name: str, now: float, ca_algorithms: Sequence[str]) -> None:
    """Return if the certificate is valid for the host `name` at the time `now`. Raise InvalidCertificate otherwise.

    The caller has checked that the signing key is trusted.
    """
    certificate = _loaded(blob)
    if certificate.type is not SSHCertificateType.HOST:
        raise InvalidCertificate("is not a host certificate")
    if now < certificate.valid_after:
        raise InvalidCertificate("is not valid yet; check the clocks")
    if now >= certificate.valid_before:
        raise InvalidCertificate("has expired")
    principals = [principal.decode(errors="replace") for principal in certificate.valid_principals]
    # OpenSSH before 10 accepts a certificate without names for every host.
    if principals and not any(_matches(name, principal) for principal in principals):
        raise InvalidCertificate(f"is for {', '.join(principals)}, and not for {name}")
    if certificate.critical_options:
        raise InvalidCertificate(f"has unknown options: {', '.join(_texts(certificate.critical_options))}")
    algorithm = Message(_trailer(blob)[1]).get_text()
    if algorithm not in ca_algorithms:
        raise InvalidCertificate(f"is signed with {algorithm}; CASignatureAlgorithms forbids it")


def _loaded(blob: bytes) -> SSHCertificate:
    """Return a certificate whose signature is genuine."""
    line = f"{Message(blob).get_text()} {base64.b64encode(blob).decode()}"
    try:
        certificate = load_ssh_public_identity(line.encode())
        assert isinstance(certificate, SSHCertificate)
        certificate.verify_cert_signature()
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise InvalidCertificate(f"cannot be verified: {str(error) or 'wrong signature'}") from error
    return certificate


def _trailer(blob: bytes) -> tuple[bytes, bytes]:
    """Return the last two fields of a certificate: the signing key, and the signature."""
    message = Message(blob)
    type_ = message.get_text()
    for _ in range(2 if "ed25519" in type_ else 3):  # nonce, and one or two fields of the public key
        message.get_string()
    message.get_int64()  # serial number
    message.get_int()  # type
    for _ in range(2):  # key id, names
        message.get_string()
    for _ in range(2):  # validity
        message.get_int64()
    for _ in range(3):  # critical options, extensions, reserved
        message.get_string()
    return message.get_string(), message.get_string()


def _matches(name: str, principal: str) -> bool:
    return fnmatch.fnmatchcase(name, principal.replace("[", "[[]"))


def _texts(options: dict[bytes, bytes]) -> list[str]:
    return [option.decode(errors="replace") for option in options]
