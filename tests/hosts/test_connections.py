"""Connections to a host: loss, silence, and scripts that end at once."""

import contextlib
import math
import socket
import threading
from collections.abc import Iterator

import paramiko
import pytest
from fabric import Config
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.config import SSHConfig

from fabfile.remote.ask import ask, conversation, persistently
from fabfile.remote.conversation import Conversation
from fabfile.remote.host import Host
from fabfile.remote.script import command
from fabfile.ssh.connection import connection_settings
from fabfile.ssh.host_group import HostGroup
from fabfile.ssh.ssh_host import LEAST_BACKLOG
from fabfile.util.clock import SYSTEM_CLOCK
from fabfile.util.errors import ConnectionLost, HostError
from tests.support.connections import cut
from tests.support.lab import Lab
from tests.support.scripts import script_of
from tests.support.waiting import eventually

SCRIPT = script_of("cat >/dev/null").sent_by()


def test_cut_while_sending_is_a_host_error(lab: Lab) -> None:
    """Again and again: where exactly the cut finds the sender is a matter of luck."""
    for _ in range(10):
        with connected(lab, "node1") as host:
            talk = Conversation(host.run(command(SCRIPT)))
            talk.send(SCRIPT)
            talk.send(bytes(100_000))
            cut(lab.node1)
            with pytest.raises(HostError, match=r"^the connection was lost$"):
                while True:
                    talk.send(bytes(1000))
            talk.close()


@contextlib.contextmanager
def connected(lab: Lab, name: str, timeout: int = 10) -> Iterator[Host]:
    overrides = {"timeouts": {"connect": timeout}, "connect_kwargs": {"key_filename": str(lab.farm.key)}}
    own = Config(ssh_config=SSHConfig.from_path(str(lab.farm.ssh_config)), overrides=overrides)
    with contextlib.closing(HostGroup([name], connection_settings(own))) as group:
        yield group.hosts[name]


@pytest.mark.paramiko
def test_backlog_bounds_what_is_sent(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fabfile.ssh.ssh_host.RATE", 0)  # however long a round trip takes here
    script = script_of("sleep 1000").sent_by()
    sent = 0
    with connected(lab, "node1") as host:
        channel = host.run(command(script))
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
        assert sent < LEAST_BACKLOG + (1 << 18)  # and what is in a pipe there
        host.close()
        sender.join()
        talk.close()


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (
            "echo This account is not available.; exit 1",
            "the login shell, bash, ran no script: This account is not available.",
        ),
        ("echo go away >&2; exit 1", "the login shell, bash, ran no script: go away"),
        (
            "exit 7",
            "the login shell, bash, ended with exit status 7 and ran no script; check start-up files such as .bashrc",
        ),
        (
            "exec >&- 2>&-; sleep 0.2; exit 0",
            "the login shell, bash, ended with exit status 0 and ran no script; check start-up files such as .bashrc",
        ),
    ],
)
def test_login_without_script_is_reported(lab: Lab, command: str, reason: str) -> None:
    lab.farm.add("odd", {"ForceCommand": command})
    with connected(lab, "odd") as host, pytest.raises(HostError) as caught:
        ask(host, script_of(""))
    assert str(caught.value) == reason


def test_lost_connection_after_login_banner(lab: Lab) -> None:
    lab.farm.add("odd", {"ForceCommand": "echo Welcome; sleep 0.2; kill -9 $PPID"})
    with connected(lab, "odd") as host, pytest.raises(ConnectionLost, match=r"^the connection was lost$"):
        ask(host, script_of(""))


def test_failing_scripts_abandon_host(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it can be reached again."""
    monkeypatch.setattr("fabfile.remote.ask.MOST_LOSSES", 3)
    losses: list[str] = []

    def lost(reason: str) -> None:
        losses.append(reason)
        assert len(losses) < 5

    with connected(lab, "node1") as host, pytest.raises(HostError) as caught:
        persistently(lambda: ask(host, script_of("exit 7")), lost, SYSTEM_CLOCK)
    assert str(caught.value) == "remote script ended early with exit status 7, repeatedly"
    assert losses == ["remote script ended early with exit status 7"] * 3


def test_recovered_host_is_used_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fabfile.remote.ask.MOST_LOSSES", 3)
    monkeypatch.setattr("fabfile.remote.ask.SOUND_SECONDS", 0.2)
    left = 4

    def attempt() -> list[str]:
        nonlocal left
        left -= 1
        return ask(host, script_of("sleep 0.5; kill -9 $$" if left else "answer well"))

    with connected(lab, "node1") as host:
        assert persistently(attempt, lambda reason: None, SYSTEM_CLOCK) == ["well"]


def test_silent_script_has_to_greet_in_time(lab: Lab) -> None:
    lab.farm.add("odd", {"ForceCommand": "sleep 1000"})
    with (
        connected(lab, "odd") as host,
        pytest.raises(
            HostError, match=r"^the login shell, bash, did not run the script within 1 s; .*, or raise --io-timeout$"
        ),
    ):
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
        """Return the methods that a client may try."""
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


@pytest.mark.paramiko
def test_server_without_commands_is_dropped(lab: Lab) -> None:
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
    assert str(caught.value) == "timed out: the login worked, but no command ran within 1 s; check the load of the host"
