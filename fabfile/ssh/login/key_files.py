"""Key files: each is read once for all hosts, and decrypted at most once.

`cryptography` reads the formats: OpenSSH with or without encryption, PKCS#8, and PEM of OpenSSL.
"""

import base64
import binascii
import hashlib
import os
import re
import stat
import threading
from pathlib import Path

import attrs
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key
from paramiko import Message

from rr_config.errors import os_reason

from . import keys

MAGIC = b"openssh-key-v1\0"
BEGIN_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
END_OPENSSH = b"\n-----END OPENSSH PRIVATE KEY-----\n"
PEM = re.compile(rb"(?:\A\xef\xbb\xbf|^)-----BEGIN [A-Z ]*PRIVATE KEY-----[ \t\r]*\n", re.MULTILINE)
BEGIN_PPK = b"PuTTY-User-Key-File"
CIPHERS = ("aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com")
MOST_BYTES = 1 << 20
FIDO = "FIDO key, which only ssh can use; add it to an ssh-agent with ssh-add"
NEEDED = "passphrase needed"
ENCRYPTED = "encrypted with"


class KeyFileError(keys.KeyUnusable):
    """A private key cannot be used; the message says why."""


class PassphraseNeeded(KeyFileError):
    """The private key is encrypted, and no passphrase fits so far."""


@attrs.define(eq=False)
class KeyFile:
    """The file of an IdentityFile and its `.pub` file. Thread-safe while `lock` is held.

    `public` is None if only the private key tells it. `problem` says why the private key cannot be used.
    """

    path: str
    public: bytes | None = None
    problem: str = ""
    is_encrypted: bool = False
    is_declined: bool = False  # the user has given an empty passphrase
    content: bytes = attrs.field(default=b"", repr=False)
    lock: threading.Lock = attrs.field(factory=threading.Lock)
    _private: keys.PrivateKey | None = None
    _refused: set[bytes] = attrs.field(factory=set)  # digests of wrong passphrases

    @property
    def needs_ssh(self) -> bool:
        """Return whether only ssh knows the cipher of the private key."""
        return self.is_encrypted and self.problem.startswith(ENCRYPTED)

    @property
    def is_unlocked(self) -> bool:
        """Return whether the private key is at hand."""
        return self._private is not None

    def unlock(self, passphrase: str | None) -> None:
        """Read the private key. Raise KeyFileError if that is impossible; the caller holds the lock."""
        if self._private is not None:
            return
        if self.problem:
            raise KeyFileError(self.problem)
        secret = None if passphrase is None else passphrase.encode("utf-8", "surrogateescape")
        digest = hashlib.sha256(secret or b"").digest()
        if self.is_encrypted and not secret:
            raise PassphraseNeeded(NEEDED)
        if digest in self._refused:  # deriving a key from a passphrase takes long
            raise PassphraseNeeded("wrong passphrase")
        try:
            self._private = _private(self.content, secret if self.is_encrypted else None)
        except PassphraseNeeded:
            self._refused.add(digest)
            raise
        except KeyFileError as error:
            self.problem = str(error)
            raise

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """Return a signature by the unlocked key."""
        assert self._private is not None
        return keys.sign(self._private, data, algorithm)

    def own_public(self) -> bytes:
        """Return the public key of the unlocked private key."""
        assert self._private is not None
        return keys.public_blob(self._private)


_FILES: dict[str, tuple[object, KeyFile]] = {}
_CERTS: dict[str, tuple[object, bytes | None]] = {}
_LOCK = threading.Lock()


def key_file(path: str) -> KeyFile:
    """Return the key at `path`, read before unless the file or its `.pub` file has changed."""
    signature = _signature(path), _signature(f"{path}.pub")
    with _LOCK:
        known = _FILES.get(path)
        if known is None or known[0] != signature:
            known = signature, _read(path)
            _FILES[path] = known
        return known[1]


def certificate(path: str) -> bytes | None:
    """Return the certificate in a file, if there is one."""
    signature = _signature(path)
    with _LOCK:
        known = _CERTS.get(path)
        if known is None or known[0] != signature:
            blob = keys.parsed(_bytes(path)) if signature else None
            known = signature, blob if blob and keys.is_cert(blob) else None
            _CERTS[path] = known
        return known[1]


def _signature(path: str) -> object:
    try:
        found = os.stat(path)  # noqa: PTH116 - called for each host
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_mode


def _bytes(path: str) -> bytes:
    """Return the content of a file, or nothing if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(MOST_BYTES)
    except (OSError, ValueError):
        return b""


def _read(path: str) -> KeyFile:
    found = KeyFile(path)
    try:
        state = os.stat(path)  # noqa: PTH116
        found.problem = _access_problem(state)
        if stat.S_ISREG(state.st_mode):
            with Path(path).open("rb") as file:
                found.content = file.read(MOST_BYTES)
    except FileNotFoundError:
        found.problem = "missing"
    except (OSError, ValueError) as error:
        found.problem = os_reason(error).lower() if isinstance(error, OSError) else "invalid path"
    own = keys.parsed(found.content)
    found.public = own or keys.parsed(_bytes(f"{path}.pub")) or _public_of(found.content)
    if own:
        found.problem = "only a public key, which is in no agent"
    elif not found.problem:
        found.problem, found.is_encrypted = _format_problem(found.content)
    return found


def _access_problem(state: os.stat_result) -> str:
    """Return why ssh would not use the file: see `sshkey_perm_ok` in authfile.c of OpenSSH."""
    if not stat.S_ISREG(state.st_mode):
        return "not a file"
    mode = stat.S_IMODE(state.st_mode)
    if state.st_uid == os.getuid() and mode & 0o077:
        return f"others can read it: mode {mode:04o}; run chmod 600"
    return ""


def _format_problem(text: bytes) -> tuple[str, bool]:
    """Return why the private key cannot be read, and whether it is encrypted."""
    head = _openssh(text)
    if head is not None:
        cipher, public = head
        if keys.is_fido(public):
            return FIDO, False
        if cipher not in ("none", *CIPHERS):
            return f"{ENCRYPTED} {cipher}, which is not supported; run ssh-keygen -p -Z aes256-ctr", True
        return "", cipher != "none"
    if text.startswith(BEGIN_PPK):
        return "key of PuTTY; convert it with puttygen -O private-openssh", False
    if b"PRIVATE KEY-----" not in text:
        return "not a private key", False
    if problem := _layout_problem(text):
        return problem, False
    return "", b"BEGIN ENCRYPTED PRIVATE KEY" in text or b"Proc-Type: 4,ENCRYPTED" in text


def _layout_problem(text: bytes) -> str:
    """Return why ssh cannot read the lines of a key, though other programs can: see `private2_uudecode` in sshkey.c."""
    if BEGIN_OPENSSH not in text:
        return "" if PEM.search(text) else "no line begins with -----BEGIN; remove blanks and CR line ends"
    if b"\r" in text:
        return "CR line ends; remove them with sed -i 's/\\r//'"
    if not text.startswith(BEGIN_OPENSSH + b"\n"):
        return "text or a byte order mark before -----BEGIN; remove it"
    return "" if END_OPENSSH in text else "no complete line at the end; copy the whole file, with its last line end"


def _openssh(text: bytes) -> tuple[str, bytes] | None:
    """Return the cipher and the public key of a file in the format of OpenSSH; see PROTOCOL.key there."""
    if BEGIN_OPENSSH not in text or _layout_problem(text):
        return None
    try:
        data = base64.b64decode(text.partition(BEGIN_OPENSSH)[2].partition(b"-----END")[0])
        message = Message(data[len(MAGIC) :])
        cipher = message.get_text()
        message.get_binary(), message.get_binary()  # the key derivation
        message.get_int()
        public = message.get_binary()
        keys.type_of(public)
    except (binascii.Error, ValueError):
        return None
    return (cipher, public) if data.startswith(MAGIC) and public else None


def _public_of(text: bytes) -> bytes | None:
    head = _openssh(text)
    return head[1] if head else None


def _private(text: bytes, secret: bytes | None) -> keys.PrivateKey:
    """Return the private key in `text`. Raise PassphraseNeeded if `secret` is wrong, or KeyFileError."""
    load = load_ssh_private_key if BEGIN_OPENSSH in text else load_pem_private_key
    try:
        key = load(text, secret)
    except UnsupportedAlgorithm as error:
        raise KeyFileError(f"not supported: {str(error).partition('.')[0].lower()}") from error
    except (ValueError, TypeError, InvalidTag) as error:
        if secret is not None:
            raise PassphraseNeeded("wrong passphrase") from error
        raise KeyFileError("damaged, or not a private key") from error
    if not isinstance(key, keys.PrivateKey):
        raise KeyFileError("key of a type that is not supported")
    return key
