"""The messages of a login: RFC 4252 and RFC 4256.

paramiko's own handler signs with each key before it asks whether the host accepts that key, raises errors of keys in
ways that end the connection, and calls for answers in the thread that reads from the host.
"""

import queue
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import paramiko
from paramiko import Message
from paramiko.common import (
    MSG_SERVICE_ACCEPT,
    MSG_USERAUTH_BANNER,
    MSG_USERAUTH_FAILURE,
    MSG_USERAUTH_INFO_REQUEST,
    MSG_USERAUTH_SUCCESS,
    cMSG_SERVICE_REQUEST,
    cMSG_USERAUTH_INFO_RESPONSE,
    cMSG_USERAUTH_REQUEST,
)

from ...util import limits
from ..paramiko_patches import finish_login, send

if TYPE_CHECKING:
    from .agents import Agent

# The number has a meaning of its own in each method: the key is accepted, the password has expired, or a question.
MSG_60 = MSG_USERAUTH_INFO_REQUEST
SERVICE = "ssh-connection"
CLOSED = object()
LONG_WAIT = 5  # seconds after which a host may be tired of waiting for an answer (LoginGraceTime)
TIRED = "the host closed the connection while it waited for an answer (LoginGraceTime)"


class Disconnected(paramiko.SSHException):
    """The host has closed the connection during the login."""


class Expired(paramiko.SSHException):
    """The host has closed the connection while other questions were asked. The login may start again at once."""


class Reply(NamedTuple):
    """The answer of the host: the login is done, or the methods that can continue, and whether the last one worked.

    `is_question` is an answer in between: the host accepts the key, or a password has expired.
    """

    is_success: bool = False
    is_partial: bool = False
    is_question: bool = False
    methods: tuple[str, ...] = ()


class Question(NamedTuple):
    """Questions of the host in keyboard-interactive: a heading, instructions, and prompts with whether to echo."""

    title: str
    instructions: str
    prompts: tuple[tuple[str, bool], ...]


Answers = Callable[[Question], Sequence[str] | None]


class Exchange:
    """One login on a transport. It takes the place of paramiko's `AuthHandler`, whose public methods it has."""

    def __init__(self, transport: paramiko.Transport, user: str) -> None:
        self._transport = weakref.proxy(transport)
        self._user = user
        self._inbox: queue.SimpleQueue[tuple[object, Message]] = queue.SimpleQueue()
        self._is_authenticated = False
        self.banner: bytes | None = None
        self._handler_table = {
            MSG_SERVICE_ACCEPT: lambda message: self._inbox.put((MSG_SERVICE_ACCEPT, message)),
            MSG_USERAUTH_SUCCESS: self._succeeded,
            MSG_USERAUTH_FAILURE: lambda message: self._inbox.put((MSG_USERAUTH_FAILURE, message)),
            MSG_USERAUTH_BANNER: self._keep_banner,
            MSG_60: lambda message: self._inbox.put((MSG_60, message)),
        }
        transport.auth_handler = self  # type: ignore[assignment]  # it calls only the methods of this class

    # -- for paramiko, in the thread that reads from the host

    def is_authenticated(self) -> bool:
        """Return whether the login is done."""
        return self._is_authenticated

    def get_username(self) -> str:
        """Return the user."""
        return self._user

    def abort(self) -> None:
        """Wake up the thread of the login, because the connection is closed."""
        self._inbox.put((CLOSED, Message()))

    def _succeeded(self, message: Message) -> None:
        self._is_authenticated = True
        finish_login(self._transport)  # before the next packet, which may be compressed
        self._inbox.put((MSG_USERAUTH_SUCCESS, message))

    def _keep_banner(self, message: Message) -> None:
        self.banner = (self.banner or b"") + message.get_binary()[: limits.MOST_SAID]
        self.banner = self.banner[-limits.MOST_SAID :]

    # -- for the login

    def start(self) -> None:
        """Ask for the service that logs in."""
        if not self._transport.is_active():
            self.abort()  # its thread may have ended before it knew of this object
        request = Message()
        request.add_byte(cMSG_SERVICE_REQUEST)
        request.add_string("ssh-userauth")
        self._send(request)
        self._receive(MSG_SERVICE_ACCEPT, self._transport.auth_timeout)

    def server_algorithms(self) -> tuple[str, ...] | None:
        """Return the signature algorithms that the host accepts, or None if it does not say so. See RFC 8308."""
        text = self._transport.server_extensions.get("server-sig-algs")
        return tuple(text.decode(errors="replace").split(",")) if text else None

    def bind(self, agent: "Agent") -> None:
        """Tell an agent which host the signatures of this login are for."""
        proof = getattr(self._transport, "host_key_proof", None)
        if proof is not None:
            agent.bind(proof[0], self._transport.session_id, proof[1])

    def none(self) -> Reply:
        """Ask for the methods. A host may also let anybody in."""
        self._send(self._request("none"))
        return self._reply()

    def query(self, algorithm: str, public: bytes) -> Reply:
        """Ask whether the host accepts a key."""
        self._send(self._key_request(algorithm, public, is_signed=False))
        return self._reply()

    def publickey(self, algorithm: str, public: bytes, sign: Callable[[bytes, str], bytes]) -> Reply:
        """Log in with a key. Errors of `sign` pass, and the next attempt may follow."""
        request = self._key_request(algorithm, public, is_signed=True)
        signed = Message()
        signed.add_string(self._transport.session_id)
        signature = sign(signed.asbytes() + request.asbytes(), algorithm)
        request.add_string(signature)
        self._send(request)
        return self._reply()

    def password(self, password: str) -> Reply:
        """Log in with a password."""
        request = self._request("password")
        request.add_boolean(False)
        request.add_string(password.encode("utf-8", "surrogateescape"))
        self._send(request)
        return self._reply()

    def interactive(self, answers: Answers) -> Reply | None:
        """Log in with answers to the questions of the host. Return None if `answers` does not know them.

        The host may wait until somebody confirms on a phone.
        """
        request = self._request("keyboard-interactive")
        request.add_string("")
        request.add_string("")
        self._send(request)
        while True:
            kind, message = self._receive(None, limits.CONFIRM_SECONDS)
            if kind != MSG_60:
                return _reply(kind, message)
            given = answers(_question(message))
            if given is None:
                return None
            response = Message()
            response.add_byte(cMSG_USERAUTH_INFO_RESPONSE)
            response.add_int(len(given))
            for each in given:
                response.add_string(each.encode("utf-8", "surrogateescape"))
            self._send(response)

    def is_alive(self) -> bool:
        """Return whether the host is still connected."""
        return bool(self._transport.is_active())

    def _request(self, method: str) -> Message:
        request = Message()
        request.add_byte(cMSG_USERAUTH_REQUEST)
        for text in (self._user, SERVICE, method):
            request.add_string(text)
        return request

    def _key_request(self, algorithm: str, public: bytes, is_signed: bool) -> Message:
        request = self._request("publickey")
        request.add_boolean(is_signed)
        request.add_string(algorithm)
        request.add_string(public)
        return request

    def _send(self, message: Message) -> None:
        try:
            send(self._transport, message)
        except (OSError, EOFError):
            self.abort()  # the answer to read is the end of the connection

    def _reply(self) -> Reply:
        return _reply(*self._receive(None, self._transport.auth_timeout))

    def _receive(self, expected: object, seconds: float | None) -> tuple[object, Message]:
        """Return the next message. Raise TimeoutError, or Disconnected with the reason of the host."""
        try:
            kind, message = self._inbox.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError("timed out during the login") from None
        if kind is CLOSED:
            error = self._transport.get_exception()
            if isinstance(error, paramiko.SSHException):
                raise error
            raise Disconnected(getattr(self._transport, "farewell", "")) from error
        if expected is not None and kind != expected:
            raise paramiko.SSHException(f"unexpected message {kind} during the login")
        return kind, message


def _reply(kind: object, message: Message) -> Reply:
    if kind == MSG_USERAUTH_SUCCESS:
        return Reply(is_success=True)
    if kind == MSG_60:
        return Reply(is_question=True)
    if kind != MSG_USERAUTH_FAILURE:
        raise paramiko.SSHException(f"unexpected message {kind} during the login")
    methods = tuple(name for name in message.get_text().split(",") if name)
    return Reply(methods=methods, is_partial=message.get_boolean())


def _question(message: Message) -> Question:
    title, instructions = message.get_text(), message.get_text()
    message.get_binary()  # a language
    count = min(message.get_int(), limits.MOST_PROMPTS)
    prompts = tuple((message.get_text(), message.get_boolean()) for _ in range(count))
    return Question(title, instructions, prompts)
