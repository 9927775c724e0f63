"""Choose the transport of a host: paramiko in this process, or the program ssh."""

import base64
import functools
import logging
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import algorithms

log = logging.getLogger(__name__)

AUTO, OPENSSH = "auto", "openssh"

# Keywords that paramiko cannot obey in little code, each with the values that need nothing.
KEYWORDS = {
    "pkcs11provider": ("none",),
    "verifyhostkeydns": ("no", "false"),
    "proxyusefdpass": ("no", "false"),
    "hostbasedauthentication": ("no", "false"),
    "gssapikeyexchange": ("no", "false"),
}
SPELLED = {
    "pkcs11provider": "PKCS11Provider",
    "verifyhostkeydns": "VerifyHostKeyDNS",
    "proxyusefdpass": "ProxyUseFdpass",
    "hostbasedauthentication": "HostbasedAuthentication",
    "gssapikeyexchange": "GSSAPIKeyExchange",
}
SECURITY_KEY = "sk-"  # how the types of keys on FIDO tokens begin


def uses_openssh(host: str, settings: Mapping[str, Any], transport: str) -> bool:
    """Return whether ssh connects to a host. `transport` is the value of `--transport`."""
    if transport != AUTO:
        return transport == OPENSSH
    reason = needs_openssh(settings)
    if reason:
        log.debug("%s: ssh connects because of %s", host, reason)
    return bool(reason)


def needs_openssh(settings: Mapping[str, Any]) -> str:
    """Return the first setting that only ssh obeys; empty if paramiko obeys all of them.

    `settings` is the resolved ssh config of one host, as `ssh -G` prints it.

    >>> needs_openssh({"port": "2222", "pkcs11provider": "/usr/lib/opensc.so"})
    'PKCS11Provider /usr/lib/opensc.so'
    >>> needs_openssh({"verifyhostkeydns": "no"})
    ''
    """
    for keyword, harmless in KEYWORDS.items():
        value = settings.get(keyword, harmless[0])
        if value.lower() not in harmless:
            return f"{SPELLED[keyword]} {value}"
    try:
        algorithms.chosen(settings)
    except algorithms.UnsupportedError as error:
        return error.setting
    for file in settings.get("identityfile", ()):
        if is_security_key(Path(file).expanduser()):
            return f"IdentityFile {file}, a key on a FIDO token"
    if settings.get("gssapiauthentication", "no").lower() in ("yes", "true") and has_ticket():
        return "GSSAPIAuthentication yes, with a Kerberos ticket"
    return ""


@functools.cache
def is_security_key(path: Path) -> bool:
    """Return whether a file holds the handle of a key on a FIDO token."""
    for file in (path.with_name(f"{path.name}.pub"), path):
        try:
            text = file.read_text("utf-8", "surrogateescape")
        except (OSError, ValueError):
            continue
        if text.startswith(SECURITY_KEY):
            return True
        if text.startswith("-----BEGIN OPENSSH PRIVATE KEY-----"):
            body = "".join(text.split("-----")[2].split())
            return SECURITY_KEY.encode() in _decoded(body)[:200]
    return False


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


@functools.cache
def has_ticket() -> bool:
    """Return whether the user has a valid Kerberos ticket."""
    klist = shutil.which("klist")
    return klist is not None and subprocess.run([klist, "-s"], stdin=subprocess.DEVNULL).returncode == 0
