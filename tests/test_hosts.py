"""Connections by themselves: what is said of one that is lost, whatever was going on."""

import contextlib
import os
import signal

import pytest
from fabric import Config
from paramiko.config import SSHConfig

from fabfile.conversation import HostError
from fabfile.hosts import HostGroup, connection_settings, conversation

from .conftest import Lab
from .test_sync import connections


def test_a_connection_that_is_cut_while_we_send_is_a_host_error(lab: Lab) -> None:
    """Again and again: where exactly the cut finds the sender is a matter of luck."""
    settings = connection_settings(Config(ssh_config=SSHConfig.from_path(str(lab.farm.ssh_config))))
    settings.connect_kwargs["key_filename"] = str(lab.farm.key)
    for _ in range(10):
        group = HostGroup(["node1"], settings)
        with contextlib.closing(group), pytest.raises(HostError, match="^the connection was lost$"):
            with conversation(group.hosts["node1"], "cat >/dev/null") as talk:
                talk.send(bytes(100_000))
                for pid in connections(lab.node1):
                    with contextlib.suppress(ProcessLookupError):  # a parent may have ended with its child
                        os.kill(pid, signal.SIGKILL)
                while True:
                    talk.send(bytes(1000))
