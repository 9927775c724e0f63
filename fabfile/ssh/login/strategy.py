"""`Login`, the strategy for paramiko: it tries the methods of a host in the order of ssh.

See `authmethod_get` in sshconnect2.c of OpenSSH. Fabric's `OpenSSHAuthStrategy` knows neither IdentitiesOnly nor
certificates, needs every key file to be readable, and ends after a partial success.
"""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import attrs
import paramiko
from fabric import Connection
from paramiko.auth_strategy import AuthResult, AuthSource, AuthStrategy

from ...util import errors
from .exchange import LONG_WAIT, TIRED, Disconnected, Exchange, Expired, Reply
from .public_key import PublicKey
from .report import TOO_MANY, Report
from .settings import LoginSettings, settings_of

if TYPE_CHECKING:
    from .passwords import Passwords


class Method(Protocol):
    """A method of logging in."""

    def attempt(self) -> Reply | None:
        """Send one request. Return the answer, or None if nothing is left to try."""


class Login(AuthStrategy):
    """Log in to one host as ssh does. It keeps a password that the user has typed for this host."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(ssh_config=connection.ssh_config)
        try:
            self.settings = settings_of(connection)
        except ValueError as error:
            raise errors.HostError(str(error)) from error
        self._typed: str | None = None

    def get_sources(self) -> Iterator[AuthSource]:
        """Return nothing. Only `authenticate` of paramiko needs it, and that cannot react to a partial success."""
        return iter(())

    def authenticate(self, transport: paramiko.Transport) -> AuthResult:
        """Log in. Raise LoginRefused, Expired, or an error of the connection."""
        settings = self.settings
        if getattr(transport, "are_passwords_refused", False):  # as in ssh, because the host key has changed
            settings = attrs.evolve(settings, methods=tuple(set(settings.methods) & {"publickey"}))
        attempt = _Attempt(settings, transport, self._typed)
        try:
            attempt.run()
            self._typed = attempt.typed
        finally:
            attempt.publickey.close()
        return AuthResult(self)


class _Attempt:
    """One login on one connection."""

    def __init__(self, settings: LoginSettings, transport: paramiko.Transport, typed: str | None) -> None:
        self._settings, self._typed = settings, typed
        self._exchange = Exchange(transport, settings.user)
        self._report = Report(settings)
        self._began = time.monotonic()
        where = f"{settings.user}@{settings.host}"
        self.publickey = PublicKey(
            settings, self._exchange, self._report, lambda text: self._ask(f"{where}: {text}", False)
        )
        self._methods: dict[str, Method] = {"publickey": self.publickey}
        self._passwords: Passwords | None = None
        self._left: list[str] = []
        self._exhausted: set[str] = set()
        self._asked_none = False

    @property
    def typed(self) -> str | None:
        """Return the password that the user has typed for this host."""
        return self._passwords.typed if self._passwords else self._typed

    def run(self) -> None:
        """Try one method after the other until the host is content. Raise LoginRefused if none is left."""
        try:
            self._exchange.start()
            reply = self._first()
            while not reply.is_success:
                self._choose(reply)
                reply = self._next()
        except Disconnected as error:
            if TOO_MANY in str(error) or self._report.failures:
                raise self._report.too_many() from error
            raise

    def _first(self) -> Reply:
        """Send a key that can sign at once, which saves a round trip, or ask for the methods."""
        if self._settings.methods[:1] == ("publickey",) and self.publickey.is_ready:
            reply = self.publickey.attempt()
            if reply is not None:
                return reply
        return self._none()

    def _none(self) -> Reply:
        self._asked_none = True
        return self._exchange.none()

    def _choose(self, reply: Reply) -> None:
        """Note the methods that can continue. A new list starts again with the preferred method."""
        if reply.is_partial:
            self.publickey.reset()
        offered = reply.methods or self._settings.methods
        if offered != self._report.offered:
            self._report.offered = offered
            self._left = [name for name in self._settings.methods if name in offered]

    def _next(self) -> Reply:
        while self._left:
            name = self._left[0]
            if name not in self._exhausted:
                reply = self._method(name).attempt()
                if reply is not None:
                    return reply
                self._exhausted.add(name)
            self._left.pop(0)
        if not self._asked_none:  # ssh begins with it: the host may let anybody in
            return self._none()
        raise self._report.refusal()

    def _method(self, name: str) -> Method:
        if name not in self._methods:
            from .passwords import KeyboardInteractive, Password, Passwords  # most hosts accept a key

            self._passwords = Passwords(self._settings, self._report, self._ask, self._typed)
            self._methods["keyboard-interactive"] = KeyboardInteractive(self._exchange, self._passwords)
            self._methods["password"] = Password(self._exchange, self._passwords)
        return self._methods[name]

    def _ask(self, question: str, echo: bool) -> str | None:
        """Ask the user. Return None if nobody can answer. Raise Expired if the host has not waited."""
        from . import prompts

        if self._settings.is_batch or not prompts.has_terminal():
            return None
        with prompts.turn():
            self._check_alive()
            waited = time.monotonic() - self._began
            answer = prompts.ask(question, echo, lambda: not self._exchange.is_alive())
            if answer is None and not self._exchange.is_alive() and waited < LONG_WAIT:
                raise Disconnected(TIRED)
            self._check_alive()
            return answer

    def _check_alive(self) -> None:
        if not self._exchange.is_alive():
            raise Expired(TIRED)
