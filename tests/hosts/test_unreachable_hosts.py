"""Hosts that cannot be reached: unknown, refused, silent."""

import re
import shlex
import socket
import threading

from tests.support.checkout import ROOT
from tests.support.farm import make_key
from tests.support.lab import Lab
from tests.support.marks import assert_nothing_later, assert_nothing_started, assert_synced, configure
from tests.support.outcomes import assert_failed
from tests.support.ports import free_port
from tests.support.ssh_configs import add_to_ssh_config


def test_unreachable_host_keeps_sessions(lab: Lab) -> None:
    lab.node1.run("screen -dmS runner sleep 1000")
    configure(lab, ["nowhere.invalid", "node1", "node2"])
    done = lab.fab("run", "-c", "cfg.py")
    assert_failed(done, **{"nowhere.invalid": "connect: unknown host name nowhere.invalid"})
    assert done.stderr.splitlines()[1:] == [
        "connect failed; no host was changed",
        f"without these hosts: fab -r {ROOT} run --config {lab.folder}/cfg.py --limit '!nowhere.invalid/*' -S {lab.farm.ssh_config}",
        f"repeat with: fab -r {ROOT} run --config {lab.folder}/cfg.py -S {lab.farm.ssh_config}",
    ]
    assert re.fullmatch(r"3 hosts \(1 failed\), 1 of 3 components: 1 unknown; .*\n", done.stdout)
    assert lab.node1.sessions() == ["runner"]
    assert_nothing_started(lab.node1)
    assert_nothing_later(lab.node2)
    assert not (lab.node1.home / "work").exists()
    assert not (lab.node2.home / "work").exists()


def test_unreachable_hosts_are_reported(lab: Lab) -> None:
    strangers_key = lab.folder / "strangers_key"
    make_key(strangers_key)
    add_to_ssh_config(lab, "barred", lab.node2.address, lab.node2.port, strangers_key)
    port = free_port("127.0.0.1")
    add_to_ssh_config(lab, "shut", "127.0.0.1", port)
    configure(lab, ["nowhere.invalid", "no..where", "barred", "shut", "node1"])
    shut = f"127.0.0.1 port {port}: connection refused"
    unknown = dict.fromkeys(("nowhere.invalid", "no..where"), "unknown host name")
    done = lab.fab("sync", "-c", "cfg.py")
    assert_failed(done, **unknown, barred="permission denied", shut=shut)
    again = f"repeat with: fab -r {ROOT} sync --config {lab.folder}/cfg.py"
    barred = "!barred/*,!no..where/*,!nowhere.invalid/*,!shut/*"
    without = f"fab -r {ROOT} sync --config {lab.folder}/cfg.py --limit '{barred}' -S {lab.farm.ssh_config}"
    assert done.stderr.splitlines()[-3:] == [
        "connect failed; no host was changed",
        f"without these hosts: {without}",
        f"{again} -S {lab.farm.ssh_config}",
    ]
    assert "node1" not in done.stderr
    assert not (lab.node1.home / "work").exists()
    assert lab.fab(*shlex.split(without)[3:]).returncode == 0
    assert_synced(lab.node1)
    lab.node1.run("rm -r work")
    limited = lab.fab("sync", "-c", "cfg.py", "--limit", "shut/*,node1/*").stderr.splitlines()[-2]
    assert limited == "without these hosts: " + without.replace(barred, "node1/*")
    assert "without" not in lab.fab("sync", "-c", "cfg.py", "--limit", "shut/*").stderr
    done = lab.fab("sync", "-c", "cfg.py", "--keep-going")
    assert_failed(done, **unknown, barred="permission denied", shut=shut)
    assert done.stderr.splitlines()[-2:] == [
        "4 hosts failed; the other hosts are done",
        f"{again} --limit 'barred/*,no..where/*,nowhere.invalid/*,shut/*' --keep-going -S {lab.farm.ssh_config}",
    ]
    assert "node1" not in done.stderr
    assert_synced(lab.node1)


def test_silent_hosts_are_abandoned(lab: Lab) -> None:
    """Three kinds: one that does not take the connection, one that says nothing, one that stops after its banner."""
    configure(lab, ["full", "mute", "stuck", "node1"])
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as full,
        socket.create_connection(full.getsockname()),
        socket.create_server(("127.0.0.1", 0)) as mute,
        socket.create_server(("127.0.0.1", 0)) as stuck,
    ):
        for name, listener in (("full", full), ("mute", mute), ("stuck", stuck)):
            add_to_ssh_config(lab, name, *listener.getsockname())
        greeter = threading.Thread(target=greet, args=(stuck, 1))
        greeter.start()
        done = lab.fab("-t", "2", "sync", "-c", "cfg.py", "--keep-going")
        greeter.join()
    assert_failed(done, full="timed out", mute="timed out", stuck="timed out")
    assert_synced(lab.node1)


def greet(listener: socket.socket, count: int) -> None:
    """Send the banner of an SSH server to `count` clients, and wait in silence until each has gone."""
    for _ in range(count):
        client, _ = listener.accept()
        with client:
            client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            while client.recv(4096):
                pass
