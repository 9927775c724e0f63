"""Connect to an sshd with special settings twice: with `ssh`, and with this program; compare what happens."""

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
from fabric import Config

from fabfile.remote.ask import ask
from fabfile.ssh.connection import connection_settings
from fabfile.ssh.host_group import HostGroup
from fabfile.util.errors import HostError
from rr_config import Options
from tests.support.farm import SSHD
from tests.support.logins import bits
from tests.support.ports import free_port
from tests.support.scripts import script_of

KEY_TYPES = ("ed25519", "ecdsa", "rsa")
SHOWN = 'printf "%s %s %s" "$USER" "${SSH_CONNECTION#* * }" "${SSH_CONNECTION%% *}"'

# The first line of a keyword counts, so a test may set it. See `farm` for the key exchange.
SERVER = """\
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
AuthorizedKeysFile {folder}/key.pub
PasswordAuthentication no
LogLevel ERROR
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org
"""
CLIENT = """\
User root
IdentityFile {folder}/key
IdentitiesOnly yes
UserKnownHostsFile {{known}}
GlobalKnownHostsFile none
StrictHostKeyChecking accept-new
"""


@attrs.frozen
class Outcome:
    """How a connection ended: user, server and client if it was made, and the lines of the known_hosts file."""

    shown: str | None
    known: Sequence[str]
    error: str = attrs.field(eq=False, default="")
    seconds: float = attrs.field(eq=False, default=0)


@attrs.frozen
class Comparison:
    """Keys, servers, and the two programs that connect to them."""

    folder: Path
    _processes: list[subprocess.Popen[bytes]] = attrs.field(factory=list)

    def public(self, name: str) -> str:
        """Return type and text of a public key."""
        return " ".join((self.folder / f"{name}.pub").read_text().split()[:2])

    def make_key(self, name: str, type_: str = "ed25519") -> Path:
        """Create a key, and return its path."""
        path = self.folder / name
        if not path.exists():
            command: list[str | Path] = ["ssh-keygen", "-q", *bits(type_), "-N", "", "-C", name, "-f", path]
            subprocess.run(command, check=True)
        return path

    def sign(self, authority: str, name: str, *options: str) -> Path:
        """Create a certificate of a host key, and return its path."""
        path = self.folder / f"{name}.pub"
        command: list[str | Path] = [
            "ssh-keygen",
            "-q",
            "-s",
            self.folder / authority,
            "-I",
            "id",
            "-h",
            *options,
            path,
        ]
        subprocess.run(command, check=True, capture_output=True)
        return self.folder / f"{name}-cert.pub"

    def server_config(self, *lines: str) -> Path:
        """Write the config of an sshd. It has a host key of each type unless `lines` set one."""
        text = SERVER.format(folder=self.folder)
        if not any(line.startswith("HostKey ") for line in lines):
            text += "".join(f"HostKey {self.folder}/{type_}\n" for type_ in KEY_TYPES)
        with tempfile.NamedTemporaryFile("w", dir=self.folder, prefix="sshd", delete=False) as file:
            file.write("\n".join([*lines, text]))
        return Path(file.name)

    def serve(self, *lines: str, address: str = "127.0.0.1", port: int = 0) -> int:
        """Start an sshd, and return its port."""
        port = port or free_port(address)
        listen = f"ListenAddress [{address}]:{port}" if ":" in address else f"ListenAddress {address}:{port}"
        config = self.server_config(listen, *lines)
        command: list[str | Path] = [SSHD, "-D", "-r", "-f", config, "-E", self.folder / "sshd.log"]
        self._processes.append(subprocess.Popen(command, start_new_session=True))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection((address, port), 1) as connection:
                if connection.recv(4) == b"SSH-":
                    return port
            time.sleep(0.02)
        raise RuntimeError(f"sshd does not answer on {address} port {port}")

    def logged(self) -> str:
        """Return what the servers have logged since the last call."""
        log = self.folder / "sshd.log"
        text = log.read_text()
        log.write_text("")
        return text

    def both(self, config: str, host: str = "h", known: str = "") -> tuple[Outcome, Outcome]:
        """Connect with ssh, and with this program."""
        return self.by_ssh(config, host, known), self.by_us(config, host, known)

    def by_ssh(self, config: str, host: str = "h", known: str = "") -> Outcome:
        """Connect with ssh. It cannot ask anything."""
        path, known_hosts = self._prepare(config, known)
        began = time.monotonic()
        command: list[str | Path] = ["ssh", "-F", path, "-o", "BatchMode=yes", host, SHOWN]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=50)
        shown = done.stdout if done.returncode == 0 else None
        return Outcome(shown, _lines(known_hosts), done.stderr, time.monotonic() - began)

    def by_us(
        self,
        config: str,
        host: str = "h",
        known: str = "",
        password: str | None = None,
        host_keys: str | None = None,
        transport: str = "auto",
        beside: Sequence[str] = (),
    ) -> Outcome:
        """Connect with this program. The group has the hosts `beside`, too."""
        path, known_hosts = self._prepare(config, known)
        began, shown, error = time.monotonic(), None, ""
        try:
            settings = connection_settings(Config(runtime_ssh_path=str(path)), password)
            with contextlib.closing(
                HostGroup([host, *beside], settings, Options(host_keys=host_keys, transport=transport))
            ) as group:
                (shown,) = ask(group.hosts[host], script_of(f'answer "$({SHOWN})"'))
        except (HostError, ValueError) as caught:
            error = str(caught)
        return Outcome(shown, _lines(known_hosts), error, time.monotonic() - began)

    def _prepare(self, config: str, known: str) -> tuple[Path, Path]:
        path, known_hosts = self.folder / "ssh_config", self.folder / "known_hosts"
        path.write_text(
            (config + "\nHost *\n" + CLIENT.format(folder=self.folder)).replace("{known}", str(known_hosts))
        )
        path.write_text(path.read_text().replace("{{known}}", str(known_hosts)))
        known_hosts.write_text(known)
        return path, known_hosts

    def close(self) -> None:
        """Stop all servers."""
        for process in self._processes:
            process.terminate()
            process.wait()


def _lines(path: Path) -> list[str]:
    return sorted(line for line in path.read_text().splitlines() if line)


def comparisons(folder: Path) -> Iterator[Comparison]:
    """Yield a comparison with a key for logins and host keys of each type; stop its servers in the end."""
    made = Comparison(folder)
    for name, type_ in (("key", "ed25519"), *zip(KEY_TYPES, KEY_TYPES, strict=True)):
        made.make_key(name, type_)
    try:
        yield made
    finally:
        made.close()
