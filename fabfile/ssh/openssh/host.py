"""A host that is reached by the program ssh: an ssh process holds the connection, and each script is a session over it.

`OpenSshHost` implements the protocol `Host` of `remote.host`, as `ssh_host` does with paramiko. ssh reads its own
config, so it obeys every setting. `choice` says when it is used.
"""

import contextlib
import errno
import itertools
import logging
import math
import os
import random
import select
import subprocess
import threading
import time

import attrs
from fabric import Connection

from ...remote import shell
from ...remote.host import KILLED, Channel
from ...util import errors, limits
from ...util.clock import Clock
from ..config.environment import send_env, sent_variables
from ..config.read_values import flag
from ..connection import (
    DROPPED,
    MOST_SECONDS_APART,
    MOST_SECONDS_APART_DROPPED,
    RETRIES_OF_DROPPED,
)
from ..ssh_host import PAUSES
from ..trust.rule import STRICT
from . import mux
from .choice import reason_for_openssh
from .command import master_command
from .master import LoginAttempt, LoginFailed, Master
from .problems import Problem
from .process import OpenSsh
from .questions import Answers, LoginExpired

log = logging.getLogger(__name__)

BLOCK = 1 << 16
LOST_SECONDS = 1  # in which ssh ends after it has lost its connection
STEPS = 4  # of a login, each with its own timeout, as in `connection`


@attrs.define(eq=False)
class OpenSshHost:
    """A host that is reached through one connection of ssh, which opens at its first use.

    `_connection` has the resolved settings, and is not open.
    """

    name: str
    _connection: Connection
    _retries: int
    most_silent: float
    group: int
    clock: Clock
    _openssh: OpenSsh
    identity: bytes | None = None
    _master: Master | None = None
    _opening: threading.Lock = attrs.field(factory=threading.Lock)

    @property
    def login(self) -> tuple[str, str, int, str]:
        """Return the user, host, port and gateway, which identify the login."""
        return (self._connection.user, self._connection.host, self._connection.port, repr(self._connection.gateway))

    def connect(self) -> None:
        """Open the connection; see `Host`."""
        self._opened()

    def run(self, command: str) -> Channel:
        """Open the connection if necessary, and a session over it; see `Host`."""
        master = self._opened()
        try:
            return _MuxChannel(self._open_session(master, command), master)
        except TimeoutError as error:
            seconds = self._seconds("channel_timeout")
            problem = (
                f"timed out: the login worked, but no command ran within {seconds:g} s; check the load of the host"
            )
            raise errors.HostError(problem) from error
        except OSError as error:
            master.close()  # it may need a moment to end, and the next call must connect again
            raise errors.ConnectionLost("the connection was lost") from error

    def _open_session(self, master: Master, command: str) -> mux.Session:
        """Return a new session. Raise HostError if sshd refuses it again and again; see PAUSES."""
        agent, seconds = bool(self._connection.forward_agent), self._seconds("channel_timeout")
        variables = sent_variables(self._connection.ssh_config)
        for pause in PAUSES:
            with contextlib.suppress(mux.SessionRefused):
                return mux.open_session(master.control, command, variables, agent, seconds)
            time.sleep(pause)
        raise errors.HostError("refused a session on the open connection; check MaxSessions in sshd_config of the host")

    def hand_over_terminal(self, command: str) -> int:
        """Run `command` in a terminal on the host, and let ssh connect the local terminal to it; see `Host`."""
        master = self._opened()
        # ssh would open a connection of its own if that of the master was gone.
        words = ["ssh", "-F", "none", "-o", "ProxyCommand=exit 1", "-o", "EscapeChar=none", "-q", "-t"]
        for pattern in send_env(self._connection.ssh_config):
            words += ["-o", f"SendEnv={pattern}"]
        words += ["-A"] if self._connection.forward_agent else []
        line = f"exec sh -c {shell.quote(command)}"
        status = subprocess.run(
            [*words, "-S", str(master.control), "--", self._connection.original_host, line]
        ).returncode
        if status == 255 and master.process.ends_within(LOST_SECONDS):
            raise errors.ConnectionLost("the connection was lost")
        return status

    def close(self) -> None:
        """Close the connection; see `Host`."""
        if self._master:
            self._master.close()

    def _opened(self) -> Master:
        """Return the process that holds the connection. Open it if necessary, with retries as in `open_connection`."""
        with self._opening:  # an abandoned thread may still be connecting
            if self._master and self._master.process.is_running:
                return self._master
            self.close()
            for attempt in itertools.count():
                try:
                    self._master = self._attempt()
                    return self._master
                except LoginFailed as error:
                    problem = error.problem
                    most = max(self._retries, RETRIES_OF_DROPPED) if problem.was_dropped else self._retries
                    if attempt >= most or problem.is_final:
                        raise errors.HostError(self._explained(problem)) from error
                    log.debug("%s: %s; retrying", self.name, error)
                    longest = MOST_SECONDS_APART_DROPPED if problem.was_dropped else MOST_SECONDS_APART
                    time.sleep(random.uniform(0, min(2**attempt / 2, longest)))
        raise AssertionError  # the loop has no end

    def _explained(self, problem: Problem) -> str:
        """Return the problem, and the setting that only ssh obeys if the host refused the login."""
        if problem.was_dropped:
            return f"{self._where}: {DROPPED}"
        reason = reason_for_openssh(self._connection) if problem.text.startswith("permission denied") else ""
        return f"{problem.text}; ssh connected because of {reason}" if reason else problem.text

    def _attempt(self) -> Master:
        """Log in, and again if the host did not wait until it was its turn to ask the user."""
        while True:
            with contextlib.suppress(LoginExpired):
                return self._login()

    def _login(self) -> Master:
        """Log in once."""
        connection, control, mode = self._connection, self._openssh.new_control(), self._openssh.host_keys
        given = connection.connect_kwargs
        password = given.get("password")
        answers = Answers(
            password,
            given.get("passphrase") or password,
            accepts_new_keys=mode != STRICT,
            may_ask=not flag(connection.ssh_config, "BatchMode", usual=False),
            typed=self._openssh.typed,
        )
        seconds = self._seconds("timeout") * STEPS
        attempt = LoginAttempt(self.name, self._where, connection.user, answers, seconds)
        return attempt.open(self._openssh, control, master_command(connection, control, mode))

    @property
    def _where(self) -> str:
        return f"{self._connection.host} port {self._connection.port}"

    def _seconds(self, step: str) -> float:
        seconds: float = self._connection.connect_kwargs.get(step, limits.CONNECT_SECONDS)
        return seconds


class _MuxChannel:
    """Both directions of a session."""

    def __init__(self, session: mux.Session, master: Master) -> None:
        self._session, self._master = session, master
        self._stdin = os.fdopen(session.stdin, "wb", buffering=0)
        self._stdout = os.fdopen(session.stdout, "rb", buffering=0)
        self._stderr = os.fdopen(session.stderr, "rb", buffering=0)
        os.set_blocking(session.stdin, False)
        self._patience: float = math.inf
        self._sending = threading.Lock()  # another thread may call close() at any time
        self._ending = threading.Lock()

    def set_patience(self, seconds: float) -> None:
        self._patience = seconds

    def send(self, data: bytes) -> None:
        rest = memoryview(data)
        with self._sending:
            if self._stdin.closed:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
            writable = select.poll()
            writable.register(self._stdin, select.POLLOUT)
            while rest:
                written = self._stdin.write(rest)
                rest = rest[written or 0 :]
                if rest and not writable.poll(None if self._patience == math.inf else self._patience * 1000):
                    raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))

    def receive(self) -> bytes:
        block = os.read(self._stdout.fileno(), BLOCK)
        if not block:
            self._stdout.close()
        return block

    def end(self) -> tuple[str, int | None]:
        with self._ending:
            if self._stderr.closed:
                return "", None
            status = self._session.exit_status(limits.STATUS_SECONDS)
            if status is None and self._master.process.ends_within(LOST_SECONDS):
                return "", None  # earlier stderr does not explain a lost connection
            return self._said().decode(errors="replace"), KILLED if status is None else status

    def _said(self) -> bytes:
        """Return the last bytes of stderr that have come."""
        said, count = b"", 0
        has_come = select.poll()
        has_come.register(self._stderr, select.POLLIN)
        while count < limits.MOST_STDERR and has_come.poll(0):
            block = os.read(self._stderr.fileno(), BLOCK)
            if not block:
                break
            count += len(block)
            said = (said + block)[-limits.MOST_SAID :]
        return said

    def close(self, is_over: bool) -> None:
        self._session.hang_up()  # ends a send() that waits
        with self._sending:
            self._stdin.close()
        with self._ending:
            self._session.close_control()
            self._stderr.close()
