"""Tokens in the values of an ssh config stand for the same texts as in OpenSSH."""

import subprocess
from pathlib import Path

import pytest
from fabric import Config, Connection
from paramiko.config import SSHConfig

from fabfile.ssh.config.tokens import EXPANDED_BY_SSH, TOKENS, expand
from fabfile.ssh.connection import connection_settings

USUAL = "%C-%d-%h-%i-%k-%L-%l-%n-%p-%r-%u-100%%"
CONFIG = """\
Host Alias
    HostName target.example.org
    HostKeyAlias Key
    Port 2222
    User alice
    IdentityAgent /a/{usual}
    ControlPath ~/{usual}-${{HOME}}
    UserKnownHostsFile /u/{usual} ~/${{HOME}}
    RemoteCommand echo {usual} ${{HOME}}
    IdentityFile ~/i-{usual}
    IdentityFile /${{HOME}}/i
    CertificateFile ~/c-{usual}
    LogLevel DEBUG
    ProxyCommand echo 'proxy: %h %n %p %r 100%% ${{HOME}}' >&2
"""


@pytest.fixture(name="config")
def write_config(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(CONFIG.format(usual=USUAL))
    return path


def connection(path: Path) -> Connection:
    return Connection("Alias", config=connection_settings(Config(runtime_ssh_path=str(path))))


def shown_by_ssh(path: Path) -> list[str]:
    """Return what ssh prints while it tries to connect, without a ControlPath, which would be too long."""
    text = path.read_text()
    path.write_text("".join(line for line in text.splitlines(True) if "ControlPath" not in line))
    done = subprocess.run(["ssh", "-F", str(path), "Alias"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.stderr.replace("\r", "").splitlines()


def test_tokens_of_key_files_agree_with_ssh(config: Path) -> None:
    config.write_text(config.read_text().replace(f"    RemoteCommand echo {USUAL} ${{HOME}}\n", ""))
    found = connection(config)
    lines = shown_by_ssh(config)
    for key in found.ssh_config["identityfile"]:
        assert f"debug1: identity file {expand(key, 'IdentityFile', found)} type -1" in lines
    for key in found.ssh_config["certificatefile"]:
        assert f"debug1: certificate file {expand(key, 'certificatefile', found)} type -1" in lines


def test_tokens_of_proxy_command_agree_with_ssh(config: Path) -> None:
    found = connection(config)
    command = expand(found.ssh_config["proxycommand"], "proxycommand", found)
    assert "proxy: target.example.org Alias 2222 alice 100% ${HOME}" in command
    assert f"debug1: Executing proxy command: exec {command}" in shown_by_ssh(config)


@pytest.mark.parametrize("keyword", sorted({*EXPANDED_BY_SSH, "identityfile"} - {"forwardagent", "hostname"}))
def test_tokens_in_printed_settings_agree_with_ssh(config: Path, keyword: str) -> None:
    found = connection(config)
    done = subprocess.run(["ssh", "-F", config, "-G", "Alias"], capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith(f"{keyword} "))
    value = found.ssh_config[keyword]
    assert f"{keyword} {value[0] if isinstance(value, list) else value}" == line
    if keyword in EXPANDED_BY_SSH:
        assert expand(value, keyword, found) == value, "it is not expanded twice"


@pytest.mark.parametrize(
    ("keyword", "text", "wrong"),
    [
        ("identityfile", "/k/%x", "%x"),
        ("identityfile", "/k/%", "%"),
        ("certificatefile", "/k/%T", "%T"),
        ("proxycommand", "nc %d", "%d"),
        ("proxyjump", "%u", "%u"),
        ("identityfile", "/k/${RR_UNSET_VARIABLE}", "${RR_UNSET_VARIABLE}"),
        ("certificatefile", "${OPEN", "${OPEN"),
        ("revokedhostkeys", "~no-such-user/x", "~no-such-user/x"),
    ],
)
def test_unknown_token_is_an_error(config: Path, keyword: str, text: str, wrong: str) -> None:
    with pytest.raises(ValueError) as problem:
        expand(text, keyword, connection(config))
    assert keyword in str(problem.value)
    assert wrong in str(problem.value)


def test_other_keywords_have_no_tokens(config: Path) -> None:
    found = connection(config)
    assert expand("%h ~/x ${HOME}", "bindaddress", found) == "%h ~/x ${HOME}"
    assert expand("~/x%h", "globalknownhostsfile", found) == f"{Path.home()}/x%h"
    assert "bindaddress" not in TOKENS


def test_settings_of_a_caller_are_expanded() -> None:
    given = Config(ssh_config=SSHConfig.from_text("Host h\n UserKnownHostsFile ~/%h-%p\n"))
    found = Connection("h", port=7, config=connection_settings(given))
    assert expand(found.ssh_config["userknownhostsfile"], "userknownhostsfile", found) == f"{Path.home()}/h-7"
