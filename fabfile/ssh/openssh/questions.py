"""Answer the questions that ssh asks during a login, such as for a password."""

import contextlib
import logging
import os
import socket
import time
from pathlib import Path

import attrs

from ...util.errors import HostError
from ..login import prompts
from ..login.exchange import TIRED
from ..login.passwords import asks_for_code
from .askpass import ANSWERED, REFUSED

log = logging.getLogger(__name__)

NOTICE, CONFIRM = "none", "confirm"  # kinds of questions that want no answer, or a permission
LONGEST_WAIT = 20  # seconds for which a host surely waits for an answer (LoginGraceTime)
CONTINUE, PASSPHRASE = "(yes/no", "Enter passphrase for"
MOST_IN_A_QUESTION = 1 << 16


class LoginExpired(HostError):
    """The host may be tired of waiting for an answer. The login starts again at once."""


@attrs.define
class Answers:
    """The answers for one login: given ones, and those of the person at the terminal if `may_ask`.

    A given answer counts once: a second time, it was wrong. `typed` holds the passphrases that were typed for any host.
    `refused` are the questions that got no answer.
    """

    password: str | None
    passphrase: str | None
    accepts_new_keys: bool
    may_ask: bool = False
    typed: dict[str, str] = attrs.field(factory=dict, repr=False)
    refused: list[str] = attrs.field(factory=list)
    _were_typed: bool = False
    _last: dict[str, str | None] = attrs.field(factory=dict, repr=False)  # the last answer to each question

    @property
    def were_typed(self) -> bool:
        """Return whether somebody has typed an answer during this login."""
        return self._were_typed

    def to(self, question: str) -> str | None:
        """Return the answer, or None to refuse. Raise LoginExpired if other questions took long.

        >>> answers = Answers("secret", "of the key", accepts_new_keys=False)
        >>> answers.to("alice@node1's password: "), answers.to("alice@node1's password: ")
        ('secret', None)
        >>> answers.to("Enter passphrase for key '/home/alice/.ssh/id_rsa': ")
        'of the key'
        """
        given = self._given(question)
        answer = None if question in self._last else given
        if given is None and self.may_ask and CONTINUE not in question:
            answer = self._typed(question)
        self._last[question] = answer
        if answer is None:
            self.refused.append(question)
        return answer

    def _given(self, question: str) -> str | None:
        if CONTINUE in question:  # an unknown host key; ssh itself refuses a changed one
            return "yes" if self.accepts_new_keys else None
        if question.startswith(PASSPHRASE):
            return self.passphrase
        return None if asks_for_code(question) else self.password

    def _typed(self, question: str) -> str | None:
        """Ask the user, for a passphrase once for all hosts."""
        began = time.monotonic()
        with prompts.turn():
            if time.monotonic() - began > LONGEST_WAIT:
                raise LoginExpired(TIRED)
            known = self.typed.get(question)
            if known is not None and known != self._last.get(question):
                return known
            answer = prompts.ask(question, echo=False)
            self._were_typed |= answer is not None
            if answer is not None and question.startswith(PASSPHRASE):
                self.typed[question] = answer
            return answer


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
        """Answer the next question. Ignore a program that sends nothing for `seconds`. Raise LoginExpired."""
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
            answer = None if kind == CONFIRM else self._answers.to(question)
            asker.sendall(REFUSED if answer is None else ANSWERED + os.fsencode(answer))

    def close(self) -> None:
        """Close the socket, and remove it."""
        self._socket.close()
        self._path.unlink(missing_ok=True)
