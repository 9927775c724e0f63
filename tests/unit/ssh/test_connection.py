"""Settings of a connection: timeouts, and the backlog of what is sent."""

import pytest
from fabric import Config

from fabfile.ssh.connection import connection_settings
from fabfile.ssh.ssh_host import backlog


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, 1 << 20), (0.007, 1 << 20), (0.01, 1_342_177), (0.05, 6_710_886)]
)
def test_window_keeps_connection_busy(seconds: float, expected: int) -> None:
    assert backlog(seconds) == expected


def test_each_step_has_the_full_timeout() -> None:
    steps = ("timeout", "banner_timeout", "auth_timeout", "channel_timeout")
    assert [connection_settings(Config()).connect_kwargs[step] for step in steps] == [10] * 4
    said = Config(overrides={"timeouts": {"connect": 2}})
    assert [connection_settings(said).connect_kwargs[step] for step in steps] == [2] * 4
