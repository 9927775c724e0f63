"""Connections by themselves: what is said of one that is lost, whatever was going on."""

import contextlib
import math
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from fabric import Config
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.config import SSHConfig

from fabfile.remote.ask import ask, conversation, persistently
from fabfile.remote.conversation import Conversation
from fabfile.remote.host import Host
from fabfile.ssh.connection import connection_settings
from fabfile.ssh.host_group import HostGroup
from fabfile.ssh.local_host import LocalHost
from fabfile.ssh.ssh_host import LEAST_BACKLOG, backlog
from fabfile.util.clock import SYSTEM_CLOCK
from fabfile.util.errors import ConnectionLost, HostError
from tests.support.scripts import script_of

from .conftest import Lab, eventually, text
from .test_sync import connections
from .throwaway import ThrowawayHost

SCRIPT = script_of("cat >/dev/null").sent_by()


def test_a_connection_that_is_cut_while_we_send_is_a_host_error(lab: Lab) -> None:
    """Again and again: where exactly the cut finds the sender is a matter of luck."""
    for _ in range(10):
        with connected(lab, "node1") as host:
            talk = Conversation(host.run(SCRIPT))
            talk.send(SCRIPT)
            talk.send(bytes(100_000))
            cut(lab.node1)
            with pytest.raises(HostError, match=r"^the connection was lost$"):
                while True:
                    talk.send(bytes(1000))
            talk.close()


@contextlib.contextmanager
def connected(lab: Lab, name: str, timeout: int = 10) -> Iterator[Host]:
    own = Config(ssh_config=SSHConfig.from_path(str(lab.farm.ssh_config)), overrides={"timeouts": {"connect": timeout}})
    settings = connection_settings(own)
    settings.connect_kwargs["key_filename"] = str(lab.farm.key)
    with contextlib.closing(HostGroup([name], settings)) as group:
        yield group.hosts[name]


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
    script = script_of("read -r _; cat | wc -c").sent_by()
    sent = 0
    with connected(lab, "node1") as host:
        channel = host.run(script)
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
        host.close()
        sender.join()
        talk.close()


def test_each_step_of_connecting_may_take_as_long_as_was_said() -> None:
    steps = ("timeout", "banner_timeout", "auth_timeout", "channel_timeout")
    assert [connection_settings(Config()).connect_kwargs[step] for step in steps] == [10] * 4
    said = Config(overrides={"timeouts": {"connect": 2}})
    assert [connection_settings(said).connect_kwargs[step] for step in steps] == [2] * 4


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("echo This account is not available.; exit 1", "ended early: This account is not available."),
        ("echo go away >&2; exit 1", "ended early: go away"),
        ("exit 7", "ended early, with exit status 7"),
        ("exec >&- 2>&-; sleep 0.2; exit 0", "ended early, with exit status 0"),
    ],
)
def test_login_that_runs_no_script_is_no_lost_connection(lab: Lab, command: str, reason: str) -> None:
    lab.farm.add("odd", {"ForceCommand": command})
    with connected(lab, "odd") as host, pytest.raises(HostError) as caught:
        ask(host, script_of(""))
    assert str(caught.value) == reason


def test_connection_that_is_lost_behind_what_a_login_says_is_a_lost_one(lab: Lab) -> None:
    lab.farm.add("odd", {"ForceCommand": "echo Welcome; sleep 0.2; kill -9 $PPID"})
    with connected(lab, "odd") as host, pytest.raises(ConnectionLost, match=r"^the connection was lost$"):
        ask(host, script_of(""))


def test_host_on_which_each_script_ends_at_once_is_given_up(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it can be reached again."""
    monkeypatch.setattr("fabfile.hosts.MOST_LOSSES", 3)
    lab.farm.add("odd", {"ForceCommand": "exit 7"})
    losses: list[str] = []

    def lost(reason: str) -> None:
        losses.append(reason)
        assert len(losses) < 5

    with connected(lab, "odd") as host, pytest.raises(HostError) as caught:
        persistently(lambda: ask(host, script_of("")), lost, SYSTEM_CLOCK)
    assert str(caught.value) == "ended early, with exit status 7, again and again"
    assert losses == ["ended early, with exit status 7"] * 3


def test_host_that_was_well_in_between_is_taken_up_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fabfile.hosts.MOST_LOSSES", 3)
    monkeypatch.setattr("fabfile.hosts.SOUND_SECONDS", 0.2)
    left = 4

    def attempt() -> list[str]:
        nonlocal left
        left -= 1
        return ask(host, script_of("sleep 0.5; kill -9 $$" if left else "answer well"))

    with connected(lab, "node1") as host:
        assert persistently(attempt, lambda reason: None, SYSTEM_CLOCK) == ["well"]


def test_script_that_may_be_silent_has_to_greet_in_time(lab: Lab) -> None:
    lab.farm.add("odd", {"ForceCommand": "sleep 1000"})
    with connected(lab, "odd") as host, pytest.raises(HostError, match=r"^has done nothing for 1 s, though"):
        host.most_silent = 1
        with conversation(host, script_of(""), patience=math.inf) as talk:
            talk.answer()
    with connected(lab, "node1") as host:
        host.most_silent = 1
        with conversation(host, script_of("sleep 2; answer well"), patience=math.inf) as talk:
            assert talk.answer() == "well"


class Unwilling(paramiko.ServerInterface):
    """Lets everybody in, and answers no request for a command; nor anything else, until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def get_allowed_auths(self, username: str) -> str:
        """What can be tried."""
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """Any key will do."""
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        """Channels are opened."""
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        """No answer."""
        return not self.let_go.wait(60)


def test_server_that_runs_no_command_is_given_up(lab: Lab) -> None:
    server = Unwilling()
    with socket.create_server(("127.0.0.1", 0)) as listening, contextlib.ExitStack() as stack:

        def serve() -> None:
            transport = paramiko.Transport(listening.accept()[0])
            transport.add_server_key(paramiko.Ed25519Key.from_private_key_file(str(lab.farm.key)))
            transport.start_server(server=server)
            stack.callback(transport.close)

        thread = threading.Thread(target=serve)
        thread.start()
        port = listening.getsockname()[1]
        known = lab.write("known", "")
        with lab.farm.ssh_config.open("a") as ssh_config:
            ssh_config.write(f"\nHost odd\n  HostName 127.0.0.1\n  Port {port}\n  UserKnownHostsFile {known}\n")
        with connected(lab, "odd", timeout=1) as host, pytest.raises(HostError) as caught:
            ask(host, script_of(""))
        server.let_go.set()
        thread.join()
    assert str(caught.value) == "is connected, but has run no command within 1 s"


def test_script_here_may_say_much_besides_its_answers() -> None:
    with contextlib.closing(LocalHost(most_silent=10, group=1)) as host:
        assert ask(host, script_of("head -c 300000 /dev/zero >&2; answer said")) == ["said"]


def test_what_a_script_here_has_started_ends_when_it_is_let_go(tmp_path: Path) -> None:
    host = LocalHost(most_silent=10, group=1)
    begin = f"sleep 1000 &\necho $! >{tmp_path}/pid\ntrap 'touch {tmp_path}/trapped; exit' TERM\nanswer begun\nwait"
    with contextlib.suppress(HostError), conversation(host, script_of(begin)) as talk:
        assert talk.answer() == "begun"
        host.close()
        assert (tmp_path / "trapped").exists()
    pid = text(tmp_path / "pid").strip()
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "the end of what it has started")


def test_shell_that_cannot_be_started_here_is_a_host_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(HostError, match=r"^sh cannot be started: sh: no such file or directory$"):
        ask(LocalHost(most_silent=10, group=1), script_of(""))
