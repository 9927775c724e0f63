"""The methods `keyboard-interactive` and `password`: with the given password, or with answers of the user."""

import logging
import re
from collections.abc import Callable, Sequence

from ...util import errors
from ...util.text import printable
from .exchange import Exchange, Question, Reply
from .report import PASSWORD_HINT, Report
from .settings import LoginSettings

log = logging.getLogger(__name__)

# Questions for something else than the password.
OF_A_CODE = r"one.?time|\botp\b|oath|verif|code|token|\bpin\b|yubikey|duo|authenticator|response|option"
OF_A_PASSWORD = r"pass|kennwort|mot de passe|contrase|senha|парол|密码|パスワード"
WHOSE = r"\S+@\S+"  # a name may contain one of these words

EXPIRED = r"required to change your password|password (has |is )?expired|(?:new|current)( unix)? password"

Ask = Callable[[str, bool], str | None]


def asks_for_code(question: str) -> bool:
    """Return whether a question is about a second factor.

    >>> asks_for_code("Verification code: "), asks_for_code("Password for alice@codehost: ")
    (True, False)
    """
    return re.search(OF_A_CODE, re.sub(WHOSE, "", question), re.IGNORECASE) is not None


def asks_for_password(question: str) -> bool:
    """Return whether a question is about the password of the user."""
    return not asks_for_code(question) and re.search(OF_A_PASSWORD, question, re.IGNORECASE) is not None


def is_expired(text: str) -> bool:
    """Return whether PAM of a host wants a new password.

    >>> is_expired("You are required to change your password immediately"), is_expired("Password: ")
    (True, False)
    """
    return re.search(EXPIRED, text, re.IGNORECASE) is not None


class Passwords:
    """The passwords of one login: the given one, and the one typed for this host."""

    def __init__(self, settings: LoginSettings, report: Report, ask: Ask, typed: str | None) -> None:
        self.settings, self.report, self.ask = settings, report, ask
        self.typed = typed
        self.was_refused = False  # the given password

    @property
    def is_given(self) -> bool:
        """Return whether an option has given a password, so that nobody is asked for one."""
        return self.settings.password is not None

    def known(self) -> list[str]:
        """Return the passwords that need no question."""
        return [word for word in (self.settings.password, self.typed) if word is not None]


class KeyboardInteractive:
    """The method `keyboard-interactive`."""

    def __init__(self, exchange: Exchange, passwords: Passwords) -> None:
        self._exchange, self._passwords = exchange, passwords
        self._unused = passwords.known()
        self._count = 0
        self._was_asked = True
        self._answers_password = self._is_expired = False

    def attempt(self) -> Reply | None:
        """Answer the questions of the host. Return None if nobody knows the answers, or after enough attempts."""
        known, settings = self._passwords, self._passwords.settings
        self._count += 1
        if self._count > settings.prompts or not self._was_asked or (settings.is_batch and not known.is_given):
            return None
        self._was_asked = self._answers_password = False
        reply = self._exchange.interactive(self._answers)
        if self._is_expired and not (reply and reply.is_success):
            known.report.note(errors.PASSWORD_EXPIRED)
        elif reply is not None and not reply.is_success and not reply.is_partial and self._was_asked:
            known.report.note("the password was refused" if self._answers_password else "the answers were refused")
            if self._answers_password:
                known.typed = None
        return reply

    def _answers(self, question: Question) -> Sequence[str] | None:
        heading = [line for text in (question.title, question.instructions) for line in text.splitlines() if line]
        self._is_expired |= any(map(is_expired, [*heading, *(text for text, _ in question.prompts)]))
        if not question.prompts:
            for line in heading:
                log.warning("%s: %s", self._passwords.settings.host, printable(line))
            return []
        answers = []
        for text, echo in question.prompts:
            self._was_asked = True
            answer = self._answer(text, echo, heading)
            if answer is None:
                return None
            answers.append(answer)
            heading = []
        return answers

    def _answer(self, text: str, echo: bool, heading: Sequence[str]) -> str | None:
        known, settings = self._passwords, self._passwords.settings
        may_be_password = not echo and not asks_for_code(text)
        is_password = not echo and asks_for_password(text)
        self._answers_password |= is_password
        if may_be_password and self._unused:
            known.was_refused = known.is_given and is_password
            return self._unused.pop(0)
        if is_password and known.is_given:
            return None
        where = f"({settings.user}@{settings.host}) "
        lines = [*heading, text]
        answer = known.ask("\n".join(f"{where}{printable(line)}" for line in lines), echo)
        if answer is None:
            if may_be_password:
                known.report.note("no password given", PASSWORD_HINT)
            else:
                known.report.note(f"no terminal to ask for {text.strip()!r}")
        elif is_password:
            known.typed = answer
        return answer


class Password:
    """The method `password`."""

    def __init__(self, exchange: Exchange, passwords: Passwords) -> None:
        self._exchange, self._passwords = exchange, passwords
        self._unused = passwords.known()
        self._count = 0

    def attempt(self) -> Reply | None:
        """Send a password. Return None if there is none, or after enough attempts."""
        known, settings = self._passwords, self._passwords.settings
        self._count += 1
        if known.was_refused or self._count > settings.prompts:
            return None
        password = self._unused.pop(0) if self._unused else None
        if password is None and not known.is_given:
            again = f" (try {self._count} of {settings.prompts})" if self._count > 1 else ""
            password = known.ask(f"{settings.user}@{settings.host}'s password{again}: ", False)
            known.typed = password
        if password is None:
            if not known.is_given:
                known.report.note("no password given", PASSWORD_HINT)
            return None
        reply = self._exchange.password(password)
        if reply.is_question:
            known.report.note(errors.PASSWORD_EXPIRED)
            return None
        if not reply.is_success and not reply.is_partial:
            known.report.note("the password was refused")
            known.typed = None
        return reply
