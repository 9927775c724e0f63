"""The ssh config and the command line of a connection."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from fabric import Config, Connection
from paramiko.config import SSHConfig

from fabfile.ssh.openssh.command import Login, config_files, config_lines, config_text, master_command, quoted, whole

CONTROL = Path("/tmp/rr-x/1")


def settings_of(text: str) -> Config:
    return Config(ssh_config=SSHConfig.from_text(text))


def words(text: str, name: str, mode: str | None = None, **given: Any) -> list[str]:
    """Return the words that depend on the settings."""
    command = master_command(Connection(name, config=settings_of(text), **given), CONTROL, mode)
    return command[command.index("ControlPersist=no") + 1 :]


GIVEN = """\
Port 7
Host a* !ab
    IdentityFile "/with a blank"
    IdentityFile /c
    ProxyCommand none
Match !host ac exec "test %h = ad"
    ServerAliveInterval 3
Match originalhost ac
    ProxyCommand sh -c 'exec nc "%h" %p'
    UserKnownHostsFile /k1 /k2
"""


@pytest.mark.parametrize("host", ["a", "ab", "ac", "ad", "b"])
def test_parsed_config_means_the_same_to_ssh(tmp_path: Path, host: str) -> None:
    given, written = tmp_path / "given", tmp_path / "written"
    given.write_text(GIVEN)
    written.write_text("\n".join(config_lines(SSHConfig.from_text(GIVEN))))
    by_ssh = [subprocess.run(["ssh", "-F", path, "-G", host], capture_output=True) for path in (given, written)]
    assert by_ssh[0].stdout == by_ssh[1].stdout
    assert by_ssh[0].stdout and by_ssh[0].stderr == by_ssh[1].stderr


ASKING = ["-o", "StrictHostKeyChecking=accept-new"]


@pytest.mark.parametrize(
    ("text", "name", "end"),
    [
        ("Host h\n User u\n Port 5\n", "h", [*ASKING, "--", "h"]),
        ("Host h\n User u\n Port 5\n", "v@h:6", ["-l", "v", "-p", "6", *ASKING, "--", "h"]),
        ("Host h\n User u\n StrictHostKeyChecking yes\n", "h", ["--", "h"]),
        ("Host h\n User u\n StrictHostKeyChecking no\n", "h", [*ASKING, "--", "h"]),
        (
            "Host h\n User u\n StrictHostKeyChecking yes\n ForkAfterAuthentication yes\n",
            "h",
            ["-o", "ForkAfterAuthentication=no", "--", "h"],
        ),
        ("Host h\n User u\n ProxyJump g\n", "h", [*ASKING, "--", "h"]),
    ],
)
def test_words_say_only_what_the_config_does_not(text: str, name: str, end: list[str]) -> None:
    assert words(text, name) == end


def test_gateway_of_fabric_is_a_jump() -> None:
    config = settings_of("Host *\n User u\n")
    first = Connection("a:7", config=config)
    second = Connection("w@b", config=config, gateway=first)
    assert words("Host *\n User u\n", "h", "strict", gateway=second) == ["-J", "u@a:7,w@b:22", "--", "h"]
    assert "ProxyCommand=nc %h %p" in words("Host *\n User u\n", "h", gateway="nc %h %p")


def test_own_settings_come_first_and_defaults_last() -> None:
    lines = config_text(
        Login(["/a b/config"], [Path("/k")], "strict", 2.5, has_password=False, can_ask=False)
    ).splitlines()
    at = {line: number for number, line in enumerate(lines)}
    for line in ("StrictHostKeyChecking yes", "ConnectTimeout 3", "PasswordAuthentication no", 'IdentityFile "/k"'):
        assert at[line] < at['Include "/a b/config"'] < at["StrictHostKeyChecking accept-new"]


def test_values_are_quoted() -> None:
    assert quoted('a"b\\%') == '"a\\"b\\\\%%"'
    assert (whole(0.2), whole(10), whole(float("inf"))) == (1, 10, 1 << 20)


def test_settings_without_files_have_no_include() -> None:
    assert config_files(Config(overrides={"load_ssh_configs": False})) == []
