"""Log in with `ssh` and with this program under the same ssh config, and compare what sshd logs."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
from fabric import Config as Settings
from paramiko import Message

from fabfile.ssh.connection import connection_settings
from fabfile.ssh.host_group import HostGroup
from fabfile.util import errors
from rr_config import Options
from tests.support.farm import Farm, ThrowawayHost, own_name
from tests.support.waiting import eventually

PASSPHRASE = "open sesame"
LINE = re.compile(r"^(Accepted|Partial) (\S+) for (\S+) from \S+ port \d+ ssh2(.*)$", re.MULTILINE)


@attrs.frozen
class Login:
    """How a login ended: what sshd has accepted, and the error, if any."""

    accepted: tuple[tuple[str, ...], ...]
    error: str

    @property
    def works(self) -> bool:
        return not self.error


@attrs.frozen
class Duel:
    """Hosts with special settings, keys for them, and the two programs that log in."""

    farm: Farm
    keys: Path
    _hosts: dict[tuple[tuple[str, str], ...], ThrowawayHost] = attrs.field(factory=dict)

    def host(self, **settings: str) -> ThrowawayHost:
        """Return a host with these settings of sshd. All logins with the same settings share it."""
        key = tuple(sorted(settings.items()))
        if key not in self._hosts:
            usual = {"AuthorizedKeysFile": str(self.keys / "authorized"), "ForceCommand": "true"}
            self._hosts[key] = self.farm.add(f"host{len(self._hosts)}", usual | settings)
        return self._hosts[key]

    def config(self, host: ThrowawayHost, lines: Sequence[str], name: str = "machine") -> Path:
        """Write an ssh config for the host. `{keys}` in the lines is the folder of the keys."""
        own = [line.format(keys=self.keys) for line in lines]
        usual = [f"HostName {host.address}", f"Port {host.port}", f"UserKnownHostsFile {self.farm.known_hosts}"]
        if not any(line.startswith("User ") for line in own):
            usual.append(f"User {own_name()}")
        path = self.keys / "config"
        path.write_text("\n    ".join([f"Host {name}", *own, *usual]) + "\n")
        return path

    def ssh(self, host: ThrowawayHost, config: Path, *options: str, name: str = "machine") -> Login:
        """Log in with ssh, without a terminal."""
        before = self.accepted(host)
        command: list[str | Path] = ["ssh", "-F", config, *options, name, "true"]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, start_new_session=True
        )
        return Login(self.accepted(host)[len(before) :], done.stderr or "failed" if done.returncode else "")

    def ours(self, host: ThrowawayHost, config: Path, name: str = "machine", **kwargs: Any) -> Login:
        """Log in with a group of hosts, in this process, which has a terminal only if the tests have one."""
        before = self.accepted(host)
        settings = connection_settings(Settings(runtime_ssh_path=str(config), overrides={"connect_kwargs": kwargs}))
        group = HostGroup([name], settings, Options(config_file="cfg.py"))
        error = ""
        try:
            group.hosts[name].connect()
            # The parent of the process that answers writes the line.
            eventually(
                lambda: any(word[0] == "Accepted" for word in self.accepted(host)[len(before) :]), "a line of sshd"
            )
        except errors.HostError as problem:
            error = str(problem)
        finally:
            group.close()
        return Login(self.accepted(host)[len(before) :], error)

    @staticmethod
    def accepted(host: ThrowawayHost) -> tuple[tuple[str, ...], ...]:
        """Return the methods that sshd has accepted, in order: whether they are enough, the method, user and key."""
        return tuple(LINE.findall((host.folder / "sshd.log").read_text().replace("\r", "")))


def make_keys(folder: Path) -> None:
    """Make keys of all kinds. `authorized` lists those that hosts accept: all but `wrong*` and those with a certificate."""
    kinds = {"good": "ed25519", "rsa": "rsa", "ecdsa": "ecdsa", "certified": "ed25519", "certified_rsa": "rsa"}
    for name, kind in kinds.items() | {f"wrong{number}": "ed25519" for number in range(8)}.items():
        keygen(*bits(kind), "-N", "", "-C", name, "-f", folder / name)
    keygen("-t", "ed25519", "-N", "", "-f", folder / "ca")
    keygen("-t", "ed25519", "-N", PASSPHRASE, "-Z", "aes256-gcm@openssh.com", "-f", folder / "gcm")
    keygen(*bits("rsa"), "-N", PASSPHRASE, "-m", "PEM", "-f", folder / "pem")
    keygen(*bits("rsa"), "-N", "", "-m", "PKCS8", "-f", folder / "pkcs8")
    keygen("-t", "ecdsa", "-b", "521", "-N", "", "-m", "PEM", "-f", folder / "sec1")
    keygen("-t", "ed25519", "-N", PASSPHRASE, "-m", "PKCS8", "-f", folder / "pkcs8_secret")
    for name in ("certified", "certified_rsa"):
        for user, ending in ((own_name(), "crt"), ("somebody-else", "other")):
            keygen("-s", folder / "ca", "-I", "id", "-n", user, folder / f"{name}.pub")
            (folder / f"{name}-cert.pub").rename(folder / f"{name}.{ending}")
    names = ("good", "rsa", "ecdsa", "gcm", "pem", "pkcs8", "sec1", "pkcs8_secret")
    text = "".join((folder / f"{name}.pub").read_text() for name in names)
    (folder / "authorized").write_text(text)
    make_fido_key(folder / "fido")


def keygen(*words: str | Path) -> None:
    subprocess.run(["ssh-keygen", "-q", *words], check=True, stdin=subprocess.DEVNULL)


def bits(kind: str) -> list[str]:
    """Return the options of `ssh-keygen` for a kind of key. A longer RSA key takes up to 1 s of CPU."""
    return ["-t", kind, *(["-b", "2048"] if kind == "rsa" else [])]


def make_fido_key(path: Path) -> None:
    """Write a key file for a FIDO device that does not exist, in the format of PROTOCOL.u2f and PROTOCOL.key."""
    import base64

    kind, point, application = b"sk-ssh-ed25519@openssh.com", bytes(range(32)), b"ssh:"
    public = packed(kind, point, application)
    secret = b"\0\0\0\1" * 2 + public + b"\1" + packed(b"handle", b"", b"comment")
    secret += bytes(range(1, 1 + -len(secret) % 8))
    data = b"openssh-key-v1\0" + packed(b"none", b"none", b"") + b"\0\0\0\1" + packed(public, secret)
    text = base64.encodebytes(data).decode()
    path.write_text(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}-----END OPENSSH PRIVATE KEY-----\n")
    path.chmod(0o600)
    Path(f"{path}.pub").write_text(f"{kind.decode()} {base64.b64encode(public).decode()} comment\n")


def packed(*parts: bytes) -> bytes:
    message = Message()
    for part in parts:
        message.add_string(part)
    return message.asbytes()


@contextlib.contextmanager
def agent(*adding: Sequence[str | Path]) -> Iterator[str]:
    """Yield the socket of an ssh-agent, after `ssh-add` with each of these arguments."""
    folder = Path(tempfile.mkdtemp(prefix="rr.", dir="/tmp"))  # the path of a socket must be short
    path = folder / "agent"
    typist = folder / "typist"
    typist.write_text(f"#!/bin/sh\necho {PASSPHRASE!r}\n")
    typist.chmod(0o755)
    environment = {**os.environ, "SSH_AUTH_SOCK": str(path), "SSH_ASKPASS": "/bin/false", "DISPLAY": "none"}
    # Nobody can confirm.
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL, env=environment)
    environment |= {"SSH_ASKPASS": str(typist), "SSH_ASKPASS_REQUIRE": "force"}
    try:
        eventually(lambda: is_listening(path), "an agent")
        for words in adding:
            subprocess.run(["ssh-add", "-q", *words], env=environment, check=True)
        yield str(path)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def is_listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0
