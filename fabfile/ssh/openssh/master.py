"""The ssh process that holds the connection to one host (`ssh -M -N`), from its login to its end."""

import contextlib
import logging
import os
import select
import time
from collections.abc import Sequence
from pathlib import Path

import attrs

from ...util import errors
from ..login.exchange import TIRED
from .problems import AUTHENTICATED, CLOSED, Problem, added_keys, problem
from .process import OpenSsh, SshProcess
from .questions import Answers, LoginExpired, Questions

log = logging.getLogger(__name__)

BLOCK = 1 << 16
MOST_SAID = 1 << 16  # bytes at the end of what ssh has said before the login
POLL_SECONDS = 0.1
SOCKET_SECONDS = 0.002  # between two looks for the control socket, which ssh creates soon after the login
END_SECONDS = 1


class LoginFailed(errors.HostError):
    """ssh could not log in."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


@attrs.define(eq=False)
class Master:
    """An ssh process with an open connection, and its control socket. The process ends with the connection."""

    control: Path
    process: SshProcess
    _stderr: int  # it stays open, because a write to a closed pipe would end some programs of ProxyCommand

    def close(self) -> None:
        """Close the connection. The order matters: a program must not find its stderr closed."""
        self.process.close()
        if self._stderr >= 0:
            os.close(self._stderr)
            self._stderr = -1


@attrs.define(eq=False)
class LoginAttempt:
    """One attempt to log in to `host` within `seconds`. `where` and `user` are for messages."""

    host: str
    where: str
    user: str
    answers: Answers
    seconds: float
    _said: bytes = b""

    def open(self, openssh: OpenSsh, control: Path, command: Sequence[str]) -> Master:
        """Run `command`, answer its questions, and return when its connection is open.

        The command is one of ssh that creates the socket `control`. Raise HostError.
        """
        asking = Path(f"{control}.ask")
        with contextlib.closing(Questions(self.host, asking, self.answers)) as questions:
            stderr, write = os.pipe()
            os.set_blocking(write, False)  # ssh drops messages that nobody reads, and never waits
            with os.fdopen(write, "wb"):
                master = Master(control, openssh.start(command, control, asking, write), stderr)
            try:
                self._wait(master, stderr, questions)
            except BaseException:
                master.close()
                raise
        for key in added_keys(self._said):
            log.warning("%s: added new host key %s to known_hosts", self.host, key)
        return master

    def _wait(self, master: Master, stderr: int, questions: Questions) -> None:
        """Answer questions until the control socket exists. Raise HostError if ssh ends, or is too slow."""
        poll = select.poll()
        poll.register(stderr, select.POLLIN)
        poll.register(questions, select.POLLIN)
        deadline = time.monotonic() + self.seconds
        while not os.path.exists(master.control):  # noqa: PTH110 - called very often
            is_in = AUTHENTICATED.search(self._said)
            ready = [number for number, _ in poll.poll(1000 * (SOCKET_SECONDS if is_in else POLL_SECONDS))]
            if stderr in ready and not self._read(stderr):
                poll.unregister(stderr)
                master.process.ends_within(END_SECONDS)
            if questions.fileno() in ready:
                began = time.monotonic()
                questions.answer(self.seconds)
                deadline += time.monotonic() - began  # a person may have typed
            if not master.process.is_running:
                raise self._failed(master, poll, stderr)
            if time.monotonic() > deadline:
                raise errors.HostError(f"{self.where}: timed out during the login; check the load of the host")

    def _failed(self, master: Master, poll: select.poll, stderr: int) -> errors.HostError:
        """Return the error after the end of ssh."""
        while stderr in dict(poll.poll(0)) and self._read(stderr):
            pass
        if master.process.is_missing:
            return errors.HostError("the program ssh is missing on this machine; install openssh-client")
        if self.answers.were_typed and CLOSED.search(self._said):
            return LoginExpired(TIRED)
        return LoginFailed(problem(self._said, self.where, self.user, self.answers.refused))

    def _read(self, stderr: int) -> bool:
        """Read what ssh has said; return whether it may say more."""
        block = os.read(stderr, BLOCK)
        self._said = (self._said + block)[-MOST_SAID:]
        return bool(block)
