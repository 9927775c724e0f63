"""Public keys and signatures in the formats of SSH: RFC 4253 section 6.6, and PROTOCOL.certkeys of OpenSSH."""

import base64
import binascii
from collections.abc import Sequence
from fnmatch import fnmatchcase

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from paramiko import Message

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

CERT = "-cert-v01@openssh.com"
USER_CERT = 1
# Fields of the public key in a certificate, by key type without `sk-`.
FIELDS = {"ssh-rsa": 2, "ssh-dss": 4, "ssh-ed25519": 1}
ECDSA_FIELDS = 2
RSA = "ssh-rsa"
# PubkeyAcceptedAlgorithms of OpenSSH 9.2, without FIDO keys that have no agent.
CURVES = ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
FIDO = ("sk-ssh-ed25519", "sk-ecdsa-sha2-nistp256")
RSA_SHA2 = ("rsa-sha2-512", "rsa-sha2-256")
ACCEPTED = (
    *(f"{name}{CERT}" for name in ("ssh-ed25519", *CURVES, *FIDO, *RSA_SHA2)),
    *("ssh-ed25519", *CURVES, *(f"{name}@openssh.com" for name in FIDO), *RSA_SHA2),
)
KNOWN = (*ACCEPTED, RSA, f"{RSA}{CERT}")
HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "ssh-rsa": hashes.SHA1,  # only if the user adds it to PubkeyAcceptedAlgorithms  # nosec B303
    "rsa-sha2-256": hashes.SHA256,
    "rsa-sha2-512": hashes.SHA512,
}


class KeyUnusable(Exception):
    """A key cannot sign; the message says why."""


def type_of(blob: bytes) -> str:
    """Return the type of a public key or certificate, for example `ssh-ed25519`."""
    return Message(blob).get_text()


def is_cert(blob: bytes) -> bool:
    """Return whether it is a certificate."""
    return type_of(blob).endswith(CERT)


def is_fido(blob: bytes) -> bool:
    """Return whether the key needs a FIDO device."""
    return type_of(blob).startswith("sk-")


def is_user_cert(blob: bytes) -> bool:
    """Return whether it is a certificate of a user, and not of a host."""
    return is_cert(blob) and _without_cert(blob)[1] == USER_CERT


def plain(blob: bytes) -> bytes:
    """Return the public key in a certificate, or the key itself."""
    return _without_cert(blob)[0] if is_cert(blob) else blob


def _without_cert(blob: bytes) -> tuple[bytes, int]:
    message = Message(blob)
    base = message.get_text().removesuffix(CERT)
    message.get_binary()  # a nonce
    fido = base.startswith("sk-")
    count = FIELDS.get(base.removeprefix("sk-"), ECDSA_FIELDS) + fido
    public = Message()
    public.add_string(f"{base}@openssh.com" if fido else base)
    for _ in range(count):
        public.add_string(message.get_binary())
    message.get_int64()  # a serial number
    return public.asbytes(), message.get_int()


def rsa_bits(blob: bytes) -> int:
    """Return the size of an RSA key, or 0 for another key."""
    message = Message(plain(blob))
    if message.get_text() != RSA:
        return 0
    message.get_mpint()
    return message.get_mpint().bit_length()


def parsed(text: bytes) -> bytes | None:
    """Return the public key or certificate in the text of a `.pub` file, if there is one."""
    for line in text.splitlines():
        words = line.split()
        if line.startswith(b"-----BEGIN"):
            return None
        if len(words) > 1 and not line.startswith(b"#"):
            blob = _decoded(words[0], words[1])
            if blob:
                return blob
    return None


def _decoded(kind: bytes, text: bytes) -> bytes | None:
    try:
        blob = base64.b64decode(text, validate=True)
        return blob if blob[4 : 4 + len(kind)] == kind and plain(blob) else None
    except (binascii.Error, ValueError):
        return None


def accepted(patterns: str) -> tuple[str, ...]:
    """Return the algorithms of PubkeyAcceptedAlgorithms, which may contain wildcards."""
    found: list[str] = []
    for pattern in patterns.split(","):
        found += [name for name in KNOWN if fnmatchcase(name, pattern.strip()) and name not in found]
    return tuple(found)


def is_accepted(blob: bytes, algorithms: Sequence[str]) -> bool:
    """Return whether an algorithm for this key is among `algorithms`."""
    return any(name in algorithms for name in _family(type_of(blob)))


def algorithm_for(blob: bytes, algorithms: Sequence[str], server: Sequence[str] | None) -> str | None:
    """Return the signature algorithm for a key, as ssh chooses it: the first of `algorithms` that the server knows.

    `server` is the content of `server-sig-algs`, or None if the server has sent none. OpenSSH then uses no RSA key,
    unless PubkeyAcceptedAlgorithms contains `ssh-rsa`. We try SHA-2, because some servers know it but do not say so.
    """
    family = _family(type_of(blob))
    usable = [name for name in algorithms if name in family]
    if len(family) > 1 and server is None:
        return type_of(blob) if type_of(blob) in usable else next(iter(usable), None)
    if len(family) > 1 and server is not None:
        usable = [name for name in usable if name.removesuffix(CERT) in server]
    return next(iter(usable), None)


def _family(kind: str) -> tuple[str, ...]:
    """Return the signature algorithms for a type of key."""
    if kind.removesuffix(CERT) != RSA:
        return (kind,)
    end = CERT if kind.endswith(CERT) else ""
    return tuple(f"{name}{end}" for name in (RSA, *RSA_SHA2))


def public_blob(key: PrivateKey) -> bytes:
    """Return the public key of a private one."""
    return base64.b64decode(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])


def sign(key: PrivateKey, data: bytes, algorithm: str) -> bytes:
    """Return the signature of `data` in the format of SSH."""
    name = algorithm.removesuffix(CERT)
    signature = Message()
    signature.add_string(name)
    if isinstance(key, rsa.RSAPrivateKey):
        signature.add_string(key.sign(data, padding.PKCS1v15(), HASHES[name]()))
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        signature.add_string(key.sign(data))
    else:
        numbers = Message()
        for number in decode_dss_signature(key.sign(data, ec.ECDSA(_hash_of(key)))):
            numbers.add_mpint(number)
        signature.add_string(numbers.asbytes())
    return signature.asbytes()


def _hash_of(key: ec.EllipticCurvePrivateKey) -> hashes.HashAlgorithm:
    """Return the hash for a curve; see RFC 5656 section 6.2.1."""
    if key.curve.key_size <= 256:
        return hashes.SHA256()
    return hashes.SHA384() if key.curve.key_size <= 384 else hashes.SHA512()
