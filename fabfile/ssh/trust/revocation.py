"""RevokedHostKeys of the ssh config: files of keys that no host may have. See ssh_config(5)."""

import base64
import re
import subprocess
import tempfile
from collections.abc import Collection
from pathlib import Path

from paramiko import Message

from rr_config.errors import os_reason

from ..algorithms import CERTIFIED
from ..config.keywords import KEYS
from ..known_hosts import KeyRefused, is_key

KRL = b"SSHKRL\n\0"
# Key types that paramiko lacks. They may be in a list.
SECURITY_KEYS = {
    f"sk-{name}{end}" for name in ("ssh-ed25519", "ecdsa-sha2-nistp256") for end in ("@openssh.com", CERTIFIED)
}
TYPES = KEYS | SECURITY_KEYS | {"ssh-dss", f"ssh-dss{CERTIFIED}"}


def check(files: Collection[str], blob: bytes, related: Collection[bytes]) -> None:
    """Raise KeyRefused if a file revokes the key that a host has sent, or cannot be read, as ssh does.

    `blob` may be a certificate. `related` holds it, the plain key, and the key that has signed the certificate.
    """
    for file in files:
        try:
            content = Path(file).read_bytes()
        except OSError as error:
            hint = "correct RevokedHostKeys in the ssh config"
            raise KeyRefused(f"cannot be checked: cannot read {file}: {os_reason(error).lower()}; {hint}") from error
        is_revoked = _is_in_krl(file, blob) if content.startswith(KRL) else _is_listed(file, content, related)
        if is_revoked:
            raise KeyRefused(f"is revoked by {file}")


def _is_listed(file: str, content: bytes, keys: Collection[bytes]) -> bool:
    """Return whether one of the keys is in a list of public keys, one on each line.

    Raise KeyRefused for a line that is no public key, as ssh does: it may revoke the key in another spelling.
    """
    for number, line in enumerate(content.split(b"\n"), 1):
        text = line.lstrip(b" \t")
        if text[:1] in (b"", b"#", b"\0"):
            continue
        key = _public_key(text)
        if key is None:
            raise KeyRefused(f"cannot be checked: {file} line {number}: not a public key; correct or remove the line")
        if key in keys:
            return True
    return False


def _public_key(line: bytes) -> bytes | None:
    """Return the key in a line `TYPE KEY COMMENT`, or None if it is invalid."""
    name, key, *_ = [*re.split(rb"[ \t]+", line), b""]
    try:
        blob = base64.b64decode(key.strip(), validate=True)
    except ValueError:
        return None
    if name.decode(errors="replace") not in TYPES:
        return None
    first = len(name).to_bytes(4, "big") + name
    is_complete = is_key(blob, name) or (name.endswith(CERTIFIED.encode()) and blob.startswith(first))
    return blob if is_complete and blob != first else None


def _is_in_krl(file: str, blob: bytes) -> bool:
    """Return whether a key revocation list revokes a key or a certificate. Only ssh-keygen knows the format."""
    with tempfile.NamedTemporaryFile() as key:
        key.write(f"{Message(blob).get_text()} {base64.b64encode(blob).decode()}\n".encode())
        key.flush()
        command = ["ssh-keygen", "-Q", "-f", file, key.name]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        except OSError as error:
            raise KeyRefused(f"cannot be checked: {file} needs ssh-keygen: {os_reason(error).lower()}") from error
    if done.returncode == 0:
        return False
    if "REVOKED" in done.stdout:
        return True
    raise KeyRefused(f"cannot be checked: ssh-keygen: {done.stderr.strip() or done.returncode}")
