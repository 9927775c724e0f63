"""The ssh config and the command line with which ssh connects. Pure.

The config begins with the settings that this program needs, includes the user's files, and ends with defaults. Of each
keyword, ssh uses the first value. It passes the file on to the processes of ProxyJump, so it applies to gateways, too.
"""

import math
import os
import pwd
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from fabric import Config, Connection
from paramiko.config import SSHConfig

from ...util import limits
from ..config.read_values import flag
from ..config.tokens import ResolvedSettings
from ..connection import key_files
from ..fabric_patches import ssh_config_files
from ..login import prompts
from ..paramiko_patches import IndexedSSHConfig, entries
from ..trust.rule import STRICT

# Only a session can use a forwarded port or a terminal, and our sessions need none. A remote or local command of the
# user must not run in place of ours. `UpdateHostKeys` would let many processes rewrite known_hosts at the same time.
NEEDED = """\
LogLevel VERBOSE
BatchMode no
RemoteCommand none
RequestTTY no
PermitLocalCommand no
ClearAllForwardings yes
ForwardX11 no
Tunnel no
UpdateHostKeys no
"""
# The GCM ciphers are the fastest, because they include the MAC.
DEFAULTS = f"""\
StrictHostKeyChecking accept-new
ConnectTimeout {limits.CONNECT_SECONDS}
ServerAliveInterval {limits.ALIVE_SECONDS}
ServerAliveCountMax {limits.ALIVE_TIMES}
Ciphers ^aes128-gcm@openssh.com,aes256-gcm@openssh.com
"""
DEFAULT_PORT = "22"
# Keywords whose value is one path. paramiko has removed its quotes.
ONE_PATH = {"identityfile", "certificatefile", "identityagent", "revokedhostkeys"}


@attrs.frozen
class Login:
    """The settings that are the same for all hosts: from options, and from Fabric's settings.

    `own_config` holds the lines of an ssh config that the caller gave as an object, in place of files.
    """

    config_files: Sequence[str]
    key_files: Sequence[Path]
    host_keys: str | None
    connect_seconds: float | None
    has_password: bool
    can_ask: bool
    own_config: Sequence[str] = ()


def login_of(settings: Config, host_keys: str | None) -> Login:
    """Return the common settings. `host_keys` is the value of `--host-keys`."""
    kwargs = settings.connect_kwargs
    seconds = kwargs.get("timeout")
    own = settings.base_ssh_config
    is_own = isinstance(own, IndexedSSHConfig)
    return Login(
        config_files=[] if is_own else config_files(settings),
        own_config=config_lines(own) if is_own else (),
        key_files=key_files(kwargs),
        host_keys=host_keys,
        connect_seconds=None if seconds == limits.CONNECT_SECONDS else seconds,  # as in `take_timeout`
        has_password=bool(kwargs.get("password")),
        can_ask=prompts.has_terminal(),
    )


def config_text(login: Login) -> str:
    """Return the ssh config for the connections of a group."""
    lines = [NEEDED.rstrip()]
    if login.host_keys:
        lines.append(f"StrictHostKeyChecking {'yes' if login.host_keys == STRICT else 'accept-new'}")
    if login.connect_seconds:
        lines.append(f"ConnectTimeout {whole(login.connect_seconds)}")
    if login.has_password:
        lines.append("NumberOfPasswordPrompts 1")
    elif not login.can_ask:  # ssh would log in with an empty one
        lines.append("PasswordAuthentication no")
    lines += [f"IdentityFile {quoted(str(path))}" for path in login.key_files]
    lines += [f"Include {quoted(file)}" for file in login.config_files]
    lines += login.own_config
    return "\n".join([*lines, *_files_in_home(), DEFAULTS])


def config_lines(config: SSHConfig) -> list[str]:
    """Return the lines of an ssh config that paramiko has parsed. What follows them applies to all hosts."""
    lines = []
    for entry in entries(config):
        if "host" in entry:
            lines.append(" ".join(["Host", *entry["host"]]))
        else:
            lines.append(" ".join(["Match", *map(_criterion, entry["matches"])]))
        for keyword, value in entry["config"].items():
            for each in value if isinstance(value, list) else [value]:
                text = "none" if each is None else each
                lines.append(f'{keyword} "{text}"' if keyword in ONE_PATH and " " in text else f"{keyword} {text}")
    return [*lines, "Match all"]


def _criterion(found: Mapping[str, Any]) -> str:
    name, argument = f"{'!' * found['negate']}{found['type']}", found["param"]
    if argument is None:
        return name
    return f'{name} "{argument}"' if " " in argument else f"{name} {argument}"


def _files_in_home() -> list[str]:
    """Return the default files for host keys if $HOME is not the home in the passwd entry, which ssh uses."""
    home = Path.home()
    if home == Path(pwd.getpwuid(os.getuid()).pw_dir):
        return []
    files = (home / ".ssh/known_hosts", home / ".ssh/known_hosts2")
    return [f"UserKnownHostsFile {' '.join(quoted(str(file)) for file in files)}"]


def quoted(text: str) -> str:
    """Return a word of an ssh config in quotes. `%` in a path is no token.

    >>> print(quoted('a "b" 100%'))
    "a \\"b\\" 100%%"
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def whole(seconds: float) -> int:
    """Return the seconds of a timeout as ssh accepts them."""
    return max(1, math.ceil(min(seconds, 1 << 20)))


def config_files(settings: Config) -> list[str]:
    """Return the absolute paths of the ssh config files of Fabric's settings."""
    return [str(path.absolute()) for path in ssh_config_files(settings) if path]


def master_command(connection: Connection, control: Path, mode: str | None) -> list[str]:
    """Return the command line of the ssh process that holds a connection. `mode` is the value of `--host-keys`.

    It gives the user and the port only if the ssh config does not, so `Match` lines apply as in a terminal.
    """
    settings: Mapping[str, Any] = connection.ssh_config
    words = ["ssh", "-F", str(control.with_name("config")), "-M", "-N", "-S", str(control), "-o", "ControlPersist=no"]
    resolved = settings if isinstance(settings, ResolvedSettings) else ResolvedSettings()
    if resolved.has_user or connection.user != settings.get("user"):
        words += ["-l", connection.user]
    if resolved.has_port or str(connection.port) != settings.get("port", DEFAULT_PORT):
        words += ["-p", str(connection.port)]
    if flag(settings, "BatchMode", usual=False) and not connection.connect_kwargs.get("password"):
        words += ["-o", "PasswordAuthentication=no"]
    if mode is None and settings.get("stricthostkeychecking", "ask").lower() in ("ask", "no", "off", "false"):
        words += ["-o", "StrictHostKeyChecking=accept-new"]
    if settings.get("forkafterauthentication", "no").lower() == "yes":  # old versions do not know the keyword
        words += ["-o", "ForkAfterAuthentication=no"]
    words += _gateway(connection, settings)
    return [*words, "--", connection.original_host]


def _gateway(connection: Connection, settings: Mapping[str, Any]) -> list[str]:
    """Return the words for a gateway that Fabric's settings name, if the ssh config has none."""
    gateway = connection.gateway
    if not gateway or "proxyjump" in settings or "proxycommand" in settings:
        return []
    if isinstance(gateway, str):
        return ["-o", f"ProxyCommand={gateway}"]
    return ["-J", ",".join(_jumps(gateway))]


def _jumps(gateway: Connection) -> list[str]:
    host = f"[{gateway.original_host}]" if ":" in gateway.original_host else gateway.original_host
    jump = f"{gateway.user}@{host}:{gateway.port}"
    return [*_jumps(gateway.gateway), jump] if isinstance(gateway.gateway, Connection) else [jump]
