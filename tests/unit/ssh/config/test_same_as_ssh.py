"""The settings of hosts are those that the installed OpenSSH prints: `ssh -G HOST`, setting by setting."""

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabfile.ssh.config import openssh
from fabfile.ssh.config.keywords import QUOTED
from fabfile.ssh.config.lookup import Login, Settings
from fabfile.ssh.config.reader import Sources
from fabfile.ssh.config.resolver import resolver_of
from fabfile.ssh.config.words import split
from tests.support.ssh_config_cases import CASES, FOR_SSH, INVALID, LINES, Case

SSH = shutil.which("ssh") or "ssh"
ALL = CASES | FOR_SSH


def write(case: Case, folder: Path) -> Path:
    """Write the files of a case; return the path of its config."""
    for name, text in {**case.files, "config": case.text}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.replace("{folder}", str(folder)).encode())
        (folder / name).chmod(0o644)  # ssh refuses a file that others can write
    return folder / "config"


def complete(found: Settings) -> Settings:
    """Return settings with the defaults of ssh, and without quotes."""
    usual = {key: value for key, value in openssh.defaults(SSH).items() if key != "host"}
    plain = {key: " ".join(split(str(found[key]))) for key in QUOTED if key in found}
    return usual | found | plain


@pytest.mark.parametrize("name", ALL)
def test_settings_agree_with_ssh(name: str, tmp_path: Path) -> None:
    case = ALL[name]
    path = write(case, tmp_path)
    resolver = resolver_of(path)
    for host in case.names:
        login = Login(host, case.user, case.port)
        by_ssh = openssh.ask(SSH, Sources(path), login)
        found = resolver.resolve(login)
        assert isinstance(found, dict), found
        assert complete(found) == complete(by_ssh), host
    assert (resolver.by_ssh == 0) == (name in CASES)


def test_most_configs_need_no_ssh() -> None:
    """The test above asserts for each of CASES that this program has read it alone."""
    assert len(CASES) >= 100
    assert len(ALL) >= 120


def test_configs_use_every_keyword() -> None:
    printed = openssh.defaults(SSH).keys()
    used = {line.split()[0].lower() for text in LINES for line in text.splitlines() if re.match("[A-Za-z0-9]+ ", line)}
    assert printed - used - {"host"} == set()


@pytest.mark.parametrize("line", INVALID)
def test_error_has_the_words_of_ssh(line: str, tmp_path: Path) -> None:
    path = write(Case(f"User x\n{line}\n"), tmp_path)
    with pytest.raises(ValueError) as by_ssh:
        openssh.ask(SSH, Sources(path), Login("h"))
    with pytest.raises(ValueError) as ours:
        resolver_of(path).lookup("h")
    assert str(by_ssh.value) in str(ours.value)
    assert str(path) in str(ours.value)
    assert "terminating" not in str(ours.value)


@pytest.mark.parametrize("line", ["Match localnetwork 9.8.7.6/32", "Match tagged x", "Tag x", "Match sessiontype exec"])
def test_new_criterion_is_left_to_ssh(line: str, tmp_path: Path) -> None:
    """Only newer versions of ssh know these. Others refuse the config."""
    path = write(Case(f"{line}\n Port 9\nHost *\n User x\n"), tmp_path)
    found = resolver_of(path).resolve(Login("node1"))
    try:
        by_ssh = openssh.ask(SSH, Sources(path), Login("node1"))
    except ValueError as error:
        assert str(found) == str(error)
        assert f"{path}" in str(error)
    else:
        assert found == by_ssh


def test_error_below_other_host_is_found(tmp_path: Path) -> None:
    """ssh refuses the whole file, so one host is resolved by ssh."""
    path = write(Case("Host other\n Port 99999\n"), tmp_path)
    with pytest.raises(ValueError, match=f"{path} line 2: Bad port '99999'"):
        resolver_of(path).lookup("node1")


KEYWORDS = (
    "Port",
    "User",
    "HostName",
    "IdentityFile",
    "Compression",
    "ConnectTimeout",
    "SendEnv",
    "UserKnownHostsFile",
)
VALUES = st.sampled_from(
    ("22", "1m", "yes", "no", "none", "a", "%h", "~/x", '"q q"', "x#y", "#z", "'", "a,b", "A B", "\\")
)
NAMES = st.sampled_from(("a", "b", "A", "*", "?", "!a", "a*", "ab", "!*b"))
LINE = st.one_of(
    st.builds("{}{}{}".format, st.sampled_from(KEYWORDS), st.sampled_from((" ", "=", "\t", " = ")), VALUES),
    st.builds("Host {} {}".format, NAMES, NAMES),
    st.builds(
        "Match {}host {}{}".format, st.sampled_from(("", "!", "original")), NAMES, st.sampled_from(("", " final"))
    ),
    st.builds("Match user {}".format, st.sampled_from(("root", "a", "*,!a"))),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINE, max_size=8), host=st.sampled_from(("a", "b", "ab", "A")))
def test_random_config_agrees_with_ssh(lines: list[str], host: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("\n".join(lines))
    try:
        by_ssh = complete(openssh.ask(SSH, Sources(path), Login(host)))
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            resolver_of(path).lookup(host)
    else:
        assert complete(dict(resolver_of(path).lookup(host))) == by_ssh
