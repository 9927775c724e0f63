"""Connections by themselves: what is said of one that is lost, whatever was going on."""

import contextlib
import os
import signal

import pytest
from fabric import Config
from paramiko.config import SSHConfig

from fabfile import shell
from fabfile.connection import connection_settings
from fabfile.conversation import Conversation, HostError
from fabfile.hosts import HostGroup

from .conftest import Lab
from .test_sync import connections
from .throwaway import ThrowawayHost

SCRIPT = shell.script("cat >/dev/null")


def test_a_connection_that_is_cut_while_we_send_is_a_host_error(lab: Lab) -> None:
    """Again and again: where exactly the cut finds the sender is a matter of luck."""
    settings = connection_settings(Config(ssh_config=SSHConfig.from_path(str(lab.farm.ssh_config))))
    settings.connect_kwargs["key_filename"] = str(lab.farm.key)
    for _ in range(10):
        with contextlib.closing(HostGroup(["node1"], settings)) as group:
            talk = Conversation(group.hosts["node1"].channel(SCRIPT), SCRIPT)
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
