"""Questions of ssh during a login, asked by the real askpass program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fabfile.ssh.openssh import askpass
from fabfile.ssh.openssh.questions import Answers, Questions
from fabfile.util import daemons

PASSWORD = "pass word\u00e9"


def asked(tmp_path: Path, answers: Answers, question: str, kind: str = "") -> tuple[int, str]:
    """Return the exit status and the output of the program."""
    path = tmp_path / "ask"
    questions = Questions("node1", path, answers)
    daemons.start_daemon(questions.answer, 5.0)
    command = [sys.executable, "-IS", askpass.__file__, str(path), question]
    environment = os.environ | ({"SSH_ASKPASS_PROMPT": kind} if kind else {})
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=10)
    questions.close()
    assert done.stderr == "" and not path.exists()
    return done.returncode, done.stdout


def test_password_comes_over_the_socket(tmp_path: Path) -> None:
    answers = Answers(PASSWORD, None, accepts_new_keys=False)
    assert asked(tmp_path, answers, "alice@node1's password: ") == (0, f"{PASSWORD}\n")
    assert asked(tmp_path, answers, "alice@node1's password: ") == (1, "")
    assert answers.refused == ["alice@node1's password: "]


def test_notice_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    question = "Confirm user presence for key ED25519-SK"
    assert asked(tmp_path, Answers(None, None, False), question, "none")[1] == ""
    assert caplog.messages == [f"node1: {question}"]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("alice@node1's password: ", "P"),
        ("alice@code1's password: ", "P"),
        ("(alice@node1) Password: ", "P"),
        ("(alice@code1) Password: ", "P"),
        ("(alice@node1) Kennwort: ", "P"),
        ("Enter passphrase for key '/home/alice/.ssh/id_rsa': ", "K"),
        ("(alice@node1) Verification code: ", None),
        ("(alice@node1) One-time password (OATH) for `alice': ", None),
        ("Enter PIN for ED25519-SK key /home/alice/.ssh/id_ed25519_sk: ", None),
        ("Enter PIN for 'token': ", None),
        ("Are you sure you want to continue connecting (yes/no/[fingerprint])? ", "yes"),
    ],
)
def test_each_question_has_its_answer(question: str, answer: str | None) -> None:
    assert Answers("P", "K", accepts_new_keys=True).to(question) == answer


def test_strict_accepts_no_key() -> None:
    assert Answers("P", "K", accepts_new_keys=False).to("continue connecting (yes/no/[fingerprint])? ") is None
