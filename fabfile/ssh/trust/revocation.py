"""RevokedHostKeys of the ssh config: files of keys that no host may have. See ssh_config(5)."""

import base64
import subprocess
import tempfile
from collections.abc import Collection
from pathlib import Path

from paramiko import Message

from rr_config.errors import os_reason

from ..known_hosts import KeyRefused

KRL = b"SSHKRL\n\0"


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
        is_revoked = _is_in_krl(file, blob) if content.startswith(KRL) else _is_listed(content, related)
        if is_revoked:
            raise KeyRefused(f"is revoked by {file}")


def _is_listed(content: bytes, keys: Collection[bytes]) -> bool:
    """Return whether one of the keys is in a list of public keys, one on each line."""
    for line in content.splitlines():
        fields = line.split()
        for field in fields[1:2]:
            try:
                if base64.b64decode(field, validate=True) in keys:
                    return True
            except ValueError:
                continue
    return False


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
