"""Answer the questions that ssh asks during a login, such as for a password."""

import contextlib
import logging
import os
import socket
from pathlib import Path

import attrs

from ..login.passwords import asks_for_code
from .askpass import ANSWERED, REFUSED

log = logging.getLogger(__name__)

NOTICE = "none"  # the kind of a question that wants no answer
MOST_IN_A_QUESTION = 1 << 16


@attrs.define
class Answers:
    """The answers for one login. Each question is answered once: a second time, the answer was wrong.

    `refused` are the questions that got no answer.
    """

    password: str | None
    passphrase: str | None
    accepts_new_keys: bool
    refused: list[str] = attrs.field(factory=list)
    _asked: set[str] = attrs.field(factory=set)

    def to(self, question: str) -> str | None:
        """Return the answer, or None to refuse.

        >>> answers = Answers("secret", "of the key", accepts_new_keys=False)
        >>> answers.to("alice@node1's password: "), answers.to("alice@node1's password: ")
        ('secret', None)
        >>> answers.to("Enter passphrase for key '/home/alice/.ssh/id_rsa': ")
        'of the key'
        """
        answer = None if question in self._asked else self._first_answer(question)
        self._asked.add(question)
        if answer is None:
            self.refused.append(question)
        return answer

    def _first_answer(self, question: str) -> str | None:
        if "(yes/no" in question:  # an unknown host key; ssh itself refuses a changed one
            return "yes" if self.accepts_new_keys else None
        if question.startswith("Enter passphrase for"):
            return self.passphrase
        if question.endswith("'s password: "):
            return self.password
        return None if asks_for_code(question) else self.password


class Questions:
    """The socket on which the askpass programs of one login ask, until `close`."""

    def __init__(self, host: str, path: Path, answers: Answers) -> None:
        self._host, self._path, self._answers = host, path, answers
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.bind(str(path))
            self._socket.listen()
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Return a file descriptor that is readable when a question has come."""
        return self._socket.fileno()

    def answer(self, seconds: float) -> None:
        """Answer the next question. Ignore a program that sends nothing for `seconds`."""
        asker, _ = self._socket.accept()
        with asker, contextlib.suppress(OSError):  # ssh may end its program at any time
            asker.settimeout(seconds)
            text = b""
            while len(text) < MOST_IN_A_QUESTION and (block := asker.recv(1 << 12)):
                text += block
            kind, _, question = os.fsdecode(text).partition("\0")
            if kind == NOTICE:
                log.warning("%s: %s", self._host, question.strip())
                return
            answer = self._answers.to(question)
            asker.sendall(REFUSED if answer is None else ANSWERED + os.fsencode(answer))

    def close(self) -> None:
        """Close the socket, and remove it."""
        self._socket.close()
        self._path.unlink(missing_ok=True)
