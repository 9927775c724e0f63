"""Open sessions over the control socket of an ssh process.

The protocol is that of `ssh -S`. PROTOCOL.mux in the source of OpenSSH defines it, and version 4 has been the only one
since 2010. Compared with a process of `ssh -S` for each session, this needs a tenth of the time. It also reports a
refused session as such, where `ssh -S` would open a connection of its own.
"""

import contextlib
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

HELLO, VERSION = 0x1, 4
NEW_SESSION = 0x10000002
PERMISSION_DENIED, FAILURE, EXIT_MESSAGE, SESSION_OPENED = 0x80000002, 0x80000003, 0x80000004, 0x80000006
REQUEST = 1  # the number of our only request on a control connection
NO_ESCAPE = 0xFFFFFFFF
MOST_IN_A_PACKET = 1 << 18  # as in OpenSSH


class SessionRefused(Exception):
    """The host, or ssh itself, refused a session on an open connection."""


@attrs.define(eq=False)
class Session:
    """A command that runs on the host, and our ends of its standard streams."""

    _control: socket.socket
    stdin: int
    stdout: int
    stderr: int

    def exit_status(self, seconds: float) -> int | None:
        """Wait until the command ends; return its status. None: killed, lost, or still running after `seconds`."""
        self._control.settimeout(seconds)
        with contextlib.suppress(OSError):
            while packet := _receive(self._control):
                kind, _, *values = _numbers(packet)
                if kind == EXIT_MESSAGE:
                    return values[0]
        return None

    def hang_up(self) -> None:
        """End the session. ssh then closes its ends of the streams, which wakes threads that wait for them."""
        with contextlib.suppress(OSError):  # ssh has ended
            self._control.shutdown(socket.SHUT_RDWR)

    def close_control(self) -> None:
        """Close the control connection."""
        self._control.close()


def open_session(
    path: Path, command: str, variables: Mapping[str, str], forwards_agent: bool, seconds: float
) -> Session:
    """Run `command` on the host over the control socket at `path`. `variables` are those of SendEnv.

    Raise SessionRefused, TimeoutError after `seconds` without an answer, or OSError if ssh has ended.
    """
    with contextlib.ExitStack() as stack:
        control = stack.enter_context(socket.socket(socket.AF_UNIX))
        control.settimeout(seconds)
        control.connect(str(path))
        _send(control, struct.pack(">II", HELLO, VERSION))
        if _numbers(_receive(control))[:2] != [HELLO, VERSION]:
            raise SessionRefused("invalid answer on the control socket of ssh")
        with _streams() as (remote, local):
            _send(control, _request(command, variables, forwards_agent))
            for stream in remote:
                socket.send_fds(control, [b"\0"], [stream])
            _check_answer(_receive(control))
            stack.pop_all()
            return Session(control, *(os.dup(stream) for stream in local))


def _request(command: str, variables: Mapping[str, str], forwards_agent: bool) -> bytes:
    """Return the packet that requests a session without a terminal and without X11."""
    reserved = terminal = _string("")
    flags = struct.pack(">5I", 0, 0, int(forwards_agent), 0, NO_ESCAPE)
    environment = b"".join(_string(f"{name}={value}") for name, value in variables.items())
    return struct.pack(">II", NEW_SESSION, REQUEST) + reserved + flags + terminal + _string(command) + environment


def _check_answer(packet: bytes) -> None:
    """Raise SessionRefused with the reason, unless the session has been opened."""
    if not packet:
        raise ConnectionResetError("ssh has ended")
    kind = _numbers(packet)[0]
    if kind in (PERMISSION_DENIED, FAILURE):
        raise SessionRefused(packet[12:].decode(errors="replace"))
    if kind != SESSION_OPENED:
        raise SessionRefused("invalid answer on the control socket of ssh")


@contextlib.contextmanager
def _streams() -> Iterator[tuple[list[int], list[int]]]:
    """Yield the ends of stdin, stdout and stderr for ssh, and our ends; close all of them at the end."""
    opened: list[int] = []
    try:
        for _ in range(3):
            opened += os.pipe()
        stdin, to_stdin, from_stdout, stdout, from_stderr, stderr = opened
        yield [stdin, stdout, stderr], [to_stdin, from_stdout, from_stderr]
    finally:
        for stream in opened:
            os.close(stream)


def _send(control: socket.socket, payload: bytes) -> None:
    control.sendall(struct.pack(">I", len(payload)) + payload)


def _receive(control: socket.socket) -> bytes:
    """Return the next packet; nothing at the end. Raise OSError."""
    size = _exactly(control, 4)
    if not size:
        return b""
    length = int.from_bytes(size, "big")
    if not 4 <= length <= MOST_IN_A_PACKET:
        raise ConnectionError(f"invalid packet of {length} bytes on the control socket of ssh")
    return _exactly(control, length)


def _exactly(control: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        block = control.recv(size - len(data))
        if not block:
            return b""
        data += block
    return data


def _numbers(packet: bytes) -> list[int]:
    """Return the whole packet as numbers of 32 bits each, without the rest."""
    return list(struct.unpack_from(f">{len(packet) // 4}I", packet))


def _string(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    return struct.pack(">I", len(data)) + data
