"""Start throwaway SSH hosts on this machine, for tests, the demo and benchmarks.

Each host is a real sshd on a loopback address, run by the current user. It has its own home, temporary folder, folder
for screen's sockets, and host key. The SSH configuration of this machine is neither read nor changed. `Farm.close`
kills every process that was started on the hosts. An isolated host has namespaces of its own, too; see `isolation`.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import attrs

from tests.support.isolation import isolated
from tests.support.ports import free_port

SSHD = shutil.which("sshd", path="/usr/sbin:/sbin:" + os.defpath) or "sshd"

# The key exchange that ssh prefers takes 60 ms of CPU on each side, so it is not offered.
SSHD_CONFIG = """\
ListenAddress {address}
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {keys}
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org
LogLevel VERBOSE
SetEnv HOME="{folder}/home" SCREENDIR="{folder}/screens" TMPDIR="{folder}/tmp" REMOTE_RUNNER_THROWAWAY="{folder}"
ForceCommand cd "$HOME" && exec sh -c "${{SSH_ORIGINAL_COMMAND:-exec $SHELL -l}}"
Subsystem sftp /usr/lib/openssh/sftp-server
"""

SSH_CONFIG = """\
Host {name}
    HostName {address}
    Port {port}
    User {user}
    IdentityFile {key}
    IdentitiesOnly yes
    UserKnownHostsFile {known_hosts}
"""


@attrs.frozen
class ThrowawayHost:
    """A host: its name in the ssh config, its folder, and the address and port of its sshd."""

    name: str
    folder: Path
    address: str
    port: int
    is_isolated: bool = False

    @property
    def home(self) -> Path:
        """Return the home folder of every login."""
        return self.folder / "home"

    @property
    def tmp(self) -> Path:
        """Return the folder for temporary files."""
        return self.folder / "tmp"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables that make a local program run as if on this host."""
        return {
            "HOME": str(self.home),
            "SCREENDIR": str(self.folder / "screens"),
            "TMPDIR": str(self.tmp),
            "REMOTE_RUNNER_THROWAWAY": str(self.folder),
        }

    def state(self, session: str = "runner") -> Path:
        """Return the folder in which Remote Runner keeps the state of a session."""
        machine = self.name if self.is_isolated else os.uname().nodename
        return self.home / ".local/state/remote-runner" / machine / session

    def sessions(self) -> list[str]:
        """Return the sorted names of the screen sessions, without process ids."""
        listed = self.run("screen -ls; true")
        lines = (line.split("\t") for line in listed.splitlines() if line.startswith("\t"))
        return sorted(line[1].partition(".")[2] for line in lines)

    def run(self, command: str) -> str:
        """Run `command` as a login on this host would, and return its output."""
        environment = {**os.environ, **self.environment}
        words = ["sh", "-c", command]
        if self.is_isolated:  # a local process would be outside of its namespaces
            words = ["ssh", "-F", str(self.folder.parent / "ssh_config"), self.name, command]
        done = subprocess.run(words, env=environment, cwd=self.home, capture_output=True, check=True)
        return done.stdout.decode(errors="replace")


class Farm:
    """A folder with throwaway hosts, their keys and ssh config, and their processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts: dict[str, ThrowawayHost] = {}
        self._sshds: dict[str, subprocess.Popen[bytes]] = {}
        self.ssh_config = folder / "ssh_config"
        self.names = folder / "hosts"  # in place of /etc/hosts on isolated hosts
        self.known_hosts = folder / "known_hosts"
        self.key = folder / "key"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.getuid() == 0:  # sshd of root needs this folder, which the ssh service normally creates
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        make_key(self.key)
        self.ssh_config.touch()

    def add(self, name: str, settings: Mapping[str, str] | None = None, *, is_isolated: bool = False) -> ThrowawayHost:
        """Start another host and return it when it accepts logins.

        `settings` replace lines of its sshd_config, by keyword.
        """
        host = self._set_up(name, settings, is_isolated)
        self.start(host)
        return host

    def add_all(self, names: Iterable[str], *, is_isolated: bool = False) -> None:
        """Start several hosts at the same time. Return when all of them accept logins."""
        hosts = [self._set_up(name, None, is_isolated) for name in names]
        for host in hosts:
            self._launch(host)
        for host in hosts:
            wait_for_banner(host)

    def _set_up(self, name: str, settings: Mapping[str, str] | None, is_isolated: bool) -> ThrowawayHost:
        """Create the files of a host, and note it in the ssh config."""
        address = f"127.0.0.{11 + len(self.hosts)}"
        host = ThrowawayHost(name, self.folder / name, address, free_port(address), is_isolated)
        make_folders(host)
        make_key(host.folder / "host_key")
        text = SSHD_CONFIG.format(**attrs.asdict(host), keys=f"{self.key}.pub")
        changed = settings or {}
        usual = [line for line in text.splitlines() if line.partition(" ")[0] not in changed]
        lines = [*(f"{keyword} {value}" for keyword, value in changed.items()), *usual]
        (host.folder / "sshd_config").write_text("\n".join(lines) + "\n")
        with self.ssh_config.open("a") as config:
            values = attrs.asdict(host)
            config.write(SSH_CONFIG.format(**values, user=own_name(), key=self.key, known_hosts=self.known_hosts))
        public_key = (host.folder / "host_key.pub").read_text()
        with self.known_hosts.open("a") as known_hosts:
            known_hosts.write(f"[{host.address}]:{host.port} {public_key}")
        if not self.names.exists():
            shutil.copy("/etc/hosts", self.names)
        with self.names.open("a") as names:
            names.write(f"{address} {name}\n")
        self.hosts[name] = host
        return host

    @classmethod
    def at(cls, folder: Path) -> "Farm":
        """Return the farm that another process has started in `folder`."""
        farm = cls(folder)
        for pid_file in folder.glob("*/sshd.pid"):
            host = pid_file.parent
            farm.hosts[host.name] = ThrowawayHost(host.name, host, "", 0)
        return farm

    def stand_in(self) -> ThrowawayHost:
        """Return a host that stands for `localhost`, so that tests leave the real home alone."""
        host = ThrowawayHost("localhost", self.folder / "localhost", "", 0)
        make_folders(host)
        return host

    def start(self, host: ThrowawayHost) -> None:
        """Start the sshd of a host, for the first time or again."""
        self._launch(host)
        wait_for_banner(host)

    def _launch(self, host: ThrowawayHost) -> None:
        # -r: a connection does not execute sshd again, which takes a quarter of its CPU. OpenSSH 9.8 ignores it.
        command = [SSHD, "-D", "-e", "-r", "-f", str(host.folder / "sshd_config")]
        if host.is_isolated:
            command = isolated(command, host.name, self.names)
        with (host.folder / "sshd.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        (host.folder / "sshd.pid").write_text(str(process.pid))
        self._sshds[host.name] = process

    def wait(self) -> None:
        """Wait until the sshd of every host has ended."""
        for process in self._sshds.values():
            process.wait()

    def stop(self, host: ThrowawayHost) -> None:
        """Stop the sshd of a host. Its connections and the processes on it keep running, unless it is isolated."""
        pid_file = host.folder / "sshd.pid"
        if pid_file.exists():
            pid = int(pid_file.read_text())
            if host.name in self._sshds or is_sshd_of(host, pid):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
            pid_file.unlink()
        if host.name in self._sshds:
            self._sshds.pop(host.name).wait()

    def remove(self, host: ThrowawayHost) -> None:
        """Stop the sshd of a host, kill all processes on all hosts, and remove this host except from the ssh config."""
        self.stop(host)
        end_processes(self.folder)
        remove_tree(host.folder)
        del self.hosts[host.name]

    def close(self) -> None:
        """Kill every process of the hosts and of the stand-in, and remove the folder."""
        for host in self.hosts.values():
            self.stop(host)
        end_processes(self.folder)
        remove_tree(self.folder)


def remove_tree(folder: Path) -> None:
    """Remove a folder, even if folders in it have no write permission."""
    for path, names, _ in os.walk(folder):
        for below in (Path(path, name) for name in names):
            if not below.is_symlink():
                below.chmod(0o700)
    shutil.rmtree(folder)


def make_folders(host: ThrowawayHost) -> None:
    """Create the folders of `ThrowawayHost.environment`."""
    for folder in (host.home, host.tmp, host.folder / "screens"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_key(path: Path, passphrase: str = "") -> None:
    """Create an SSH key at `path`, unless it exists."""
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", path], check=True)


def own_name() -> str:
    """Return the name of the current user."""
    return subprocess.run(["id", "-un"], capture_output=True, check=True, text=True).stdout.strip()


def wait_for_banner(host: ThrowawayHost, seconds: float = 10) -> None:
    """Wait until sshd answers. Raises RuntimeError with its log after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((host.address, host.port), 1) as connection:
            if connection.recv(4) == b"SSH-":
                return
        time.sleep(0.02)  # polls, because sshd sends no notification
    raise RuntimeError(f"{host.name}: timed out waiting for sshd:\n{(host.folder / 'sshd.log').read_text()}")


def is_sshd_of(host: ThrowawayHost, pid: int) -> bool:
    """Return whether a process is the sshd of a host. After its end, another process may get its id."""
    with contextlib.suppress(OSError):
        return str(host.folder / "sshd_config").encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def processes_of(folder: Path) -> Iterator[int]:
    """Yield the processes of the host in `folder`, or of all hosts below it and of the stand-in."""
    mark = f"REMOTE_RUNNER_THROWAWAY={folder}".encode()
    # Tests call this all the time, so it uses plain functions: Path.glob and Path.read_bytes take five times as long.
    for name in os.listdir("/proc"):  # noqa: PTH208
        with contextlib.suppress(OSError):
            if name.isdigit() and has_mark(name, mark):
                yield int(name)


def has_mark(pid: str, mark: bytes) -> bool:
    """Return whether the environment of a process has the mark of a host, or of one below the folder in the mark.

    A process that has overwritten its environment belongs to the folder in which it runs.
    """
    with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:  # noqa: PTH123
        environment = file.read()
    if environment and not environment.strip(b"\0"):  # Redis, for example, overwrites it with its title
        return os.readlink(f"/proc/{pid}/cwd".encode()).startswith(mark.partition(b"=")[2] + b"/")  # noqa: PTH115
    if mark not in environment:
        return False
    return any(entry == mark or entry.startswith(mark + b"/") for entry in environment.split(b"\0"))


def command_lines(folder: Path) -> dict[int, bytes]:
    """Return the command line of each of `processes_of(folder)` that is still running."""
    found = {}
    for pid in processes_of(folder):
        with contextlib.suppress(OSError):
            found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes()
    return found


def end_processes(folder: Path, seconds: float = 30) -> None:
    """Kill all of `processes_of(folder)`, including new ones, and remove the cgroups of their sessions.

    Raises RuntimeError after `seconds`, so that a test that fails cannot block all others.
    """
    deadline = time.monotonic() + seconds
    while pids := [kill_group(pid) for pid in processes_of(folder) if pid != os.getpid()]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"within {seconds} s: all processes of {folder} end; these run: {pids}")
        time.sleep(0.02)  # between two looks, as above
    for home in [*folder.glob("home"), *folder.glob("*/home")]:
        for listed in home.parent.rglob(".cgroups"):
            remove_cgroups(listed)


def kill_group(pid: int) -> int:
    """Kill a process and its process group, unless the tests themselves run in that group; return the process id.

    A program that forks and ends all the time stays in its group, so it cannot escape.
    """
    with contextlib.suppress(ProcessLookupError):
        group = os.getpgid(pid)
        if group == os.getpgrp():
            os.kill(pid, signal.SIGKILL)
        else:
            os.killpg(group, signal.SIGKILL)
    return pid


def remove_cgroups(listed: Path) -> None:
    """Remove the cgroups that a session has listed."""
    for cgroup in listed.read_text().splitlines():
        with contextlib.suppress(OSError):  # it is gone, or a zombie is still in it
            Path(cgroup).rmdir()
