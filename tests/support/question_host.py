"""An SSH server that asks questions which PAM of this machine does not ask."""

import socket
import threading
from collections.abc import Sequence

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL
from paramiko.server import InteractiveQuery


class Questions(paramiko.ServerInterface):
    """Let in who gives the right answers. `asked` are pairs of a question and whether to echo the answer."""

    def __init__(self, asked: Sequence[tuple[str, bool]], answers: Sequence[str]) -> None:
        self._asked, self._answers = asked, list(answers)
        self.got: list[list[str]] = []

    def get_allowed_auths(self, username: str) -> str:
        return "keyboard-interactive"

    def check_auth_interactive(self, username: str, submethods: str) -> InteractiveQuery:
        return InteractiveQuery("Two factors", "for this host", *self._asked)

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        self.got.append(list(responses))
        return AUTH_SUCCESSFUL if list(responses) == self._answers else AUTH_FAILED


class QuestionHost:
    """The server, for one connection on a loopback address."""

    def __init__(self, server: Questions) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._server = server
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self._transport = paramiko.Transport(self._listener.accept()[0])
        self._transport.add_server_key(paramiko.ECDSAKey.generate())
        self._transport.start_server(event=threading.Event(), server=self._server)

    def close(self) -> None:
        self._thread.join(5)
        self._transport.close()
        self._listener.close()
