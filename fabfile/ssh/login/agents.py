"""A connection to an ssh-agent: its keys, and signatures by them. See draft-miller-ssh-agent of the IETF.

Each login has a connection of its own, as in ssh. paramiko's `Agent` knows no socket but that of SSH_AUTH_SOCK, and
cannot sign with the certificate of an RSA key.
"""

import socket
import struct

import attrs
from paramiko import Message

from ...util import limits
from .keys import KeyUnusable

REQUEST_IDENTITIES, IDENTITIES_ANSWER = 11, 12
SIGN_REQUEST, SIGN_RESPONSE = 13, 14
EXTENSION = 27
FLAGS = {"rsa-sha2-256": 2, "rsa-sha2-512": 4}


class AgentError(KeyUnusable):
    """The agent does not answer, or refuses to sign."""


@attrs.frozen
class AgentKey:
    """A key or certificate in an agent."""

    blob: bytes
    comment: str


class Agent:
    """A connection to the agent at the socket `path`. The constructor raises OSError if none answers there."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(limits.CONNECT_SECONDS)
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise

    def keys(self) -> list[AgentKey]:
        """Return the keys in the agent, in its order. Raise AgentError if it does not list them."""
        answer = self._ask(bytes([REQUEST_IDENTITIES]), IDENTITIES_ANSWER)
        count = answer.get_int()
        if count > limits.MOST_IN_AN_AGENT:
            raise AgentError("the agent does not speak the protocol")
        return [AgentKey(answer.get_binary(), answer.get_binary().decode(errors="replace")) for _ in range(count)]

    def bind(self, host_key: bytes, session_id: bytes, signature: bytes) -> None:
        """Tell the agent to which host it signs, as ssh does. Keys that `ssh-add -h` has limited to a host need it."""
        request = Message(bytes([EXTENSION]))
        request.packet.seek(0, 2)
        for part in (b"session-bind@openssh.com", host_key, session_id, signature):
            request.add_string(part)
        request.add_boolean(False)  # the agent is not forwarded
        self._exchange(request.asbytes())  # another agent may answer that it does not know this

    def sign(self, blob: bytes, data: bytes, algorithm: str) -> bytes:
        """Return the signature by a key. Raise AgentError if the agent refuses.

        There is no time limit, because somebody may have to touch a device or to confirm.
        """
        request = Message(bytes([SIGN_REQUEST]))
        request.packet.seek(0, 2)
        request.add_string(blob)
        request.add_string(data)
        request.add_int(FLAGS.get(algorithm.partition("-cert-")[0], 0))
        self._socket.settimeout(None)
        return self._ask(request.asbytes(), SIGN_RESPONSE).get_binary()

    def _ask(self, request: bytes, expected: int) -> Message:
        answer = self._exchange(request)
        if answer[:1] != bytes([expected]):
            raise AgentError("the agent refused")
        return Message(answer[1:])

    def _exchange(self, request: bytes) -> bytes:
        try:
            self._socket.sendall(struct.pack(">I", len(request)) + request)
            length = struct.unpack(">I", self._read(4))[0]
            if length > limits.MOST_OF_AN_AGENT:
                raise AgentError("the agent does not speak the protocol")
            return self._read(length)
        except OSError as error:
            raise AgentError("the agent does not answer") from error

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            block = self._socket.recv(count - len(data))
            if not block:
                raise AgentError("the agent has closed the connection")
            data += block
        return data

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
