"""Hosts that cannot be reached: unknown, refused, silent."""

import socket
import threading

from tests.support.farm import make_key
from tests.support.lab import Lab
from tests.support.marks import assert_nothing_later, assert_synced, configure
from tests.support.outcomes import assert_failed
from tests.support.ports import free_port
from tests.support.ssh_configs import add_to_ssh_config


def test_run_ends_old_sessions_elsewhere_and_begins_no_later_stage(lab: Lab) -> None:
    lab.node1.run("screen -dmS runner sleep 1000")
    configure(lab, ["nowhere.invalid", "node1", "node2"])
    done = lab.fab("run", "-c", "cfg.py")
    assert_failed(done, **{"nowhere.invalid": "kill"})
    assert_nothing_later(lab.node1, lab.node2)
    assert not (lab.node2.home / "work").exists()


def test_hosts_that_cannot_be_reached_are_named_with_the_reason_and_the_others_finish(lab: Lab) -> None:
    strangers_key = lab.folder / "strangers_key"
    make_key(strangers_key)
    add_to_ssh_config(lab, "barred", lab.node2.address, lab.node2.port, strangers_key)
    port = free_port("127.0.0.1")
    add_to_ssh_config(lab, "shut", "127.0.0.1", port)
    configure(lab, ["nowhere.invalid", "no..where", "barred", "shut", "node1"])
    done = lab.fab("sync", "-c", "cfg.py")
    shut = f"127.0.0.1 port {port}: connection refused"
    unknown = dict.fromkeys(("nowhere.invalid", "no..where"), "is not known")
    assert_failed(done, **unknown, barred="was refused", shut=shut)
    assert "node1" not in done.stderr
    assert_synced(lab.node1)


def test_silent_hosts_are_given_up(lab: Lab) -> None:
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
        done = lab.fab("-t", "2", "sync", "-c", "cfg.py")
        greeter.join()
    assert_failed(done, full="does not answer", mute="does not answer", stuck="does not answer")
    assert_synced(lab.node1)


def greet(listener: socket.socket, count: int) -> None:
    """Send the banner of an SSH server to `count` clients, and wait in silence until each has gone."""
    for _ in range(count):
        client, _ = listener.accept()
        with client:
            client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            while client.recv(4096):
                pass
