"""Login shells and start-up files that do not run a script as sent: an error with the reason, never a false success."""

import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.support.accounts import account
from tests.support.comparison import Comparison, comparisons
from tests.support.lab import Lab

WORKS = ["echo hello", "echo hello >&2", "seq 20000", "printf '\\000\\000x'", "set -eu", "cd /", "umask 0"]
OTHER = "another shell, {}, ran this script; a start-up file of the login shell, such as .bashrc, calls exec"
ENDED = "the login shell, bash, ended with exit status {} and ran no script; check start-up files such as .bashrc"
MISSING = "a part of this script is missing; a start-up file of the login shell, /bin/bash, reads"
SILENT = (
    "the login shell, bash, did not run the script within 2 s; check start-up files such as .bashrc that read or wait"
)
FAILS = [
    ("exec zsh", OTHER.format("zsh")),
    ("exec bash", OTHER.format("bash")),
    ("exec bash --norc -i", OTHER.format("bash")),
    ("SHELL=/bin/dash exec dash", OTHER.format("dash")),
    ("exec busybox sh", OTHER.format("busybox")),
    ("bash --norc; exit", OTHER.format("bash")),
    ("exit 0", ENDED.format(0)),
    ("exit 3", ENDED.format(3)),
    ("exec true", ENDED.format(0)),
    ("kill -9 $$", "the login shell, bash, was killed and ran no script; check start-up files such as .bashrc"),
    ("echo not today; exit 1", "the login shell, bash, ran no script: not today"),
    ("echo not today >&2; exit 0", "the login shell, bash, ran no script: not today"),
    ("exec /nonexistent/fish", "the login shell, bash, ran no script: "),
    ("exec python3", "the login shell, bash, ran no script: "),
    ("exec cat >/dev/null", SILENT),
    ("exec sleep 100", SILENT),
    ("sleep 100 & wait", SILENT),
    ("cat >/dev/null", SILENT),
    ("while sleep 0.2; do echo .; done", SILENT),
    ("yes | head -c 3000000", "the login shell, bash, printed more than 1 MB and ran no script; check start-up files"),
    ("yes", "the login shell, bash, printed more than 1 MB and ran no script"),
    ("exec setsid -w zsh", OTHER.format("zsh")),
    ("echo Welcome; sleep 100", SILENT),
    ("trap '' HUP INT TERM; sleep 100", SILENT),
    ("exec </dev/null; sleep 100", SILENT),
    ("kill -STOP $$", SILENT),
]


@pytest.fixture(scope="module")
def lab_with_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Comparison, int]]:
    for made in comparisons(tmp_path_factory.mktemp("shells")):
        (made.folder / "home").mkdir()
        yield made, made.serve(f"SetEnv HOME={made.folder}/home")


def answer(lab_with_home: tuple[Comparison, int], start_up: str) -> tuple[str | None, str, float]:
    """Return the answer of a script, the error, and the time, with this text as .bashrc."""
    lab, port = lab_with_home
    (lab.folder / "home/.bashrc").write_text(f"{start_up}\n")
    outcome = lab.by_us(f"Host h\n HostName 127.0.0.1\n Port {port}\n")
    return outcome.shown, outcome.error, outcome.seconds


@pytest.mark.parametrize("start_up", WORKS)
def test_harmless_start_up_file_works(lab_with_home: tuple[Comparison, int], start_up: str) -> None:
    shown, error, _ = answer(lab_with_home, start_up)
    assert (shown or "").startswith("root 127.0.0.1"), error


@pytest.mark.parametrize(("start_up", "reason"), FAILS, ids=[text for text, _ in FAILS])
def test_start_up_file_without_script_fails(
    lab_with_home: tuple[Comparison, int], monkeypatch: pytest.MonkeyPatch, start_up: str, reason: str
) -> None:
    monkeypatch.setattr("fabfile.util.limits.GREETING_SECONDS", 2)
    shown, error, _ = answer(lab_with_home, start_up)
    assert shown is None
    assert error.startswith(reason)


@pytest.mark.parametrize("start_up", ["read -r x", "read -r -n 1 x", "head -c 5 >/dev/null", "read -r x; read -r y"])
def test_start_up_file_that_reads_input_fails(
    lab_with_home: tuple[Comparison, int], monkeypatch: pytest.MonkeyPatch, start_up: str
) -> None:
    """Less than the script is left. It must not run with a part of its input as its end."""
    monkeypatch.setattr("fabfile.util.limits.GREETING_SECONDS", 2)
    shown, error, _ = answer(lab_with_home, start_up)
    assert shown is None
    assert error.startswith((MISSING, SILENT))


@pytest.mark.root
@pytest.mark.parametrize(
    ("shell", "file"), [("tcsh", ".cshrc"), ("fish", ".config/fish/config.fish"), ("zsh", ".zshenv")]
)
def test_login_shell_of_another_kind_works(lab_with_home: tuple[Comparison, int], shell: str, file: str) -> None:
    program = str(shutil.which(shell))
    lab, _ = lab_with_home
    with account("unused") as user:
        subprocess.run(["usermod", "-s", program, user.name], check=True)
        (user.home / "keys").write_text(lab.public("key"))
        port = lab.serve(f"AuthorizedKeysFile {user.home}/keys")
        start_up = user.home / file
        start_up.parent.mkdir(parents=True, exist_ok=True)
        outcomes = []
        for text in ("", "echo hello", "exec bash"):
            start_up.write_text(f"{text}\n")
            outcomes.append(lab.by_us(f"Host h\n HostName 127.0.0.1\n Port {port}\n User {user.name}"))
    assert [(each.shown or "").split(" ")[0] for each in outcomes] == [user.name, user.name, ""]
    assert outcomes[-1].error.startswith(OTHER.format("bash"))


WAITS = "the login shell, {}, did not run the script within 2 s; check "
FILE = "start-up files such as {} that read or wait"
NO_COMMANDS = "the login shell, {}, ended with exit status {} and ran no script; check that it runs commands"
OTHER_SHELLS = [
    ("tcsh", ".cshrc", "sleep 100", WAITS.format("tcsh") + FILE.format(".cshrc")),
    (
        "tcsh",
        ".cshrc",
        "exec false",
        "the login shell, tcsh, ended with exit status 1 and ran no script; check start-up",
    ),
    ("tcsh", ".cshrc", "kill -9 $$", "the login shell, tcsh, was killed and ran no script; check start-up files"),
    ("zsh", ".zshenv", "exec sleep 100", WAITS.format("zsh") + FILE.format(".zshenv")),
    ("zsh", ".zshenv", "while read -r x; do done; sleep 100", WAITS.format("zsh") + FILE.format(".zshenv")),
    ("fish", ".config/fish/config.fish", "sleep 100", WAITS.format("fish") + FILE.format("config.fish")),
    ("fish", ".config/fish/conf.d/a.fish", "exec echo no", "the login shell, fish, ran no script: no"),
    ("/bin/false", "", "", NO_COMMANDS.format("false", 1)),
    ("/bin/true", "", "", NO_COMMANDS.format("true", 0)),
    ("/usr/sbin/nologin", "", "", "the login shell, nologin, ran no script: This account is currently not available."),
    ("rbash", "", "", "the login shell, rbash, ran no script: "),
    ("{home}/menu", "menu", "echo Welcome\nexec sleep 100", WAITS.format("menu") + "that it runs commands"),
    ("{home}/menu", "menu", "echo no such choice", "the login shell, menu, ran no script: no such choice"),
]


@pytest.mark.root
@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
@pytest.mark.parametrize(("shell", "file", "text", "reason"), OTHER_SHELLS, ids=["-".join(e[:3]) for e in OTHER_SHELLS])
def test_error_has_the_name_of_the_shell(
    lab_with_home: tuple[Comparison, int],
    monkeypatch: pytest.MonkeyPatch,
    transport: str,
    shell: str,
    file: str,
    text: str,
    reason: str,
) -> None:
    monkeypatch.setattr("fabfile.util.limits.GREETING_SECONDS", 2)
    lab, _ = lab_with_home
    with account("unused") as user:
        program = shutil.which(shell) or shell.format(home=user.home)
        (user.home / "keys").write_text(lab.public("key"))
        if file:
            (user.home / file).parent.mkdir(parents=True, exist_ok=True)
            (user.home / file).write_text(f"#!/bin/sh\n{text}\n")
            (user.home / file).chmod(0o755)
        subprocess.run(["usermod", "-s", program, user.name], check=True)
        port = lab.serve(f"AuthorizedKeysFile {user.home}/keys")
        config = f"Host h\n HostName 127.0.0.1\n Port {port}\n User {user.name}"
        outcome = lab.by_us(config, transport=transport)
        user.end_processes()
    assert outcome.shown is None
    assert outcome.error.startswith(reason)


EXPIRED = {  # settings of sshd, and whether a password is sent
    "key": (["AuthorizedKeysFile {home}/keys"], False),
    "password": (["PasswordAuthentication yes", "KbdInteractiveAuthentication no"], True),
    "questions": (["KbdInteractiveAuthentication yes"], True),
    "password without PAM": (["PasswordAuthentication yes", "UsePAM no"], True),
}


@pytest.mark.root
@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_expired_password_is_reported(lab_with_home: tuple[Comparison, int], transport: str) -> None:
    lab, _ = lab_with_home
    with account("unused") as user:
        (user.home / "keys").write_text(lab.public("key"))
        subprocess.run(["chage", "-d", "0", user.name], check=True)
        errors = {}
        for name, (settings, is_sent) in EXPIRED.items():
            port = lab.serve(*(line.format(home=user.home) for line in settings), "UsePAM yes")
            config = f"Host h\n HostName 127.0.0.1\n Port {port}\n User {user.name}\n"
            config += " PubkeyAuthentication no\n" if is_sent else ""
            errors[name] = lab.by_us(config, password="unused" if is_sent else None, transport=transport).error
    own = "the password has expired; change it with ssh"
    assert all(own in error for error in errors.values()), errors


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("echo hi", "the login shell, bash, ran no script: hi"),
        ("/usr/sbin/nologin", "the login shell, bash, ran no script: This account is currently not available."),
        ('rbash -c "$SSH_ORIGINAL_COMMAND"', "the login shell, bash, ran no script: "),
        ('git-shell -c "$SSH_ORIGINAL_COMMAND"', "the login shell, bash, ran no script: fatal: unrecognized command"),
        ("internal-sftp", "the login shell "),
        ("exec env -i zsh", OTHER.format("zsh")),
    ],
)
def test_forced_command_is_reported(
    lab_with_home: tuple[Comparison, int], monkeypatch: pytest.MonkeyPatch, command: str, reason: str
) -> None:
    monkeypatch.setattr("fabfile.util.limits.GREETING_SECONDS", 2)
    lab, _ = lab_with_home
    (lab.folder / "home/.bashrc").write_text("")
    port = lab.serve(f"ForceCommand {command}", f"SetEnv HOME={lab.folder}/home")
    outcome = lab.by_us(f"Host h\n HostName 127.0.0.1\n Port {port}\n")
    assert outcome.shown is None
    assert outcome.error.startswith((reason, SILENT))


def test_hanging_shell_is_reported_without_a_name(
    lab_with_home: tuple[Comparison, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shell occupies the only session, so sshd cannot be asked for its name."""
    monkeypatch.setattr("fabfile.util.limits.GREETING_SECONDS", 2)
    lab, _ = lab_with_home
    port = lab.serve("ForceCommand sleep 100", "MaxSessions 1")
    outcome = lab.by_us(f"Host h\n HostName 127.0.0.1\n Port {port}\n")
    assert outcome.error.startswith(SILENT.replace(", bash,", ""))
    assert outcome.seconds < 20


CONFIG = "config.add_component(Component(name='a', executable='/bin/true', host='odd', start_index=1, base_dir='~'))\n"
COMMANDS = ["run", "kill", "status", "logs", "wait", "stop", "sync", "start", "screen", "collect", "doctor", "plan"]


@pytest.mark.transports
@pytest.mark.parametrize(
    ("force", "reason"), [("exec zsh", OTHER.format("zsh")), ("exit 0", ENDED.format(0)), ("sleep 100", SILENT)]
)
def test_every_command_reports_the_shell(lab: Lab, force: str, reason: str) -> None:
    settings = lab.here.home / ".fabric.yaml"
    settings.write_text(f"remote_runner:\n  io_timeout: 2\n  transport: {lab.transport}\n")
    lab.farm.add("odd", {"ForceCommand": f'cd "$HOME" && {force}'})
    lab.config(CONFIG)
    began = time.monotonic()
    for command in (*COMMANDS, "exec"):
        done = lab.fab(command, *["true"] * (command == "exec"), "-c", "cfg.py")
        said = done.stdout + done.stderr
        assert done.returncode == 1, f"{command}: {said}"
        assert reason in said, said
    assert time.monotonic() - began < 30 * len(COMMANDS)
