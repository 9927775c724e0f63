"""A name service that answers late."""

import contextlib
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.connections import sessions_begun
from tests.support.lab import Lab
from tests.support.one_each import configure
from tests.support.privileges import NAMESPACE
from tests.support.waiting import eventually


@pytest.mark.root
def test_slow_name_service_delays_one_host(lab: Lab, tmp_path: Path) -> None:
    configure(lab, "late", "node1")
    with lab.farm.ssh_config.open("a") as config:
        text = lab.farm.ssh_config.read_text()
        own = text[text.index("Host node2") : text.index("Host node3")]
        config.write(own.replace("Host node2", "Host late").replace(lab.node2.address, "late.example"))
        config.write(f"    HostKeyAlias [{lab.node2.address}]:{lab.node2.port}\n")
    before = sessions_begun(lab.node1)
    with late_name_server(lab.node2.address) as (server, is_asked, answer):
        resolv = tmp_path / "resolv.conf"
        resolv.write_text(f"nameserver {server}\noptions timeout:30 attempts:1\n")
        command = [*NAMESPACE.split(), "sh", "-c", f'mount --bind {resolv} /etc/resolv.conf; exec "$@"', "sh"]
        with running_as(lab, [*command, *lab.command("screen", "-c", "cfg.py")]) as fab:
            eventually(is_asked, "the question")
            eventually(lambda: sessions_begun(lab.node1) == before + 1, "the check of the other host")
            assert lab.node1.sessions() == lab.node2.sessions() == [], "nothing changes before all are reached"
            answer()
            assert fab.wait(30) == 0
    assert lab.node1.sessions() == lab.node2.sessions() == ["runner"]


@contextlib.contextmanager
def running_as(lab: Lab, command: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A command that is ended in the end."""
    with subprocess.Popen(command, cwd=lab.folder, env=lab.environment, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def late_name_server(address: str) -> Iterator[tuple[str, Callable[[], bool], Callable[[], None]]]:
    """A server for DNS (RFC 1035) that has one address for all names, and tells it once it is told to."""
    asked, may_answer = threading.Event(), threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.53.53.53", 53))

        def serve() -> None:
            while True:
                question, client = server.recvfrom(512)
                if not question:
                    return
                asked.set()
                may_answer.wait(60)
                end = question.index(b"\0", 12) + 5
                is_ipv4 = question[end - 4 : end - 2] == b"\0\1"
                head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, int(is_ipv4), 0, 0) + question[12:end]
                found = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
                server.sendto(head + found * is_ipv4, client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield "127.53.53.53", asked.is_set, may_answer.set
        finally:
            may_answer.set()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"", ("127.53.53.53", 53))
            thread.join()
