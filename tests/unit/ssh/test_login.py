"""Parts of a login that need no host: keys, their order, and the reason of a failure."""

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from fabfile.ssh.login import key_files, keys
from fabfile.ssh.login.exchange import Answers, Question, Reply
from fabfile.ssh.login.key_files import KeyFile, KeyFileError, PassphraseNeeded, key_file
from fabfile.ssh.login.passwords import KeyboardInteractive, Passwords, asks_for_code, asks_for_password
from fabfile.ssh.login.report import Report
from fabfile.ssh.login.settings import LoginSettings
from tests.support.logins import make_fido_key

SETTINGS = LoginSettings(user="alice", host="node1")


def make(path: Path, *words: str) -> Path:
    subprocess.run(["ssh-keygen", "-q", *words, "-f", path], check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.mark.parametrize("words", [("-t", "ed25519"), ("-t", "rsa"), ("-t", "ecdsa", "-b", "384")])
def test_public_key_is_that_of_ssh_keygen(tmp_path: Path, words: tuple[str, ...]) -> None:
    file = key_file(str(make(tmp_path / "key", "-N", "", *words)))
    file.unlock(None)
    assert file.own_public() == file.public == keys.parsed((tmp_path / "key.pub").read_bytes())


def test_key_is_read_and_decrypted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "key", "-N", "open sesame", "-t", "ed25519")
    calls: list[str] = []
    for name in ("_read", "_private"):
        original = getattr(key_files, name)

        def counted(*args: Any, name: str = name, original: Any = original) -> Any:
            calls.append(name)
            return original(*args)

        monkeypatch.setattr(key_files, name, counted)

    def login() -> None:
        file = key_file(str(path))
        with file.lock:
            file.unlock("open sesame")

    threads = [threading.Thread(target=login) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(calls) == ["_private", "_read"]


def test_changed_key_file_is_read_again(tmp_path: Path) -> None:
    path = make(tmp_path / "key", "-N", "", "-t", "ed25519")
    before = key_file(str(path)).public
    path.unlink()
    make(path, "-N", "", "-t", "ed25519")
    assert key_file(str(path)).public != before


def test_wrong_passphrase_is_tried_once(tmp_path: Path) -> None:
    file = key_file(str(make(tmp_path / "key", "-N", "open sesame", "-t", "ed25519", "-a", "4")))
    for _ in range(2):
        with pytest.raises(PassphraseNeeded, match="wrong passphrase"):
            file.unlock("wrong")
    file.unlock("open sesame")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not a private key"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", "key of PuTTY; convert it with puttygen -O private-openssh"),
        ("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", "damaged, or not a private key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3B\n", "no complete line at the end; copy the whole file, .*"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n", "damaged, or not a private key"),
    ],
)
def test_unusable_file_has_a_reason(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=f"^{problem}$"):
        key_file(str(path)).unlock(None)


LAYOUTS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda text: text,
    "CRLF": lambda text: text.replace(b"\n", b"\r\n"),
    "CR": lambda text: text.replace(b"\n", b"\r"),
    "one CR": lambda text: text.replace(b"\n", b"\r\n", 1),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text,
    "empty line first": lambda text: b"\n" + text,
    "comment first": lambda text: b"a key\n" + text,
    "indented": lambda text: b" " + text.replace(b"\n", b"\n "),
    "no line end": lambda text: text.rstrip(),
    "comment last": lambda text: text + b"a key",
    "UTF-16": lambda text: text.decode().encode("utf-16"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("format_", ["RFC4716", "PEM", "PKCS8"])  # RFC4716 means the format of OpenSSH
def test_lines_of_a_key_count_as_in_ssh(tmp_path: Path, layout: str, format_: str) -> None:
    path, other = make(tmp_path / "key", "-t", "ecdsa", "-m", format_), tmp_path / "other"
    other.write_bytes(LAYOUTS[layout](path.read_bytes()))
    other.chmod(0o600)
    own = key_file(str(other))
    by_ssh = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", other], capture_output=True)
    if by_ssh.returncode == 0:
        own.unlock(None)
        assert own.own_public() == keys.parsed(by_ssh.stdout)
    else:
        with pytest.raises(KeyFileError, match=r"line|byte order mark|not a private key"):
            own.unlock(None)
        assert own.public is None


@pytest.mark.parametrize("layout", LAYOUTS)
def test_lines_of_a_public_key_count_as_in_ssh(tmp_path: Path, layout: str) -> None:
    path = make(tmp_path / "key", "-t", "ed25519")
    path.with_suffix(".pub").write_bytes(LAYOUTS[layout](path.with_suffix(".pub").read_bytes()))
    by_ssh = subprocess.run(["ssh-keygen", "-l", "-f", path.with_suffix(".pub")], capture_output=True)
    own = keys.parsed(path.with_suffix(".pub").read_bytes())
    assert (own is not None) == (by_ssh.returncode == 0), by_ssh.stderr


def test_fido_key_has_a_reason(tmp_path: Path) -> None:
    make_fido_key(tmp_path / "key")
    with pytest.raises(KeyFileError, match=r"^FIDO key, which only ssh can use"):
        key_file(str(tmp_path / "key")).unlock(None)


def test_unsupported_cipher_has_a_reason(tmp_path: Path) -> None:
    path = make(tmp_path / "key", "-N", "open sesame", "-t", "ed25519", "-Z", "chacha20-poly1305@openssh.com")
    with pytest.raises(KeyFileError, match=r"encrypted with chacha20-poly1305@openssh\.com, which is not supported"):
        key_file(str(path)).unlock("open sesame")


@pytest.mark.parametrize("name", ["none/key", "\0", "x" * 5000])
def test_impossible_path_is_no_error(tmp_path: Path, name: str) -> None:
    assert key_file(f"{tmp_path}/{name}").problem


def test_rsa_key_without_server_list_uses_sha2() -> None:
    blob = b"\0\0\0\x07ssh-rsa"
    assert keys.algorithm_for(blob, keys.ACCEPTED, None) == "rsa-sha2-512"
    assert keys.algorithm_for(blob, (*keys.ACCEPTED, "ssh-rsa"), None) == "ssh-rsa"
    assert keys.algorithm_for(blob, keys.ACCEPTED, ["rsa-sha2-256"]) == "rsa-sha2-256"
    assert keys.algorithm_for(blob, keys.ACCEPTED, ["ssh-ed25519"]) is None


def test_report_counts_keys_of_the_agent() -> None:
    report = Report(SETTINGS, offered=("publickey", "password"))
    report.key("agent key a", is_in_agent=True)
    report.key("agent key b", is_in_agent=True)
    report.key("~/.ssh/id_ed25519", "passphrase needed")
    report.note("no password given", "--prompt-for-login-password")
    assert str(report.refusal()) == (
        "permission denied for user alice; tried 2 agent keys, ~/.ssh/id_ed25519 (passphrase needed); no password given;"
        " use --prompt-for-login-password and --prompt-for-passphrase"
    )


def test_settings_do_not_show_the_password() -> None:
    assert "hush" not in repr(attrs.evolve(SETTINGS, password="hush", passphrase="hush"))
    assert "hush" not in repr(KeyFile("x", content=b"hush"))


@pytest.mark.parametrize(
    "text", ["Verification code: ", "One-time password (OATH) for `alice': ", "Passcode or option (1-3): "]
)
def test_code_is_no_password(text: str) -> None:
    assert asks_for_code(text) and not asks_for_password(text)


@pytest.mark.parametrize(
    "text", ["Password: ", "alice's Password:", "Passwort: ", "Mot de passe :", "Password for alice@duo-code1: "]
)
def test_password_is_no_code(text: str) -> None:
    assert asks_for_password(text) and not asks_for_code(text)


@pytest.mark.parametrize("texts", [["Password: ", "Token: "], ["Token: ", "Password: "], ["Token: "], ["Password: "]])
def test_only_a_password_is_kept(texts: list[str]) -> None:
    """The next login of this host would send it again."""
    passwords = Passwords(SETTINGS, Report(SETTINGS), lambda question, echo: f"answer to {question}", None)
    question = Question("", "", tuple((text, False) for text in texts))
    answers = KeyboardInteractive(Asking(question), passwords).attempt()  # type: ignore[arg-type]
    assert answers is not None
    assert passwords.typed == ("answer to (alice@node1) Password: " if "Password: " in texts else None)


@attrs.frozen
class Asking:
    """The part of an `Exchange` that asks one question."""

    question: Question

    def interactive(self, answers: Answers) -> Reply:
        given = answers(self.question)
        assert given and len(given) == len(self.question.prompts)
        return Reply(is_success=True)


def test_pipe_is_no_key_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert key_file(str(tmp_path / "pipe")).problem == "not a file"
