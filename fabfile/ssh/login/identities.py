"""The keys to try, in the order of ssh: see `pubkey_prepare` in sshconnect2.c of OpenSSH."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from . import keys
from .key_files import KeyFile
from .settings import IdentityFile, LoginSettings

if TYPE_CHECKING:
    from .agents import AgentKey

Signer = Callable[[bytes, str], bytes]


@attrs.define(eq=False)
class Identity:
    """A key or certificate to try. `public` is None if only the private key in the file tells it.

    The agent signs if `is_in_agent`, and the private key of `file` otherwise. `own_sign` is a key in memory.
    """

    label: str
    public: bytes | None
    file: KeyFile | None = None
    is_in_agent: bool = False
    is_named: bool = True
    own_sign: Signer | None = None
    was_tried: bool = False


def identities(
    settings: LoginSettings,
    files: Sequence[tuple[IdentityFile, KeyFile, bytes | None]],
    certificates: Sequence[tuple[str, bytes | None]],
    in_agent: "Sequence[AgentKey]",
) -> list[Identity]:
    """Return the keys in the order to try them.

    `files` has the certificate beside each key file, if any. ssh ignores these if CertificateFile names others.
    The order: certificates of CertificateFile, agent keys that the ssh config names, other agent keys unless
    IdentitiesOnly is set, other key files.
    """
    from_files = []
    for each, file, beside in files:
        label = short(each.path)
        from_files.append(Identity(label, file.public, file, is_named=each.is_named))
        if beside is not None and not certificates:
            from_files.append(Identity(f"{label}-cert.pub", beside, file, is_named=each.is_named))
    ordered = [Identity(short(path), blob) for path, blob in certificates if blob and keys.is_user_cert(blob)]
    ordered += _of_agent(settings, in_agent, from_files) + from_files
    return [each for each in ordered if _is_usable(each, settings)]


def _of_agent(settings: LoginSettings, in_agent: "Sequence[AgentKey]", from_files: list[Identity]) -> list[Identity]:
    """Return the keys of the agent. Remove those that also have a file from `from_files`."""
    named, others = [], []
    for key in in_agent:
        same = next((each for each in from_files if each.public == key.blob), None)
        if same is not None:
            from_files.remove(same)
            same.is_in_agent = True
            named.append(same)
        elif not settings.identities_only:
            others.append(Identity(f"agent key {key.comment}".rstrip(), key.blob, is_in_agent=True))
    return named + others


def _is_usable(each: Identity, settings: LoginSettings) -> bool:
    if each.public is None:
        return True
    if keys.is_cert(each.public) and not keys.is_user_cert(each.public):
        return False
    if 0 < keys.rsa_bits(each.public) < settings.least_rsa_bits:
        return False
    return keys.is_accepted(each.public, settings.algorithms)


def signer_of(each: Identity, among: Sequence[Identity]) -> Identity:
    """Return the identity whose private key signs for `each`: for a certificate, the key of the same public key.

    Without such a key, it is the file from which the name of the certificate is derived.
    """
    if each.is_in_agent or each.public is None or not keys.is_cert(each.public):
        return each
    key = keys.plain(each.public)
    for other in among:
        if other.public == key:
            return other
    for other in among:
        if other.public is None and each.label in (f"{other.label}.pub", f"{other.label}-cert.pub"):
            return other
    return each


def short(path: str) -> str:
    """Return a path with `~` for the home folder."""
    home = str(Path.home())
    return f"~{path[len(home) :]}" if path.startswith(f"{home}/") else path
