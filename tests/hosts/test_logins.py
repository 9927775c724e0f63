"""Ways to log in: keys, agents, passphrases, passwords, and settings of an ssh config."""

import contextlib
import os
import pty
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.support.accounts import Account
from tests.support.accounts import account as temporary_account
from tests.support.checkout import FAB, ROOT
from tests.support.farm import ThrowawayHost, make_key, own_name
from tests.support.lab import Lab
from tests.support.ports import free_port
from tests.support.waiting import eventually

COMPONENT = """
for host in {hosts}:
    config.add_component(Component(
        name="web", executable="/bin/true", host=host, start_index=1, base_dir="~/work", files={{"good": "good"}},
    ))
"""
PASSPHRASE = "open, sesame '$x'"


@attrs.frozen
class Login:
    """`fab sync` for some hosts, with the ssh folder of the stand-in home and nothing else to log in with."""

    lab: Lab

    @property
    def ssh(self) -> Path:
        """The `.ssh` of the user's home."""
        return self.lab.here.home / ".ssh"

    def configure(self, *hosts: str) -> None:
        """A config that brings one file to each of the hosts."""
        self.lab.write("good", "good")
        self.lab.config(COMPONENT.format(hosts=list(hosts)))

    def ssh_host(self, name: str, host: ThrowawayHost, *lines: str) -> None:
        """A section of `~/.ssh/config`."""
        section = [f"Host {name}", f"HostName {host.address}", f"Port {host.port}", *lines]
        with (self.ssh / "config").open("a") as config:
            config.write("\n    ".join(section) + "\n")
        with (self.ssh / "known_hosts").open("a") as known_hosts:
            known_hosts.write(f"[{host.address}]:{host.port} {(host.folder / 'host_key.pub').read_text()}")

    def command(self, *core: str | Path, then: tuple[str, ...] = ()) -> list[str]:
        """`fab sync`; `core` are Fabric's own options, `then` those of the command."""
        return [*map(str, [FAB, "-r", ROOT, *core]), "sync", "-c", "cfg.py", *then]

    def sync(self, *core: str | Path, then: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
        """Run it."""
        environment = self.lab.environment | env
        return self.lab.prefork.run(self.command(*core, then=then), self.lab.folder, environment, 60)

    def sync_on_terminal(self, secret: str, *core: str) -> tuple[int, str]:
        """Run it on a terminal of its own, where somebody types `secret` when asked; its exit code and output."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.lab.folder)
            os.execve(FAB, self.command(*core), self.lab.environment)
        output, asked = b"", False
        with os.fdopen(terminal, "r+b", buffering=0) as stream:
            while block := read(stream.fileno()):
                output += block
                if not asked and output.rstrip().endswith(b":"):
                    asked = True
                    stream.write(secret.encode() + b"\n")
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output.decode()


def read(terminal: int) -> bytes:
    """Return the next output, or nothing at the end, which a terminal reports as an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


@pytest.fixture
def login(lab: Lab) -> Login:
    """A user with an empty `~/.ssh`; the config names `node1`, which is in no ssh config yet."""
    found = Login(lab)
    found.ssh.mkdir(mode=0o700)
    found.configure("node1")
    return found


def assert_synced(done: subprocess.CompletedProcess[str], *hosts: ThrowawayHost) -> None:
    assert done.returncode == 0, done.stderr
    for host in hosts:
        assert (host.home / "work/good").read_text() == "good"


def test_each_host_gets_its_own_key(login: Login) -> None:
    """With those of all the others, sshd would hang up: it takes six at most."""
    names = [f"node{number}" for number in range(11, 20)]
    keys = {name: login.ssh / name for name in names}
    for name, key in keys.items():
        make_key(key)
        host = login.lab.farm.add(name, {"AuthorizedKeysFile": f"{key}.pub"})
        login.ssh_host(name, host, f"IdentityFile {key}", "IdentitiesOnly yes")
    login.configure(*names)
    assert_synced(login.sync(), *(login.lab.farm.hosts[name] for name in names))


def test_too_many_keys_are_reported(login: Login) -> None:
    lines = []
    for number in range(8):
        make_key(login.ssh / f"key{number}")
        lines.append(f"IdentityFile {login.ssh}/key{number}")
    login.ssh_host("node1", login.lab.node1, *lines)
    done = login.sync()
    assert done.returncode == 1
    assert f"node1: connect: permission denied for user {own_name()}" in done.stderr


def guarded_key(login: Login, host: ThrowawayHost) -> Path:
    """A copy of the key of the hosts, with a passphrase."""
    key = login.ssh / "guarded"
    shutil.copy(login.lab.farm.key, key)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", PASSPHRASE, "-f", key], check=True, capture_output=True)
    login.ssh_host("node1", host, f"IdentityFile {key}")
    return key


def test_key_in_home_is_used(login: Login) -> None:
    login.ssh_host("node1", login.lab.node1)
    assert login.sync().returncode == 1
    shutil.copy(login.lab.farm.key, login.ssh / "id_ed25519")
    assert_synced(login.sync(), login.lab.node1)


def test_pass_is_a_passphrase(login: Login) -> None:
    guarded_key(login, login.lab.node1)
    without = login.sync()
    assert without.returncode == 1
    assert "passphrase" in without.stderr
    assert login.sync(then=("--pass", "wrong")).returncode == 1
    assert_synced(login.sync(then=("--pass", PASSPHRASE)), login.lab.node1)


def test_passphrase_prompt_works(login: Login) -> None:
    guarded_key(login, login.lab.node1)
    code, output = login.sync_on_terminal(PASSPHRASE, "--prompt-for-passphrase")
    assert code == 0, output
    assert PASSPHRASE not in output


def test_agent_key_is_used(login: Login) -> None:
    login.ssh_host("node1", login.lab.node1)
    own = Path(tempfile.mkdtemp(prefix="rr.", dir="/tmp"))  # a socket's path has to be short
    environment = os.environ | {"SSH_AUTH_SOCK": str(own / "agent")}
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", own / "agent"], stdout=subprocess.DEVNULL)
    try:
        eventually((own / "agent").is_socket, "an agent")
        subprocess.run(["ssh-add", "-q", login.lab.farm.key], env=environment, check=True)
        assert_synced(login.sync(SSH_AUTH_SOCK=environment["SSH_AUTH_SOCK"]), login.lab.node1)
    finally:
        agent.terminate()
        agent.wait()
        shutil.rmtree(own)


def test_identity_and_user_options_work(login: Login) -> None:
    login.ssh_host("node1", login.lab.node1, "User no-such-user")
    key = login.lab.farm.key
    refused = login.sync("-i", key)
    assert refused.returncode == 1
    assert "no-such-user" in refused.stderr
    assert_synced(login.sync("-i", key, then=("--user", own_name())), login.lab.node1)


def test_ssh_config_values_are_used(login: Login) -> None:
    login.configure("machine")
    login.ssh_host("machine", login.lab.node2, f"User {own_name()}", f"IdentityFile {login.lab.farm.key}")
    assert_synced(login.sync(USER="no-such-user", LOGNAME="no-such-user"), login.lab.node2)


def test_proxy_jump_works(login: Login) -> None:
    lab = login.lab
    identity = f"IdentityFile {lab.farm.key}"
    login.ssh_host("node1", lab.node1, identity)
    login.ssh_host("inner", lab.node2, identity, "ProxyJump node1")
    login.ssh_host("other", lab.node3, identity, "ProxyJump node1")
    log = lab.node1.folder / "sshd.log"
    before = log.read_text().count("Accepted publickey")
    login.configure("inner")
    assert_synced(login.sync(), lab.node2)
    assert log.read_text().count("Accepted publickey") == before + 1
    shutil.rmtree(lab.node2.home / "work")
    login.configure("inner", "other", "node1")
    assert_synced(login.sync(), lab.node1, lab.node2, lab.node3)


def test_gateways_are_used_in_order(login: Login) -> None:
    lab = login.lab
    identity = f"IdentityFile {lab.farm.key}"
    login.ssh_host("first", lab.node1, identity)
    # Only the sshd of the first one lets it through to this one, and only that of this one to the last.
    inner = lab.farm.add("inner", {"PermitOpen": f"{lab.node3.address}:{lab.node3.port}"})
    login.ssh_host("inner", inner, identity)
    login.ssh_host("far", lab.node3, identity, "ProxyJump first,inner")
    login.configure("far")
    assert_synced(login.sync(), lab.node3)


def test_connect_timeout_of_ssh_config_works(login: Login) -> None:
    lab = login.lab
    login.ssh_host("node1", lab.node1, f"IdentityFile {lab.farm.key}", "ConnectTimeout 7")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        silent = attrs.evolve(lab.node2, address="127.0.0.1", port=mute.getsockname()[1])
        login.ssh_host("mute", silent, f"IdentityFile {lab.farm.key}", "ConnectTimeout 1")
        login.configure("node1", "mute")
        done = login.sync(then=("--keep-going",))
    assert done.returncode == 1
    assert "mute: connect: 127.0.0.1 port" in done.stderr and "timed out" in done.stderr
    assert (lab.node1.home / "work/good").exists()


def test_host_may_have_user_and_port(login: Login) -> None:
    node1, node2 = login.lab.node1, login.lab.node2
    login.configure(f"{own_name()}@{node1.address}:{node1.port}", f"{node2.address}:{node2.port}")
    assert_synced(login.sync("-i", login.lab.farm.key), node1, node2)


@pytest.mark.transports
def test_user_in_host_beats_option(login: Login) -> None:
    node1 = login.lab.node1
    login.configure(f"{own_name()}@{node1.address}:{node1.port}")
    assert_synced(login.sync("-i", login.lab.farm.key, then=("-u", "nobody-of-this-name")), node1)


def test_failing_gateway_is_reported(login: Login) -> None:
    lab = login.lab
    identity = f"IdentityFile {lab.farm.key}"
    nobody = attrs.evolve(lab.node1, port=free_port(lab.node1.address))
    login.ssh_host("shut", nobody, identity)
    login.ssh_host("node1", lab.node1, identity)
    login.ssh_host("behind-shut", lab.node2, identity, "ProxyJump shut")
    login.ssh_host("shut-behind", nobody, identity, "ProxyJump node1")
    login.configure("behind-shut", "shut-behind", "node1")
    sync = f"fab -r {ROOT} sync --config {lab.folder}/cfg.py"
    again = f"repeat with: {sync}"
    without = f"without these hosts: {sync} --limit '!behind-shut/*,!shut-behind/*'"
    for then, last_lines in (
        ((), ["connect failed; no host was changed", without, again]),
        (
            ("--keep-going",),
            [
                "2 hosts failed; the other hosts are done",
                f"{again} --limit 'behind-shut/*,shut-behind/*' --keep-going",
            ],
        ),
    ):
        done = login.sync(then=then)
        assert done.returncode == 1
        first, second, *rest = done.stderr.splitlines()
        port = f"{nobody.address} port {nobody.port}"
        assert first == f"behind-shut: connect: gateway shut: {port}: connection refused"
        assert second.startswith(f"shut-behind: connect: {port}: its gateway cannot connect: ")
        assert (lab.node1.home / "work/good").exists() == ("--keep-going" in then)
        assert rest == last_lines


def test_missing_config_identity_is_ignored(login: Login) -> None:
    missing = login.ssh / "none"
    login.ssh_host("node1", login.lab.node1, f"IdentityFile {missing}", f"IdentityFile {login.lab.farm.key}")
    assert_synced(login.sync(), login.lab.node1)


def test_missing_identity_option_is_refused(login: Login) -> None:
    login.ssh_host("node1", login.lab.node1)
    done = login.sync("-i", login.ssh / "none", "-i", login.lab.farm.key)
    assert done.returncode == 2
    assert done.stderr == f"-i/--identity: {login.ssh}/none: no such file; must be a private key\n"


def test_dropped_connections_are_retried(login: Login) -> None:
    """As a busy sshd does (MaxStartups): before it says anything."""
    login.ssh_host("node1", login.lab.node1, f"IdentityFile {login.lab.farm.key}")
    login.configure("busy")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        busy = attrs.evolve(login.lab.node1, address="127.0.0.1", port=listener.getsockname()[1])
        login.ssh_host("busy", busy, f"IdentityFile {login.lab.farm.key}")
        doorman = threading.Thread(target=drop_two_and_forward_one, args=(listener, login.lab.node1))
        doorman.start()
        done = login.sync()
        doorman.join()
    assert_synced(done, login.lab.node1)


def drop_two_and_forward_one(listener: socket.socket, host: ThrowawayHost) -> None:
    for _ in range(2):
        listener.accept()[0].close()
    client, _ = listener.accept()
    with client, socket.create_connection((host.address, host.port)) as server:
        back = threading.Thread(target=pump, args=(server, client))
        back.start()
        pump(client, server)
        back.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes, and the end of it, even if that is a reset."""
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
    with contextlib.suppress(OSError):  # the other side may be gone first
        sink.shutdown(socket.SHUT_WR)


# ---- passwords


@pytest.fixture
def account(login: Login) -> Iterator[Account]:
    """A temporary user of this machine, and `node1` where only this user's password opens the door."""
    with temporary_account(PASSPHRASE) as made:
        home, mark = made.home, f"{login.lab.farm.folder}/guarded"
        settings = {
            "PasswordAuthentication": "yes",
            "AuthorizedKeysFile": "none",
            "SetEnv": f'HOME="{home}" SCREENDIR="{home}/screens" TMPDIR="{home}" REMOTE_RUNNER_THROWAWAY="{mark}"',
        }
        login.ssh_host("node1", login.lab.farm.add("guarded", settings), f"User {made.name}")
        yield made


@pytest.mark.root
@pytest.mark.transports
def test_pass_is_a_password(login: Login, account: Account) -> None:
    refused = login.sync(then=("--pass", "wrong"))
    assert refused.returncode == 1
    assert f"permission denied for user {account.name}" in refused.stderr
    done = login.sync(then=("--pass", account.password))
    assert_synced(done)
    assert (account.home / "work/good").owner() == account.name
    assert account.password not in done.stdout + done.stderr


@pytest.mark.root
def test_password_prompt_works(login: Login, account: Account) -> None:
    code, output = login.sync_on_terminal(account.password, "--prompt-for-login-password")
    assert code == 0, output
    assert account.password not in output
    assert (account.home / "work/good").read_text() == "good"


@pytest.mark.root
def test_refused_key_falls_back_to_password(login: Login, account: Account) -> None:
    make_key(login.ssh / "id_ed25519")
    assert_synced(login.sync(then=("--pass", account.password)))
