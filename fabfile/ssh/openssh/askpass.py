"""The program that ssh runs to ask for a password (SSH_ASKPASS): it passes the question on to Remote Runner.

Arguments: the socket of the login, and the question. `questions` answers on that socket, which only its user can open.
So a password is neither in the arguments nor in the environment of a process.

This file runs as a program of its own, with the standard library only.
"""

import os
import socket
import sys

SOCKET = "REMOTE_RUNNER_ASKPASS"  # the variable with the path of the socket
REFUSED, ANSWERED = b"-", b"+"


def main(path: str, question: str) -> int:
    """Print the answer. Return the exit status, which is 1 without an answer."""
    kind = os.environ.get("SSH_ASKPASS_PROMPT", "")
    with socket.socket(socket.AF_UNIX) as login:
        login.connect(path)
        login.sendall(os.fsencode(f"{kind}\0{question}"))
        login.shutdown(socket.SHUT_WR)
        answer = b""
        while block := login.recv(1 << 12):
            answer += block
    if not answer.startswith(ANSWERED):
        return 1
    sys.stdout.buffer.write(answer.removeprefix(ANSWERED) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
