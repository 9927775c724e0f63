"""Addresses, spellings of hosts, jumps and proxy commands: the outcome is that of ssh on the same sshd."""

import contextlib
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fabfile.ssh.network import addresses
from fabfile.ssh.network.addresses import AddressesFailed, Choice
from tests.support import comparison
from tests.support.checkout import FAB, ROOT
from tests.support.comparison import Comparison, comparisons
from tests.support.farm import SSHD
from tests.support.ports import free_port
from tests.support.privileges import NAMESPACE
from tests.support.soak import often
from tests.support.waiting import eventually

LINK_LOCAL = "20"  # the scope in /proc/net/if_inet6


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comparison]:
    yield from comparisons(tmp_path_factory.mktemp("ways"))


@pytest.fixture(scope="module")
def port(lab: Comparison) -> int:
    return lab.serve()


@pytest.fixture(scope="module")
def port6(lab: Comparison) -> int:
    return lab.serve(address="::1")


@pytest.fixture(autouse=True)
def few_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not take the time for retries after a connection that was dropped at once."""
    monkeypatch.setattr("fabfile.ssh.connection.RETRIES_OF_DROPPED", 0)


@contextlib.contextmanager
def silent(address: str, port: int = 0) -> Iterator[int]:
    """Yield a port of an address that drops packets: the queue of its listener is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((address, port), backlog=0))
        stack.enter_context(socket.create_connection(listener.getsockname()))
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    "spelling",
    ["ssh://127.0.0.1:{}", "ssh://root@127.0.0.1:{}", "ssh://root@127.0.0.1:{}/", "ssh://nobody@127.0.0.1:{}"],
)
def test_uri_works_as_in_ssh(lab: Comparison, port: int, spelling: str) -> None:
    ssh, us = lab.both("", spelling.format(port))
    assert us == ssh, us.error
    assert (us.shown is None) == ("nobody" in spelling)


@pytest.mark.parametrize("spelling", ["[::1]:{}", "root@[::1]:{}", "ssh://[::1]:{}", "ssh://root@[::1]:{}"])
def test_ipv6_address_with_port_works(lab: Comparison, port6: int, spelling: str) -> None:
    us = lab.by_us("", spelling.format(port6))
    ssh = lab.by_ssh(f"Host h\nHostName ::1\nPort {port6}")
    assert us == ssh, us.error
    assert us.shown == f"root ::1 {port6} ::1"


@pytest.mark.parametrize("host", ["::1", "root@::1", "[::1]"])
def test_ipv6_address_without_port_works(lab: Comparison, port6: int, host: str) -> None:
    us = lab.by_us(f"Port {port6}", host)
    ssh = lab.by_ssh(f"Port {port6}", host.strip("[]"))
    assert us == ssh, us.error
    assert us.shown


def test_link_local_address_works(lab: Comparison) -> None:
    lines = [line.split() for line in Path("/proc/net/if_inet6").read_text().splitlines()]
    found = [
        f"{socket.inet_ntop(socket.AF_INET6, bytes.fromhex(words[0]))}%{words[5]}"
        for words in lines
        if words[3] == LINK_LOCAL
    ]
    found.append("::1")  # some machines have no link-local address
    port = lab.serve(address=found[0])
    us = lab.by_us("", f"[{found[0]}]:{port}")
    ssh = lab.by_ssh(f"Port {port}", found[0])
    assert us == ssh, us.error
    assert us.shown


IN_FAMILY = ["AddressFamily inet", "AddressFamily inet6", "AddressFamily any", "BindAddress 127.0.0.9"]
IN_BOTH = ["BindAddress 192.0.2.77", "BindInterface lo", "BindInterface nowhere0", "ConnectionAttempts 2"]
IN_BOTH += ["BindInterface nowhere0; BindAddress 127.0.0.9", "ProxyCommand none; ProxyJump nowhere"]
IN_BOTH += ["ProxyJump none; ProxyCommand false", "ProxyJump none"]
V4, V6 = "127.0.0.1", "::1"
SETTINGS = [*((V4, line) for line in IN_FAMILY + IN_BOTH), *((V6, line) for line in IN_FAMILY)]


@pytest.mark.parametrize(("address", "settings"), often(SETTINGS, [(V6, line) for line in IN_BOTH]))
def test_address_settings_are_obeyed(lab: Comparison, port: int, port6: int, settings: str, address: str) -> None:
    lines = settings.split("; ")
    number = port if "." in address else port6
    ssh, us = lab.both("\n".join(["Host h", f"HostName {address}", f"Port {number}", *lines, "Host *", "ProxyJump x"]))
    if not any(line.startswith("Proxy") for line in lines):
        ssh, us = lab.both("\n".join(["Host h", f"HostName {address}", f"Port {number}", *lines]))
    assert us == ssh, us.error


@pytest.mark.parametrize("line", ["BindAddress 127.0.0.9", "AddressFamily inet6", "BindInterface nowhere0"])
def test_hosts_keep_their_own_settings(lab: Comparison, port: int, line: str) -> None:
    config = f"Host h\n{line}\nHost *\nHostName 127.0.0.1\nPort {port}"
    us = lab.by_us(config, beside=["other"])
    assert us == lab.by_ssh(config), us.error


WORKS, SILENT, ALSO_SILENT, MUTE, SHUT = "127.0.0.78", "127.0.0.77", "127.0.0.76", "127.0.0.75", "127.0.0.74"
NO_ROUTE = "2001:db8::1"
OF_A_NAME = {  # addresses, settings of the ssh config, and whether they connect
    "silent address": ([SILENT, WORKS], [], True),
    "two silent addresses": ([SILENT, ALSO_SILENT, WORKS], [], True),
    "refused address": ([SHUT, WORKS], [], True),
    "refused IPv6 address": (["::1", WORKS], [], True),
    "IPv6 address without a route": ([NO_ROUTE, WORKS], [], True),
    "address of another family": (["::1", SHUT, WORKS], ["AddressFamily inet"], True),
    "only addresses of another family": ([WORKS], ["AddressFamily inet6"], False),
    "two refused addresses": ([SHUT, "::1"], ["ConnectionAttempts 2"], False),
    "mute server": ([MUTE, WORKS], ["AddressFamily inet"], False),
    "gateway": ([SILENT, WORKS], ["ProxyJump gate.example", f"HostName {WORKS}", "ConnectTimeout 9"], True),
    "bound address": ([SILENT, WORKS], ["BindAddress 127.0.0.9"], True),
}


@pytest.mark.parametrize("name", OF_A_NAME)
def test_addresses_of_a_name_work_as_in_ssh(lab: Comparison, tmp_path: Path, name: str) -> None:
    """With the hosts file of a private mount namespace. Its order is that of getaddrinfo(3) within a family."""
    names, settings, works = OF_A_NAME[name]
    hosts, port, known, config = tmp_path / "hosts", free_port(SILENT), tmp_path / "known", tmp_path / "ssh_config"
    hosts.write_text("".join(f"{each} two.example gate.example\n" for each in names))
    shared = ["Host *", f"Port {port}", "User root", f"IdentityFile {lab.folder}/key", "IdentitiesOnly yes"]
    shared += [f"UserKnownHostsFile {known}", "StrictHostKeyChecking accept-new", "LogLevel ERROR", "ConnectTimeout 1"]
    config.write_text("\n".join(["Host two.example", *settings, *shared, ""]))
    (tmp_path / "cfg.py").write_text(
        "config.add_component(Component(name='a', executable='/bin/true', host='two.example', start_index=1))\n"
    )
    lab.serve(address=WORKS, port=port)
    ours = [str(FAB), "-r", str(ROOT), "-S", str(config), "exec", "echo $SSH_CONNECTION", "--config", "cfg.py"]
    shown, lines = [], []
    with silent(SILENT, port), silent(ALSO_SILENT, port), socket.create_server((MUTE, port)):
        for command in (["ssh", "-F", str(config), "two.example", "echo $SSH_CONNECTION"], ours):
            known.unlink(missing_ok=True)
            inside = f"mount --bind {hosts} /etc/hosts && exec {shlex.join(command)}"
            done = subprocess.run(
                [*NAMESPACE.split(), "sh", "-c", inside], cwd=tmp_path, capture_output=True, text=True
            )
            shown.append((f" {WORKS} {port}" in done.stdout, done.returncode == 0))
            lines.append(sorted(known.read_text().splitlines()) if known.exists() else [])
    assert shown == [(works, works)] * 2, done.stderr
    assert lines[0] == lines[1]


def resolved(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let every host name have these addresses."""
    real = socket.getaddrinfo

    def answer(host: str, port: int, *rest: int) -> list[tuple[object, ...]]:
        return [entry for name in names for entry in real(name, port, *rest[:2])]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def test_silent_address_does_not_block_others(lab: Comparison, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent("127.0.0.79", port), silent("127.0.0.80", port):
        resolved(monkeypatch, "127.0.0.79", "127.0.0.80", "127.0.0.1")
        began = time.monotonic()
        addresses.connect("host", port, Choice(), 10).close()
        assert 2 * addresses.STAGGER_SECONDS < time.monotonic() - began < 2


def test_refused_address_costs_no_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved(monkeypatch, "127.0.0.81", "127.0.0.82", "127.0.0.1")
    began = time.monotonic()
    addresses.connect("host", port, Choice(), 10).close()
    assert time.monotonic() - began < addresses.STAGGER_SECONDS


def test_all_addresses_are_in_the_error(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent("127.0.0.79", port):
        resolved(monkeypatch, "127.0.0.79", "127.0.0.81")
        with pytest.raises(AddressesFailed) as caught:
            addresses.connect("host", port, Choice(), 0.5)
    assert caught.value.described("host") == (
        "127.0.0.81: connection refused; 127.0.0.79: timed out; check the host and the network, or raise --connect-timeout"
    )


def test_attempts_are_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "PAUSE_SECONDS", 0.3)
    began, port = time.monotonic(), free_port("127.0.0.1")
    with pytest.raises(AddressesFailed):
        addresses.connect("127.0.0.1", port, Choice(attempts=3), 5)
    assert 0.6 < time.monotonic() - began < 2


def test_families_take_turns() -> None:
    made = [addresses.Address(socket.AF_INET6, (f"::{number}", 1, 0, 0)) for number in (1, 2, 3)]
    made += [addresses.Address(socket.AF_INET, (f"127.0.0.{number}", 1)) for number in (1, 2)]
    names = [address.name for address in addresses.interleaved(made)]
    assert names == ["::1", "127.0.0.1", "::2", "127.0.0.2", "::3"]


@pytest.fixture(scope="module")
def behind(lab: Comparison) -> int:
    """Return the port of an sshd to which the others jump."""
    return lab.serve(address="127.0.0.3")


JUMPS = ["127.0.0.1:{0}", "root@127.0.0.1:{0}", "ssh://root@127.0.0.1:{0}", "[::1]:{1}", "root@[::1]:{1}"]
JUMPS += ["none,one", "NONE,one,two"]
JUMPS += ["one", "one,two", "one,[::1]:{1}", "two,127.0.0.1:{0}", "one,two,one6"]


@pytest.mark.parametrize("jump", JUMPS)
def test_jumps_are_made_as_in_ssh(lab: Comparison, port: int, port6: int, behind: int, jump: str) -> None:
    sections = [
        f"Host h\nHostName 127.0.0.3\nPort {behind}\nProxyJump {jump.format(port, port6)}",
        f"Host one\nHostName 127.0.0.1\nPort {port}",
        f"Host two\nHostName 127.0.0.1\nPort {port}\nBindAddress 127.0.0.1",
        f"Host one6\nHostName ::1\nPort {port6}",
    ]
    ssh, us = lab.both("\n".join(sections).replace("Host *", ""))
    assert us.shown == ssh.shown == f"root 127.0.0.3 {behind} 127.0.0.1", us.error + ssh.error
    assert us.known == ssh.known


def test_jump_to_another_port_is_made(lab: Comparison, port: int) -> None:
    ssh, us = lab.both(f"Host h\nHostName 127.0.0.1\nPort {port}\nProxyJump 127.0.0.1:{lab.serve()}")
    assert us == ssh, us.error
    assert len(us.known) == 2


def test_jump_for_all_hosts_is_not_its_own(lab: Comparison, port: int) -> None:
    text = f"Host gate\nHostName 127.0.0.1\nPort {port}\nHost *\nProxyJump gate"
    assert lab.by_us(text, "gate").shown
    assert lab.by_us(f"Host h\nHostName 127.0.0.1\nPort {port}\n{text}", "h").shown


@pytest.mark.parametrize(
    ("jump", "why"),
    [
        ("h:x", 'ssh_config line 2: Invalid ProxyJump "h:x"'),
        ("a,", 'ssh_config line 2: Invalid ProxyJump "a,"'),
        *((jump, "ProxyJump in the ssh config forms a loop") for jump in ("b", "u@b:9", "b,plain", "back", "all")),
    ],
)
@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_invalid_jump_is_named(lab: Comparison, jump: str, why: str, transport: str) -> None:
    """For a loop, ssh starts itself again and again."""
    jumps = {"h": jump, "b": "c", "c": "b", "back": "h", "all": "all2,plain", "all2": "all"}
    text = "\n".join(f"Host {host}\nProxyJump {value}" for host, value in jumps.items())
    us = lab.by_us(text, transport=transport)
    assert us.error.startswith("h: ")
    assert why in us.error


@pytest.fixture
def inetd(lab: Comparison) -> str:
    """Return a command that serves one connection on its standard streams."""
    return f"{SSHD} -i -f {lab.server_config()}"


@pytest.mark.parametrize(
    "command",
    [
        "{sshd}",
        "$(echo {sshd})",
        "cd $HOME && {sshd}",
        "sh -c 'exec {sshd}'",
        "sh -c 'echo noise >&2; {sshd}'",
        "sh -c '[ %h,%n,%p,%r = 127.0.0.1,h,2222,root ] && {sshd}'",
        "sh -c '[ %% = \"%%\" ] && {sshd}'",
        "{sshd} 2>/dev/null | cat",
        "${{UNSET_VARIABLE-{sshd}}}",
        "sh -c 'head -c 1000000 /dev/zero >&2; {sshd}'",
        "sh -c 'echo no route >&2; exit 7'",
        "echo no route",
        "true",
        "/nonexistent/program",
        "ssh -F {folder}/gate -W %h:{port} gate",
        "ssh -F {folder}/ssh_config -o HostKeyAlias=h -p {port} -W %h:{port} 127.0.0.1",  # it adds the same key
    ],
)
def test_proxy_command_runs_as_in_ssh(lab: Comparison, port: int, inetd: str, command: str) -> None:
    (lab.folder / "gate").write_text(
        f"Host gate\nHostName 127.0.0.1\nPort {port}\nIdentityFile {lab.folder}/key\nStrictHostKeyChecking no\n"
        "UserKnownHostsFile /dev/null\nLogLevel ERROR\n"
    )
    command = command.format(sshd=inetd, folder=lab.folder, port=port)
    ssh, us = lab.both(f"Host h\nHostName 127.0.0.1\nPort 2222\nProxyCommand {command}\nHostKeyAlias h")
    assert us == ssh, us.error


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("sh -c 'echo no route; echo to host >&2; exit 7'", " ended with exit status 7: to host"),
        ("sh -c 'echo one >&2; echo; echo two >&2; exit 1'", " ended with exit status 1: one; two"),
        ("sh -c 'exit 5'", " ended with exit status 5: it printed no message"),
        ("true", " ended with exit status 0: it printed no message"),
        ("exit 5", " ended with exit status 127: "),
    ],
)
def test_proxy_error_has_command_and_stderr(lab: Comparison, command: str, error: str) -> None:
    us = lab.by_us(f"Host h\nHostName 127.0.0.1\nPort 2222\nProxyCommand {command} # %h")
    assert us.error.startswith(f"127.0.0.1 port 2222: ProxyCommand {command + ' # 127.0.0.1'!r}{error}")


def test_silent_proxy_command_times_out(lab: Comparison) -> None:
    us = lab.by_us("Host h\nHostName 127.0.0.1\nConnectTimeout 1\nProxyCommand sh -c 'echo dialling >&2; sleep 100'")
    assert "sleep 100'\": dialling" in us.error
    assert us.seconds < 10


def test_unknown_proxy_token_is_named(lab: Comparison) -> None:
    assert (
        "ProxyCommand 'x %z' in the ssh config: unknown token %z"
        in lab.by_us("Host h\nProxyCommand x %%z".replace("%%", "%")).error
    )


def test_fdpass_is_refused(lab: Comparison) -> None:
    us = lab.by_us("Host h\nProxyCommand x\nProxyUseFdpass yes", transport="paramiko")
    assert "ProxyUseFdpass yes in the ssh config is not supported" in us.error


def test_proxy_command_ends_with_connection(lab: Comparison, inetd: str) -> None:
    pids = lab.folder / "pids"
    for command in (inetd, f"(trap '' HUP; {inetd})", "cat >/dev/null; sleep 100"):
        pids.unlink(missing_ok=True)
        us = lab.by_us(f"Host h\nConnectTimeout 2\nProxyCommand sh -c 'echo $$ >{pids}; {command}'")
        assert (us.shown is None) == ("cat" in command), us.error
        wait_for_end(Path("/proc", pids.read_text().strip()))


def wait_for_end(process: Path) -> None:
    eventually(lambda: not process.exists(), "the command has ended")


@pytest.mark.parametrize(
    ("lines", "transport"),
    [
        (["SetEnv RR_A=1 'RR_B=two words' OTHER=x", "SetEnv RR_C=late"], "paramiko"),
        (["SendEnv RR_A RR_B", "SendEnv -RR_A"], "paramiko"),
        (["SendEnv RR_A", "Match exec true"], "paramiko"),
        (["SendEnv RR_*", "SetEnv RR_A=1", "SendEnv OTHER"], "paramiko"),
        (["SendEnv RR_*", "SetEnv RR_A=1", "SendEnv OTHER"], "openssh"),
    ],
)
def test_environment_is_sent_as_by_ssh(
    lab: Comparison, monkeypatch: pytest.MonkeyPatch, lines: Sequence[str], transport: str
) -> None:
    monkeypatch.setattr(comparison, "SHOWN", 'printf \'%s|\' "$RR_A" "$RR_B" "$RR_C" "$OTHER"')
    for name in ("RR_A", "RR_B", "OTHER"):
        monkeypatch.setenv(name, f"own \u00e9 {name}")
    port = lab.serve("AcceptEnv RR_*")
    config = "\n".join(["Host h", "HostName 127.0.0.1", f"Port {port}", *lines])
    ssh, us = lab.by_ssh(config), lab.by_us(config, transport=transport)
    assert us == ssh, us.error
    assert us.shown
