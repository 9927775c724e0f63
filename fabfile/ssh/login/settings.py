"""The settings of a login: those of the ssh config, and the passwords and keys that were given."""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import attrs
import paramiko
from fabric import Connection

from ..config.read_values import flag, number
from ..config.tokens import expand
from . import keys

# In the order of ssh, which asks for a password last.
METHODS = ("publickey", "keyboard-interactive", "password")
# See `fill_default_options` in readconf.c of OpenSSH.
USUAL_NAMES = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa")
PROMPTS = 3
LEAST_RSA_BITS = 1024
SOCKET = "SSH_AUTH_SOCK"


class IdentityFile(NamedTuple):
    """The path of a key, and whether the user has named it, rather than ssh by default."""

    path: str
    is_named: bool


@attrs.frozen
class LoginSettings:
    """How to log in to one host. `agent` is the path of a socket, or None."""

    user: str
    host: str  # as the user has named it
    methods: tuple[str, ...] = METHODS
    identities: tuple[IdentityFile, ...] = ()
    certificates: tuple[str, ...] = ()
    identities_only: bool = False
    agent: str | None = None
    algorithms: tuple[str, ...] = keys.ACCEPTED
    least_rsa_bits: int = LEAST_RSA_BITS
    prompts: int = PROMPTS
    is_batch: bool = False
    key: paramiko.PKey | None = None
    password: str | None = attrs.field(default=None, repr=False)
    passphrase: str | None = attrs.field(default=None, repr=False)


def settings_of(connection: Connection) -> LoginSettings:
    """Return the settings for a connection. Raise ValueError if a path in the ssh config has an invalid token."""
    config, given = connection.ssh_config, connection.connect_kwargs
    return LoginSettings(
        user=connection.user,
        host=connection.original_host,
        methods=_methods(config),
        identities=identity_files(connection),
        certificates=tuple(expand(path, "certificatefile", connection) for path in _list(config, "certificatefile")),
        identities_only=flag(config, "identitiesonly", usual=False),
        agent=_agent(connection) if given.get("allow_agent", True) else None,
        algorithms=_algorithms(config),
        least_rsa_bits=number(config, "requiredrsasize", LEAST_RSA_BITS),
        prompts=number(config, "numberofpasswordprompts", PROMPTS),
        is_batch=flag(config, "batchmode", usual=False),
        key=given.get("pkey"),
        password=given.get("password"),
        passphrase=given.get("passphrase") or given.get("password"),
    )


def _methods(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the enabled methods in the preferred order."""
    preferred = config.get("preferredauthentications", "") or ",".join(METHODS)
    challenge = flag(config, "challengeresponseauthentication", usual=True)  # its old name
    enabled = {
        "publickey": flag(config, "pubkeyauthentication", usual=True),  # `unbound` and `host-bound` mean yes, too
        "keyboard-interactive": flag(config, "kbdinteractiveauthentication", usual=challenge),
        "password": flag(config, "passwordauthentication", usual=True),
    }
    return tuple(name for name in preferred.replace(" ", "").split(",") if enabled.get(name))


def identity_files(connection: Connection) -> tuple[IdentityFile, ...]:
    """Return the key files: those of -i, those of the ssh config, and if both name none, those that ssh would try."""
    in_config = _list(connection.ssh_config, "identityfile")
    # Not `key_filename`, to which Fabric adds the IdentityFile lines of gateways.
    paths = [os.path.expanduser(path) for path in connection.config.authentication.identities]  # noqa: PTH111
    paths += [expand(path, "identityfile", connection) for path in in_config if path.lower() != "none"]
    if paths or in_config:
        return tuple(IdentityFile(path, is_named=True) for path in dict.fromkeys(paths))
    if not connection.connect_kwargs.get("look_for_keys", True):
        return ()
    folder = os.path.expanduser("~/.ssh")  # noqa: PTH111
    return tuple(IdentityFile(f"{folder}/{name}", is_named=False) for name in USUAL_NAMES)


def _agent(connection: Connection) -> str | None:
    """Return the socket of IdentityAgent, or of SSH_AUTH_SOCK."""
    text = connection.ssh_config.get("identityagent", SOCKET)
    if text == "none":
        return None
    if text == SOCKET:
        return os.environ.get(SOCKET) or None
    if text.startswith("$") and not text.startswith("${"):
        return os.environ.get(text[1:]) or None
    return expand(text, "identityagent", connection)


def _algorithms(config: Mapping[str, Any]) -> tuple[str, ...]:
    text = config.get("pubkeyacceptedalgorithms") or config.get("pubkeyacceptedkeytypes") or ""
    return keys.accepted(text) if text else keys.ACCEPTED


def _list(config: Mapping[str, Any], keyword: str) -> list[str]:
    value = config.get(keyword) or []
    return [value] if isinstance(value, str) else [str(each) for each in value]
