"""Questions of a login: passphrases, passwords and second factors, on a terminal and without one."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.accounts import Account, account
from tests.support.checkout import ROOT
from tests.support.connections import connections
from tests.support.farm import Farm, ThrowawayHost
from tests.support.logins import PASSPHRASE, Duel, make_keys
from tests.support.question_host import QuestionHost, Questions
from tests.support.soak import often
from tests.support.terminal import Terminal
from tests.support.waiting import eventually

PASSWORD = "secret, of 'her'"
PAM = {"UsePAM": "yes", "KbdInteractiveAuthentication": "yes"}
FIRST_KEY = {"AuthenticationMethods": "publickey,keyboard-interactive"}


@pytest.fixture(scope="module")
def duel() -> Iterator[Duel]:
    farm = Farm(Path(tempfile.mkdtemp(prefix="rr.", dir="/tmp")))
    keys = farm.folder / "keys"
    keys.mkdir(mode=0o700)
    make_keys(keys)
    farm.folder.chmod(0o755)
    keys.chmod(0o755)  # sshd reads `authorized` as the user who logs in
    try:
        yield Duel(farm, keys)
    finally:
        farm.close()


@pytest.fixture(scope="module")
def user() -> Iterator[Account]:
    with account(PASSWORD) as made:
        yield made


def config_of(duel: Duel, hosts: dict[str, ThrowawayHost], *lines: str) -> Path:
    """Write an ssh config with several hosts, with the same lines."""
    text = [duel.config(host, lines, name).read_text() for name, host in hosts.items()]
    path = duel.keys / "config"
    path.write_text("".join(text))
    return path


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for each in opened:
        each.close()


def connect(terminals: list[Terminal], config: Path, *names: str, transport: str = "auto") -> Terminal:
    command = [sys.executable, "-m", "tests.support.connect", str(config), *names]
    terminals.append(Terminal(command, cwd=ROOT, env=without_agent() | {"TRANSPORT": transport}))
    return terminals[-1]


def without_agent() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"}


def echoes(terminal: Terminal) -> bool:
    return bool(termios.tcgetattr(terminal.master)[3] & termios.ECHO)


@pytest.mark.root
def test_second_factor_is_asked_for(duel: Duel, user: Account, terminals: list[Terminal]) -> None:
    host = duel.host(**PAM, **FIRST_KEY)
    config = config_of(duel, {"machine": host}, "IdentityFile {keys}/good", f"User {user.name}")
    terminal = connect(terminals, config, "machine")
    terminal.shows(f"({user.name}@machine) Password: ".encode())
    assert not echoes(terminal)
    terminal.types(PASSWORD.encode() + b"\n")
    terminal.shows(b"machine: connected")
    assert terminal.ends() == 0


@pytest.mark.root
def test_questions_come_one_at_a_time(duel: Duel, user: Account, terminals: list[Terminal]) -> None:
    host = duel.host(**PAM, **FIRST_KEY)
    names = ["first", "second", "third"]
    config = config_of(duel, dict.fromkeys(names, host), "IdentityFile {keys}/good", f"User {user.name}")
    terminal = connect(terminals, config, *names)
    for _ in names:
        terminal.shows(f"({user.name}@".encode())
        terminal.shows(b") Password: ")
        assert terminal.shown.count(b"@") == 0
        terminal.types(PASSWORD.encode() + b"\n")
    for _ in names:
        terminal.shows(b": connected")
    assert terminal.ends() == 0


@pytest.mark.root
def test_password_is_asked_for_again(duel: Duel, user: Account, terminals: list[Terminal]) -> None:
    host = duel.host(PasswordAuthentication="yes", AuthorizedKeysFile="none")
    config = config_of(duel, {"machine": host}, "IdentityFile none", f"User {user.name}")
    terminal = connect(terminals, config, "machine")
    terminal.shows(f"{user.name}@machine's password: ".encode())
    terminal.types(b"wrong\n")
    terminal.shows(f"{user.name}@machine's password (try 2 of 3): ".encode())
    terminal.types(PASSWORD.encode() + b"\n")
    terminal.shows(b"machine: connected")
    assert terminal.ends() == 0


BOTH = PAM | {"PasswordAuthentication": "yes"}
TYPED = {  # settings of sshd, lines of the ssh config, the answers, and whether they log in
    "key and code": (PAM | FIRST_KEY, ["IdentityFile {keys}/good"], [PASSWORD], True),
    "key and password": (
        BOTH | {"AuthenticationMethods": "publickey,password"},
        ["IdentityFile {keys}/good"],
        ["wrong", PASSWORD],
        True,
    ),
    "encrypted key and code": (PAM | FIRST_KEY, ["IdentityFile {keys}/gcm"], ["wrong", PASSPHRASE, PASSWORD], True),
    "password and code": (
        BOTH | {"AuthenticationMethods": "password,keyboard-interactive"},
        ["IdentityFile none"],
        [PASSWORD, "wrong", PASSWORD],
        True,
    ),
    "code and key": (
        PAM | {"AuthenticationMethods": "keyboard-interactive,publickey"},
        ["IdentityFile {keys}/good"],
        ["wrong", PASSWORD],
        True,
    ),
    "code or password": (BOTH, ["IdentityFile none"], ["wrong", "wrong", "wrong", PASSWORD], True),
    "preferred password": (
        BOTH,
        ["IdentityFile none", "PreferredAuthentications password,keyboard-interactive"],
        ["wrong", "wrong", "wrong", PASSWORD],
        True,
    ),
    "one prompt of each kind": (BOTH, ["IdentityFile none", "NumberOfPasswordPrompts 1"], ["wrong", "wrong"], False),
    "wrong codes": (PAM | FIRST_KEY, ["IdentityFile {keys}/good"], ["wrong"] * 3, False),
}
USUALLY = {"key and password", "encrypted key and code", "password and code", "one prompt of each kind"}
QUESTION = re.compile(rb"(password|passphrase)[^:]*: $", re.IGNORECASE)


@pytest.mark.root
@pytest.mark.parametrize("name", often(sorted(USUALLY), sorted({*TYPED} - USUALLY)))
def test_questions_are_those_of_ssh(duel: Duel, user: Account, terminals: list[Terminal], name: str) -> None:
    settings, lines, answers, works = TYPED[name]
    host = duel.host(**settings, MaxAuthTries="20")
    config = config_of(duel, {"machine": host}, *lines, f"User {user.name}")
    outcomes = []
    for transport in ("ssh", "paramiko", "openssh"):
        before = len(duel.accepted(host))
        if transport == "ssh":
            terminals.append(Terminal(["ssh", "-F", str(config), "machine", "true"], env=without_agent()))
        else:
            connect(terminals, config, "machine", transport=transport)
        questions = answered(terminals[-1], answers)
        outcomes.append((questions, [line[0] for line in duel.accepted(host)[before:]]))
    assert outcomes == [outcomes[0]] * 3
    assert (outcomes[0][1][-1:] == ["Accepted"]) == works
    assert len(outcomes[0][0]) == len(answers)


def answered(terminal: Terminal, answers: list[str]) -> list[bytes]:
    """Type an answer to each question until the program ends. Return the kinds of the questions."""
    found = []
    while terminal.process.poll() is None:
        question = QUESTION.search(terminal.shown)
        if question:
            assert not echoes(terminal)
            found.append(question[1].lower())
            terminal.shown = b""
            terminal.types(answers[len(found) - 1].encode() + b"\n")
        time.sleep(0.01)
    return found


def test_passphrase_is_asked_for_once(duel: Duel, terminals: list[Terminal]) -> None:
    hosts = dict.fromkeys(["first", "second", "third"], duel.host())
    terminal = connect(terminals, config_of(duel, hosts, "IdentityFile {keys}/gcm"), *hosts)
    terminal.shows(f"passphrase of key '{duel.keys}/gcm': ".encode())
    terminal.types(b"wrong\n")
    terminal.shows(f"passphrase of key '{duel.keys}/gcm' (try 2 of 3): ".encode())
    terminal.types(PASSPHRASE.encode() + b"\n")
    for _ in hosts:
        terminal.shows(b": connected")
    assert b"passphrase" not in terminal.shown
    assert terminal.ends() == 0


def test_live_line_stops_while_user_types(duel: Duel, terminals: list[Terminal]) -> None:
    terminal = connect(terminals, config_of(duel, {"machine": duel.host()}, "IdentityFile {keys}/gcm"), "machine")
    terminal.shows(b"passphrase of key")
    with pytest.raises(subprocess.TimeoutExpired):
        terminal.process.wait(0.5)
    assert b"<live>" not in terminal.shown
    terminal.types(PASSPHRASE.encode() + b"\n")
    terminal.shows(b"machine: connected")
    assert terminal.ends() == 0


def test_interrupted_question_restores_echo(duel: Duel, terminals: list[Terminal]) -> None:
    terminal = connect(terminals, config_of(duel, {"machine": duel.host()}, "IdentityFile {keys}/gcm"), "machine")
    terminal.shows(b"passphrase of key")
    terminal.types(b"\x03")
    assert terminal.ends() != 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_killed_question_restores_echo(duel: Duel, terminals: list[Terminal], number: int) -> None:
    terminal = connect(terminals, config_of(duel, {"machine": duel.host()}, "IdentityFile {keys}/gcm"), "machine")
    terminal.shows(b"passphrase of key")
    terminal.process.send_signal(number)
    assert terminal.ends() == -number


def test_suspended_question_restores_echo(duel: Duel, terminals: list[Terminal]) -> None:
    config = config_of(duel, {"machine": duel.host()}, "IdentityFile {keys}/gcm")
    fab = shlex.join([sys.executable, "-m", "tests.support.connect", str(config), "machine"])
    terminals.append(Terminal(["bash", "-m", "-c", f"{fab}; stty -a | grep -ow -e '-*echo'; sleep 0.5; fg"], cwd=ROOT))
    terminals[-1].shows(b"passphrase of key")
    terminals[-1].types(b"\x1a")
    terminals[-1].shows(b"\r\necho\r\n")
    terminals[-1].shows(b"passphrase of key")
    assert not echoes(terminals[-1])
    terminals[-1].types(PASSPHRASE.encode() + b"\n")
    terminals[-1].shows(b"machine: connected")
    assert terminals[-1].ends() == 0


def test_empty_passphrase_skips_the_key(duel: Duel, terminals: list[Terminal]) -> None:
    config = config_of(duel, {"machine": duel.host()}, "IdentityFile {keys}/gcm", "IdentityFile {keys}/good")
    terminal = connect(terminals, config, "machine")
    terminal.shows(b"passphrase of key")
    terminal.types(b"\n")
    terminal.shows(b"machine: connected")
    assert terminal.ends() == 0


@pytest.mark.root
def test_ssh_asks_as_in_a_terminal(duel: Duel, user: Account, terminals: list[Terminal]) -> None:
    """A passphrase once for all hosts, then a password for each host, one question at a time."""
    names = ["first", "second"]
    lines = ["IdentityFile {keys}/gcm", f"User {user.name}"]
    config = config_of(duel, dict.fromkeys(names, duel.host(**PAM, **FIRST_KEY)), *lines)
    terminal = connect(terminals, config, *names, transport="openssh")
    for typed in (b"wrong", PASSPHRASE.encode()):
        terminal.shows(f"Enter passphrase for key '{duel.keys}/gcm': ".encode())
        assert not echoes(terminal)
        terminal.types(typed + b"\n")
    for typed in (b"wrong", PASSWORD.encode(), PASSWORD.encode()):
        terminal.shows(f"({user.name}@".encode())
        terminal.shows(b") Password: ")
        assert not terminal.shown
        terminal.types(typed + b"\n")
    for _ in names:
        terminal.shows(b": connected")
    assert b"passphrase" not in terminal.shown
    assert terminal.ends() == 0


@pytest.mark.root
def test_ssh_asks_nothing_in_batch_mode(duel: Duel, user: Account, terminals: list[Terminal]) -> None:
    host = duel.host(PasswordAuthentication="yes", AuthorizedKeysFile="none")
    config = config_of(duel, {"machine": host}, "IdentityFile none", f"User {user.name}", "BatchMode yes")
    log = host.folder / "sshd.log"
    before = log.read_text()
    terminal = connect(terminals, config, "machine", transport="openssh")
    terminal.shows(b"machine: permission denied")
    terminal.ends()
    assert "Failed password" not in log.read_text()[len(before) :]


@pytest.mark.root
@pytest.mark.parametrize("transport", ["auto", "openssh"])
def test_impatient_hosts_are_met_again(duel: Duel, user: Account, terminals: list[Terminal], transport: str) -> None:
    """The second host closes its connection while the first question is open."""
    settings = {**PAM, **FIRST_KEY, "LoginGraceTime": "3"}
    patient, impatient = duel.host(**PAM, **FIRST_KEY), duel.host(**settings)
    hosts = {"patient": patient, "impatient": impatient}
    config = config_of(duel, hosts, "IdentityFile {keys}/good", f"User {user.name}")
    log = impatient.folder / "sshd.log"
    before = len(log.read_text())
    terminal = connect(terminals, config, "patient", "impatient", transport=transport)
    terminal.shows(b") Password: ")
    question = "Postponed keyboard-interactive"
    eventually(lambda: question in log.read_text()[before:], "the question of the second host")
    eventually(lambda: not connections(impatient), "the host to give up")
    # ssh does not notice that the connection is closed, so it asks twice.
    for _ in range(1 if transport == "auto" else 2):
        terminal.types(PASSWORD.encode() + b"\n")
        terminal.shows(b") Password: ")
    terminal.types(PASSWORD.encode() + b"\n")
    for _ in hosts:
        terminal.shows(b": connected")
    assert terminal.ends() == 0


@pytest.mark.root
def test_wrong_password_is_reported(duel: Duel, user: Account) -> None:
    host = duel.host(PasswordAuthentication="yes", AuthorizedKeysFile="none")
    config = config_of(duel, {"machine": host}, "IdentityFile none", f"User {user.name}")
    assert duel.ours(host, config, password=PASSWORD).works
    refused = duel.ours(host, config, password="wrong")
    assert refused.error == (f"permission denied for user {user.name}; tried no key; the password was refused")


@pytest.mark.root
@pytest.mark.parametrize(
    ("lines", "settings", "hint"),
    [
        (
            ["IdentityFile {keys}/gcm"],
            {},
            "tried {keys}/gcm (passphrase needed); the host accepts only publickey; use --prompt-for-passphrase",
        ),
        (
            ["IdentityFile none"],
            {"PasswordAuthentication": "yes"},
            "tried no key; no password given; use --prompt-for-login-password or $REMOTE_RUNNER_PASS",
        ),
        (
            ["IdentityFile none"],
            PAM,
            "tried no key; no password given; use --prompt-for-login-password or $REMOTE_RUNNER_PASS",
        ),
        (
            ["IdentityFile {keys}/good"],
            PAM | FIRST_KEY,
            "tried {keys}/good (accepted); no password given; use --prompt-for-login-password or $REMOTE_RUNNER_PASS",
        ),
        (
            ["IdentityFile none", "PasswordAuthentication no"],
            {"PasswordAuthentication": "yes"},
            "the ssh config disables password",
        ),
    ],
)
def test_error_says_what_gives_the_answer(
    duel: Duel, user: Account, lines: list[str], settings: dict[str, str], hint: str
) -> None:
    host = duel.host(**settings)
    config = config_of(duel, {"machine": host}, *lines, f"User {user.name}")
    by_ssh, by_us = duel.ssh(host, config, "-o", "BatchMode=yes"), without_terminal(config)
    assert not by_ssh.works
    assert hint.format(keys=duel.keys) in by_us


def without_terminal(config: Path, env: dict[str, str] | None = None) -> str:
    """Return what the program prints that connects to `machine`, in a session without a terminal."""
    command = [sys.executable, "-m", "tests.support.connect", str(config), "machine"]
    environment = os.environ | (env or {})
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20, start_new_session=True
    )
    return done.stdout


GIVEN = {
    "password": ({"PasswordAuthentication": "yes"}, "IdentityFile none"),
    "keyboard-interactive": (PAM, "IdentityFile none"),
    "key and then keyboard-interactive": (PAM | FIRST_KEY, "IdentityFile {keys}/good"),
    "key and then password": (
        {"PasswordAuthentication": "yes", "AuthenticationMethods": "publickey,password"},
        "IdentityFile {keys}/good",
    ),
    "keyboard-interactive and then key": (
        PAM | {"AuthenticationMethods": "keyboard-interactive,publickey"},
        "IdentityFile {keys}/good",
    ),
    "password, keyboard-interactive and key": (
        PAM | {"PasswordAuthentication": "yes", "AuthenticationMethods": "password,keyboard-interactive,publickey"},
        "IdentityFile {keys}/good",
    ),
    "refused keys before": (PAM | {"PasswordAuthentication": "yes"}, "IdentityFile {keys}/wrong0"),
    "preferred password": (
        PAM | {"PasswordAuthentication": "yes"},
        "IdentityFile none\nPreferredAuthentications password,keyboard-interactive",
    ),
    "no keyboard-interactive": (
        PAM | {"PasswordAuthentication": "yes"},
        "IdentityFile none\nKbdInteractiveAuthentication no",
    ),
}


@pytest.mark.root
@pytest.mark.parametrize("name", GIVEN)
def test_given_password_works_as_in_ssh(duel: Duel, user: Account, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, lines = GIVEN[name]
    host = duel.host(**settings)
    config = config_of(duel, {"machine": host}, *lines.splitlines(), f"User {user.name}")
    typist = duel.keys / "typist"
    typist.write_text(f"#!/bin/sh\nprintf %s {shlex.quote(PASSWORD)}\n")
    typist.chmod(0o700)
    monkeypatch.setenv("SSH_ASKPASS", str(typist))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    by_ssh, by_us = duel.ssh(host, config), duel.ours(host, config, password=PASSWORD)
    assert by_ssh.works and by_us.works, by_us.error
    assert by_us.accepted == by_ssh.accepted


@pytest.mark.parametrize("name", ["gcm", "pem", "pkcs8_secret"])
def test_given_passphrase_opens_the_key(duel: Duel, name: str) -> None:
    """A wrong one comes first, because a key stays open for all later logins of the process."""
    host = duel.host()
    alone, with_another = (
        [f"IdentityFile {{keys}}/{name}"],
        [f"IdentityFile {{keys}}/{name}", "IdentityFile {keys}/rsa"],
    )
    refused = duel.ours(host, duel.config(host, alone), passphrase="wrong")
    assert f"{duel.keys}/{name} (wrong passphrase)" in refused.error
    other = duel.ours(host, duel.config(host, with_another), password="wrong")
    right = duel.ours(host, duel.config(host, with_another), passphrase=PASSPHRASE)
    assert other.works and right.works
    assert other.accepted != right.accepted


def config_of_questions(duel: Duel, host: QuestionHost) -> Path:
    path = duel.keys / "questions"
    known = duel.keys / "known_questions"
    lines = ["HostName 127.0.0.1", f"Port {host.port}", "User alice", "IdentityFile none"]
    path.write_text("\n    ".join(["Host machine", *lines, f"UserKnownHostsFile {known}"]) + "\n")
    return path


def test_answer_is_shown_if_the_host_wants_it(duel: Duel, terminals: list[Terminal]) -> None:
    server = Questions([("Password: ", False), ("Token: ", True)], ["hush", "123"])
    host = QuestionHost(server)
    terminal = connect(terminals, config_of_questions(duel, host), "machine")
    terminal.shows(b"(alice@machine) Two factors")
    terminal.shows(b"(alice@machine) for this host")
    terminal.shows(b"(alice@machine) Password: ")
    assert not echoes(terminal)
    terminal.types(b"hush\n")
    terminal.shows(b"(alice@machine) Token: ")
    assert echoes(terminal)
    terminal.types(b"123\n")
    terminal.shows(b"machine: connected")
    assert terminal.ends() == 0
    assert server.got == [["hush", "123"]]
    host.close()


def test_given_password_answers_no_code(duel: Duel) -> None:
    server = Questions([("Verification code: ", False)], ["123"])
    host = QuestionHost(server)
    error = without_terminal(config_of_questions(duel, host), {"REMOTE_RUNNER_PASS": PASSWORD})
    assert "no terminal to ask for 'Verification code:'" in error
    assert server.got == []
    host.close()
