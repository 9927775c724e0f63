"""KnownHostsCommand of the ssh config: a program that prints lines of a known_hosts file. See ssh_config(5)."""

import base64
import hashlib
import re
import shlex
import subprocess
from collections.abc import Mapping

import paramiko

from ..known_hosts import KeyRefused
from .rule import HostKeyRule


def known_hosts(rule: HostKeyRule, invocation: str, key: paramiko.PKey | None = None) -> str:
    """Return the lines that the command of `rule` prints. It runs without a shell, as in ssh.

    `invocation` is the reason of the call, `ORDER` or `HOSTNAME`. Raise KeyRefused if the command fails.
    """
    where = f"cannot be checked: KnownHostsCommand {rule.known_hosts_command!r}"
    tokens = {"H": rule.name, "I": invocation, "t": "NONE", "f": "NONE", "K": "NONE"}
    if key is not None:
        blob = key.asbytes()
        tokens |= {"t": key.get_name(), "K": base64.b64encode(blob).decode()}
        tokens["f"] = "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    try:
        program, *arguments = shlex.split(rule.known_hosts_command)
        command = [program, *(rule.expand_argument(_with_own_tokens(each, tokens)) for each in arguments)]
        null = subprocess.DEVNULL
        done = subprocess.run(command, stdin=null, capture_output=True, text=True, errors="surrogateescape")
    except (ValueError, OSError) as error:
        raise KeyRefused(f"{where}: {error}") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise KeyRefused(f"{where} ended with exit status {done.returncode}: {said[-1] if said else 'no message'}")
    return done.stdout


def _with_own_tokens(argument: str, tokens: Mapping[str, str]) -> str:
    """Replace the tokens that only this keyword has, and leave the others to `expand`."""

    def value(match: re.Match[str]) -> str:
        return tokens[match[1]].replace("%", "%%") if match[1] in tokens else match[0]

    return re.sub(r"%(.)", value, argument)
