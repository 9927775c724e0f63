"""Hosts that answer without end: abandoned within bounded memory."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.support.commands import running
from tests.support.config_texts import IN_WORK as CONFIG
from tests.support.lab import Lab
from tests.support.memory import fab_within_memory
from tests.support.odd_hosts import GREETING, odd_host
from tests.support.soak import often


@pytest.mark.parametrize(
    "command",
    often(
        ["yes", f"{GREETING}; yes answer | tr '\\n' '\\000'"],
        ["yes | tr '\\n' '\\000'", f"{GREETING}; yes", f"{GREETING}; cat /dev/zero"],
    ),
)
def test_endless_answer_abandons_host(lab: Lab, command: str) -> None:
    odd_host(lab, "odd", command)
    lab.config(CONFIG + "add('a', 'odd')\nadd('b', 'node1')")
    done = fab_within_memory(lab, "run", "-c", "cfg.py", "--keep-going")
    assert done.returncode == 1
    problem = (
        "invalid answer: too much data; " if GREETING in command else "the login shell, bash, printed more than 1 MB "
    )
    assert done.stderr.startswith(f"odd: connect: {problem}"), done.stderr
    assert "Traceback" not in done.stderr
    assert lab.node1.sessions() == ["runner"]


@pytest.mark.paramiko
@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"x" * 65536, ": no SSH server answers; check the port"),
        (b"SSH-2.0-OpenSSH_9.2\r\n" + b"\x7f\xff\xff\xf4" * 16384, ": invalid ssh packet of 2,147,483,632 bytes"),
        (b"SSH-2.0-" + b"\x1b]0;evil\x07" * 1000 + b"\r\n", ""),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ": no SSH server answers; check the port"),
    ],
)
def test_server_without_ssh_is_abandoned(lab: Lab, said: bytes, why: str) -> None:
    with endless_server(said) as port:
        with lab.farm.ssh_config.open("a") as config:
            config.write(f"Host odd\n    HostName 127.0.0.1\n    Port {port}\n")
        lab.config(CONFIG + "add('a', 'odd')\nadd('b', 'node1')")
        done = fab_within_memory(lab, "-t", "3", "kill", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.startswith(f"odd: connect: 127.0.0.1 port {port}{why}"), done.stderr
    assert "; any of these may still run: a\n" in done.stderr
    assert "Traceback" not in done.stderr and "\x1b" not in done.stderr
    assert len(done.stderr) < 2000
    assert "node1  nothing to end" in done.stdout


@contextlib.contextmanager
def endless_server(said: bytes) -> Iterator[int]:
    """Serve the same bytes without end to every client; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with client, contextlib.suppress(OSError):
                        while True:
                            client.sendall(said)

        server = threading.Thread(target=serve)
        server.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            server.join()


def test_endless_line_abandons_host(lab: Lab) -> None:
    odd_host(lab, "odd", f"{GREETING}; head -c 10G /dev/zero | tr '\\000' x")
    lab.config(CONFIG + "add('a', 'odd')\nadd('b', 'node1', 'echo said; exec sleep 1000')")
    lab.run("run", "--limit", "node1")
    for command in ("logs", "logs -f", "status", "collect"):
        with contextlib.ExitStack() as stack:
            if command == "logs -f":  # which does not end by itself
                fab = stack.enter_context(running(lab, *command.split()))
                assert fab.stdout
                for line in fab.stdout:
                    if line.startswith("odd: logs: invalid answer: too much data; "):
                        break
                fab.send_signal(signal.SIGINT)
                fab.communicate(timeout=20)
                continue
            done = fab_within_memory(lab, command, "-c", "cfg.py")
            assert done.returncode == 1
            assert "invalid answer: too much data; " in done.stdout + done.stderr
            assert "Traceback" not in done.stderr


def test_endless_answer_ends_upload(lab: Lab) -> None:
    endless = f"{GREETING}; printf '.st\\000/root\\000=\\000=\\000'; exec cat /dev/zero"
    # The first script, that of the stage `connect`, is answered as it should be.
    ready = f"{GREETING}; printf 'checked\\000done\\000'; sleep 1"  # in which it gets the rest of the script
    odd_host(lab, "odd", f"cd && if mkdir asked 2>/dev/null; then {ready}; else {endless}; fi")
    (lab.folder / "big").write_bytes(os.urandom(8_000_000))
    lab.config(CONFIG + "add('a', 'odd', files={'big': 'big'})\nadd('b', 'node1')")
    done = fab_within_memory(lab, "sync", "-c", "cfg.py", "--io-timeout", "60")
    assert done.returncode == 1
    assert done.stderr.startswith("odd: sync: invalid answer: too much data; "), done.stderr
