"""`--relay`: hosts pass files on to each other. All files are right after each failure, and nothing stays."""

import contextlib
import filecmp
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from fabfile.remote.conversation import Conversation
from fabfile.runner import Observer
from fabfile.transfer.inventory import PIECE
from fabfile.util.stages import StageError
from tests.support.farm import ThrowawayHost, processes_of
from tests.support.lab import Lab
from tests.support.odd_hosts import host_with
from tests.support.waiting import eventually

SIXTEEN = [f"node{number}" for number in range(1, 17)]


def configure(lab: Lab, hosts: list[str], megabytes: int = 40, small: int = 40) -> int:
    """Let each host get a file of that size and small ones; return the number of all bytes."""
    tree = lab.folder / "tree"
    tree.mkdir()
    block = os.urandom(1 << 20)
    (tree / "large").write_bytes(b"".join(bytes([number]) + block[1:] for number in range(megabytes)))
    for number in range(small):
        (tree / f"small {number}").write_bytes(os.urandom(200_000))
    (tree / "large").chmod(0o440)
    lab.config(
        f"for host in {hosts}:\n"
        "    config.add_component(Component(name='c', host=host, start_index=1, executable='x', base_dir='~/work',\n"
        "        files={'tree': 'tree'}))\n"
    )
    return sum(path.stat().st_size for path in tree.iterdir())


def assert_whole(lab: Lab, *hosts: ThrowawayHost) -> None:
    """Fail unless these hosts have exactly the files of the tree, and no folder or server of the relay."""
    for host in hosts:
        found = filecmp.dircmp(lab.folder / "tree", host.home / "work/tree")
        assert (found.left_only, found.right_only, found.funny_files) == ([], [], [])
        assert not filecmp.cmpfiles(found.left, found.right, found.common, shallow=False)[1], host.name
    assert_nothing_stays(lab, hosts)


def assert_nothing_stays(lab: Lab, hosts: Collection[ThrowawayHost]) -> None:
    eventually(lambda: not servers(lab), "all servers end")
    eventually(lambda: not any((host.state() / ".relay").exists() for host in hosts), "no files stay")


def servers(lab: Lab) -> list[str]:
    """Return the command lines of the programs of relays."""
    found = []
    for pid in processes_of(lab.farm.folder):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"s_server" in line or b"s_client" in line:
            found.append(line.decode())
    return found


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the length of everything that is sent to hosts, scripts included."""
    lengths: list[int] = []
    send = Conversation.send

    def counted(talk: Conversation, data: bytes) -> None:
        lengths.append(len(data))
        send(talk, data)

    monkeypatch.setattr(Conversation, "send", counted)
    return lengths


class Begun(Observer):
    """Sets an event when a host has got some bytes."""

    def __init__(self, host: str) -> None:
        self.host, self.event = host, threading.Event()

    def progress(self, stage: str, host: str, done: int, total: int) -> None:
        if host == self.host and done:
            self.event.set()


@pytest.mark.long
def test_content_leaves_this_machine_once(lab: Lab, sent: list[int]) -> None:
    lab.farm.add_all(SIXTEEN[3:])
    total = configure(lab, SIXTEEN)
    with lab.runner(relay=True) as runner:
        planned = {(each.source, each.host) for each in runner.plan().relays}
        heap = {(f"node{(number - 2) // 2 + 1}", f"node{number}") for number in range(2, 17)}
        assert planned == {(None, "node1"), *heap}
        sent.clear()
        assert {each.sent for each in runner.sync().values()} == {41}
        assert total < sum(sent) < 1.1 * total
        assert_whole(lab, *lab.farm.hosts.values())
        # Half of the hosts lack one piece, the others another one and some files.
        for number, host in enumerate(lab.farm.hosts.values()):
            for name in range(38 * (number % 2)):
                (host.home / f"work/tree/small {name}").unlink()
            with (host.home / "work/tree/large").open("r+b") as file:
                file.seek(PIECE * (number % 2))
                file.write(b"other")
        sent.clear()
        runner.sync()
        assert total < sum(sent) < 1.1 * total
        assert_whole(lab, *lab.farm.hosts.values())


def test_others_do_not_wait_for_own_files(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first host gets its own file last."""
    configure(lab, ["node1", "node2"], megabytes=2, small=0)
    lab.write("own", "x" * (1 << 20))
    text = "config.add_component(Component(name='a', host='node1', start_index=1, executable='/bin/true',\n"
    text += f"    base_dir='{lab.node1.tmp}', files={{'own': 'own'}}))\n"
    lab.config(text + (lab.folder / "cfg.py").read_text())
    commands, send = list[bytes](), Conversation.send

    def recorded(talk: Conversation, data: bytes) -> None:
        commands.append(data.partition(b" ")[0])
        send(talk, data)

    monkeypatch.setattr(Conversation, "send", recorded)
    with lab.runner(relay=True) as runner:
        runner.sync()
    assert_whole(lab, lab.node1, lab.node2)
    assert [word for word in commands if word in (b"relay_keep", b"write")] == [b"relay_keep", b"write", b"write"]
    assert (lab.node1.tmp / "own").stat().st_size == 1 << 20


def kill(lab: Lab, host: ThrowawayHost) -> None:
    lab.farm.stop(host)
    for pid in processes_of(host.folder):
        os.kill(pid, signal.SIGKILL)


def stand_still(lab: Lab, host: ThrowawayHost) -> None:
    for pid in processes_of(host.folder):
        os.kill(pid, signal.SIGSTOP)


@pytest.mark.long
@pytest.mark.parametrize("happens", [kill, stand_still])
def test_lost_relay_is_replaced(lab: Lab, happens: Callable[[Lab, ThrowawayHost], None], sent: list[int]) -> None:
    names = [f"relay{number}" for number in range(1, 9)]
    lab.farm.add_all(names)
    total = configure(lab, names, megabytes=100)
    lost = lab.farm.hosts["relay2"]
    begun = Begun(lost.name)

    def lose() -> None:
        begun.event.wait(60)
        happens(lab, lost)

    threading.Thread(target=lose).start()
    with lab.runner(begun, relay=True, keep_going=True, io_timeout=5) as runner, pytest.raises(StageError) as failed:
        runner.sync()
    assert {each.where for each in failed.value.failures} == {lost.name}
    assert sum(sent) < 3 * total
    for pid in processes_of(lost.folder):
        os.kill(pid, signal.SIGCONT)
    assert_whole(lab, *(lab.farm.hosts[name] for name in names if name != lost.name))


# Each server replaces `openssl s_server`.
SERVER = """
import socket, ssl, sys, time
address, key = (sys.argv[sys.argv.index(word) + 1] for word in ("-accept", "-key"))
server = socket.create_server((address.removesuffix(":0"), 0), backlog=BACKLOG)
print("ACCEPT %s:%d" % server.getsockname(), flush=True)
"""
# It offers other bytes of the same length. They would write files with other names.
LIAR = """
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(key)
while True:
    with context.wrap_socket(server.accept()[0], server_side=True) as client:
        name = client.recv(1000).split()[1][1:]
        client.sendall(open(name, "rb").read().replace(b"small", b"liars"))
"""
# It sends without end, so that disks would be full before others notice.
FLOOD = """
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(key)
while True:
    try:
        with context.wrap_socket(server.accept()[0], server_side=True) as client:
            while True:
                client.sendall(bytes(65536))
    except OSError:
        pass
"""
# It has no room for connections that wait: Linux drops the packets of others.
DEAF = """
clients = [socket.create_connection(server.getsockname()) for _ in range(BACKLOG + 1)]
time.sleep(1000)
"""


@pytest.mark.parametrize(("text", "problem"), [(LIAR, "wrong"), (FLOOD, "cut"), (DEAF, "unreachable")])
def test_bad_relay_is_replaced(
    lab: Lab, text: str, problem: str, sent: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "fabfile.transfer.relay")
    program = lab.write("server.py", "BACKLOG = 1\n" + SERVER + text)
    script = f'[ "$1" != s_server ] || exec {sys.executable} {program} "$@"; exec /usr/bin/openssl "$@"'
    bad = host_with(lab, "bad", "openssl", script)
    total = configure(lab, ["bad", "node1", "node2", "node3"], megabytes=2)
    with lab.runner(relay=True) as runner:
        runner.sync()
    assert_whole(lab, bad, lab.node1, lab.node2, lab.node3)
    assert f"batch from bad: {problem}" in caplog.text
    assert sum(sent) < 4 * total


def test_openssl_without_addresses_does_not_serve(lab: Lab, sent: list[int]) -> None:
    """OpenSSL 1.0.2 takes an address for a port, and listens at all addresses."""
    script = 'case $1 in version) echo "OpenSSL 1.0.2k-fips" ;; s_server) touch ~/served ;; *) exec /usr/bin/openssl "$@" ;; esac'
    old = host_with(lab, "a", "openssl", script)
    total = configure(lab, ["a", "node1", "node2"], megabytes=1)
    with lab.runner(relay=True) as runner:
        runner.sync()
    assert_whole(lab, old, lab.node1, lab.node2)
    assert not (old.home / "served").exists()
    assert sum(sent) < 1.1 * total


@pytest.mark.root
def test_full_disk_of_the_state_harms_nobody(lab: Lab) -> None:
    """The files themselves are on another disk. The first host cannot keep a batch, and the last one cannot fetch it."""
    configure(lab, ["node1", "node2", "node3"])
    full = [host.home / ".local" for host in (lab.node1, lab.node3)]
    for folder in full:
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    try:
        with lab.runner(relay=True) as runner:
            runner.sync()
        assert_whole(lab, lab.node1, lab.node2, lab.node3)
    finally:
        for folder in full:
            subprocess.run(["umount", "--lazy", folder], check=True)


# Run in another network namespace: connects stdin and stdout to an address.
PIPE = """
import os, socket, sys, threading
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def send():
    while data := os.read(0, 65536):
        connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()
while data := connection.recv(65536):
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
"""


@pytest.mark.root
def test_host_without_a_route_is_served_directly(lab: Lab, sent: list[int]) -> None:
    """Only this machine reaches the network of node1b, which is the second host of the tree."""
    island = lab.farm.add("node1b")
    lab.farm.stop(island)
    sshd = ["/usr/sbin/sshd", "-D", "-f", str(island.folder / "sshd_config")]
    start = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *sshd]
    process = subprocess.Popen(start)
    pipe = lab.write("pipe.py", PIPE)
    with lab.farm.ssh_config.open("a") as config:
        config.write(f"Host node1b\n  ProxyCommand nsenter -t {process.pid} -n {sys.executable} {pipe} %h %p\n")
    try:
        total = configure(lab, ["node1", "node1b", "node2", "node3"], megabytes=2)
        with lab.runner(relay=True, retries=3) as runner:
            assert [(each.source, each.host) for each in runner.plan().relays][1] == ("node1", "node1b")
            sent.clear()
            runner.sync()
        assert_whole(lab, island, lab.node1, lab.node2, lab.node3)
        assert 2 * total < sum(sent) < 3.1 * total
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("killed", ["controller", "script"])
def test_nothing_stays_after_an_abrupt_end(lab: Lab, killed: str) -> None:
    """A host hangs as it checks what it has fetched: its script cannot end, but its servers do."""
    script = '[ "$1" != dgst ] || { touch ~/hangs; exec sleep 1000; }; exec /usr/bin/openssl "$@"'
    stuck = host_with(lab, "stuck", "openssl", script) if killed == "controller" else lab.node3
    configure(lab, ["node1", "node2", stuck.name], megabytes=250)
    running = subprocess.Popen(
        lab.command("sync", "-c", "cfg.py", "--relay"),
        cwd=lab.folder,
        env=lab.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: len(servers(lab)) > 6, "all hosts serve, and one fetches", 30)
    addresses = listening(lab)
    assert addresses and addresses <= {host.address for host in lab.farm.hosts.values()}
    if killed == "controller":
        eventually((stuck.home / "hangs").exists, "a host hangs")
        running.kill()
        running.wait()
    else:
        for pid in processes_of(lab.node1.folder):
            if os.getsid(pid) == pid and b"is_evaluated" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        assert running.wait() == 1
        assert (lab.node2.home / "work/tree/large").stat().st_size == 250 << 20
    assert_nothing_stays(lab, lab.farm.hosts.values())


def listening(lab: Lab) -> set[str]:
    """Return the addresses at which servers of the relay listen, from /proc/net/tcp."""
    found = set()
    for pid in processes_of(lab.farm.folder):
        with contextlib.suppress(OSError):
            if b"s_server" in Path(f"/proc/{pid}/cmdline").read_bytes():
                sockets = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
                for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
                    _, local, _, state, *words = line.split()
                    if state == "0A" and f"socket:[{words[5]}]" in sockets:
                        found.add(socket.inet_ntoa(bytes.fromhex(local[:8])[::-1]))
    return found
