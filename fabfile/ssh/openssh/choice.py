"""Choose the transport of a host: paramiko in this process, or the program ssh."""

import functools
import logging
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from fabric import Connection

from .. import algorithms
from ..login.key_files import key_file
from ..login.keys import is_fido
from ..login.settings import identity_files

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


def uses_openssh(connection: Connection, transport: str) -> bool:
    """Return whether ssh connects to a host. `transport` is the value of `--transport`."""
    if transport != AUTO:
        return transport == OPENSSH
    reason = reason_for_openssh(connection)
    if reason:
        log.debug("%s: ssh connects because of %s", connection.original_host, reason)
    return bool(reason)


def reason_for_openssh(connection: Connection) -> str:
    """Return why only ssh can connect to a host; empty if paramiko can, too."""
    try:
        identities = [each.path for each in identity_files(connection)]
    except ValueError:  # the login reports an invalid token
        identities = []
    return needs_openssh(connection.ssh_config, identities)


def needs_openssh(settings: Mapping[str, Any], identities: Sequence[str] = ()) -> str:
    """Return the first setting that only ssh obeys; empty if paramiko obeys all of them.

    `settings` is the resolved ssh config of one host, as `ssh -G` prints it. `identities` are the paths of its keys.

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
    for path in identities:
        file = key_file(path)
        if file.public and is_fido(file.public):
            return f"{path}, a key on a FIDO token"
        if file.needs_ssh:
            return f"{path}, a key with a cipher that only ssh knows"
    if settings.get("gssapiauthentication", "no").lower() in ("yes", "true") and has_ticket():
        return "GSSAPIAuthentication yes, with a Kerberos ticket"
    return ""


@functools.cache
def has_ticket() -> bool:
    """Return whether the user has a valid Kerberos ticket."""
    klist = shutil.which("klist")
    return klist is not None and subprocess.run([klist, "-s"], stdin=subprocess.DEVNULL).returncode == 0
