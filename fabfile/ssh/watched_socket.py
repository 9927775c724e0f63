"""The byte stream below an SSH transport: without needless delays, and with limits on the peer."""

import errno
import math
import socket
import time
from typing import Any

from ..util.limits import MOST_BEFORE_LOGIN, UNACKNOWLEDGED_MS


class WatchedSocket:
    """The byte stream of a transport, without needless delays, and with limits on the peer.

    The stream is a socket, the channel of a gateway, or a ProxyCommand.

    Delays: the kernel holds back a small packet until the peer has acknowledged the previous one. The peer delays its
    acknowledgement by 40 ms. This would happen four times before the first command runs. TCP_NODELAY prevents it for
    our packets. sshd sets TCP_NODELAY late, so `recv` acknowledges the packets of sshd at once.

    Limits: a peer that sends nothing for `most_silent` seconds is gone. A peer that sends more than `most_received`
    bytes does not speak SSH. Both raise OSError.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self.is_socket = isinstance(sock, socket.socket)
        self._heard = time.monotonic()
        self.most_silent = math.inf
        self.most_received: float = MOST_BEFORE_LOGIN
        if self.is_socket:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)

    def recv(self, size: int) -> bytes:
        """Receive like `socket.recv`, and acknowledge the data at once."""
        try:
            data: bytes = self._sock.recv(size)
        except TimeoutError:
            self._check_silence()
            raise
        self._heard = time.monotonic()
        self.most_received -= len(data)
        if self.most_received < 0:
            raise OSError(errno.EPROTO, "too much data before the login; not an SSH server")
        if self.is_socket:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # not permanent, see tcp(7)
        return data

    def send(self, data: bytes) -> int:
        """Send like `socket.send`."""
        try:
            return int(self._sock.send(data))
        except TimeoutError:
            self._check_silence()
            raise

    def _check_silence(self) -> None:
        # Called ten times a second, because paramiko gives the socket a timeout of 0.1 s.
        silent = time.monotonic() - self._heard
        if silent > self.most_silent:
            raise OSError(errno.ECONNABORTED, f"timed out: no data for {silent:.0f} s")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
