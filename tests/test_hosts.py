"""Connections by themselves: what is said of one that is lost, whatever was going on."""

import contextlib
import os
import signal
import threading

import pytest
from fabric import Config
from paramiko.config import SSHConfig

from fabfile import shell
from fabfile.connection import connection_settings
from fabfile.conversation import Conversation, HostError
from fabfile.hosts import Host, HostGroup
from fabfile.machines import LEAST_BACKLOG, backlog

from .conftest import Lab, eventually
from .test_sync import connections
from .throwaway import ThrowawayHost

SCRIPT = shell.script("cat >/dev/null")


def test_a_connection_that_is_cut_while_we_send_is_a_host_error(lab: Lab) -> None:
    """Again and again: where exactly the cut finds the sender is a matter of luck."""
    settings = connection_settings(Config(ssh_config=SSHConfig.from_path(str(lab.farm.ssh_config))))
    settings.connect_kwargs["key_filename"] = str(lab.farm.key)
    for _ in range(10):
        with contextlib.closing(HostGroup(["node1"], settings)) as group:
            talk = Conversation(group.hosts["node1"].channel(SCRIPT))
            talk.send(SCRIPT)
            talk.send(bytes(100_000))
            cut(lab.node1)
            with pytest.raises(HostError, match=r"^the connection was lost$"):
                while True:
                    talk.send(bytes(1000))
            talk.close()


def cut(host: ThrowawayHost) -> None:
    """End all connections to `host`, as a network would."""
    for pid in connections(host):
        with contextlib.suppress(ProcessLookupError):  # a parent may have ended with its child
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("at_once", [1, 3])
def test_only_so_many_hosts_are_worked_on_at_a_time(at_once: int) -> None:
    names = [f"h{number}" for number in range(9)]
    begun, most, lock = 0, 0, threading.Lock()
    full = threading.Barrier(at_once)

    def work(host: Host) -> str:
        nonlocal begun, most
        with lock:
            begun += 1
            most = max(most, begun)
        full.wait(timeout=10)  # until as many as may are at work; more would have been counted
        with lock:
            begun -= 1
        return host.name

    results = dict(HostGroup(names, Config()).each(names, work, at_once))
    assert results == {name: name for name in names}
    assert most == at_once


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, 1 << 20), (0.007, 1 << 20), (0.01, 1_342_177), (0.05, 6_710_886)]
)
def test_as_much_may_be_on_its_way_as_keeps_the_connection_busy(seconds: float, expected: int) -> None:
    assert backlog(seconds) == expected


def test_no_more_is_sent_than_the_backlog_to_a_program_that_does_not_read(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fabfile.machines.RATE", 0)  # however long a round trip takes here
    settings = connection_settings(Config(ssh_config=SSHConfig.from_path(str(lab.farm.ssh_config))))
    settings.connect_kwargs["key_filename"] = str(lab.farm.key)
    script = shell.script("read -r _; cat | wc -c")
    sent = 0
    with contextlib.closing(HostGroup(["node1"], settings)) as group:
        channel = group.hosts["node1"].channel(script)
        talk = Conversation(channel)
        talk.send(script)

        def send() -> None:
            nonlocal sent
            with contextlib.suppress(HostError):
                while True:
                    talk.send(bytes(1000))
                    sent += 1000

        sender = threading.Thread(target=send)
        sender.start()
        is_open = channel._channel.send_ready  # type: ignore[attr-defined]
        eventually(lambda: sent > LEAST_BACKLOG and not is_open(), "as much as may be is sent")
        assert sent < LEAST_BACKLOG + (1 << 18)  # and what is in a pipe there, and our shell has read ahead
        group.close()
        sender.join()
        talk.close()


def test_each_step_of_connecting_may_take_as_long_as_was_said() -> None:
    steps = ("timeout", "banner_timeout", "auth_timeout", "channel_timeout")
    assert [connection_settings(Config()).connect_kwargs[step] for step in steps] == [10] * 4
    said = Config(overrides={"timeouts": {"connect": 2}})
    assert [connection_settings(said).connect_kwargs[step] for step in steps] == [2] * 4
