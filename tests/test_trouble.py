"""Hosts in trouble of their own: rebooted, full, read-only, busy, slow to be found, or of another time."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import Lab, eventually, text
from .test_faults import started
from .throwaway import ThrowawayHost, end_processes

CONFIG = """
for host in {hosts}:
    config.add_component(Component(
        name="a", host=host, executable="/bin/sh", args=["-c", "echo >>a; exec sleep 1000"], start_index=1, base_dir={base_dir!r},
        files={{"f": "f"}},
    ))
"""
FAILING = """
config.add_component(Component(
    name="failing", host="few", executable="/bin/sh", args=["-c", "sleep 0.3; exit 3"], start_index=1))
"""


def configure(lab: Lab, *hosts: str, base_dir: str | None = "~") -> None:
    lab.write("f", "content")
    lab.config(CONFIG.format(hosts=list(hosts), base_dir=base_dir))


def states(lab: Lab) -> dict[str, str]:
    """What `fab status` says of each host's component."""
    told = json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)
    return {each["host"]: each["state"] for each in told}


def mounted(lab: Lab, name: str, mount: str) -> ThrowawayHost:
    """A host on which each script finds something mounted."""
    script = f'{mount}; exec sh -c "$SSH_ORIGINAL_COMMAND"'
    return lab.farm.add(
        name, {"ForceCommand": f"cd && export SSH_ORIGINAL_COMMAND && exec unshare -m sh -c '{script}'"}
    )


def test_host_that_was_killed_and_rebooted_is_told_and_takes_up_its_work(lab: Lab) -> None:
    configure(lab, "node1", "node2")
    lab.run("run")
    lab.farm.stop(lab.node1)
    end_processes(lab.node1.folder)
    assert states(lab) == {"node1": "unknown", "node2": "running"}
    failed = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1] == "again, for what failed alone: --limit 'node1/*'"
    lab.farm.start(lab.node1)
    (lab.node1.state() / "a/launcher.pid").write_text(f"{os.getpid()}\n")  # which is another process by now
    assert states(lab) == {"node1": "exited", "node2": "running"}
    assert lab.fab("wait", "-c", "cfg.py", "--limit", "node1").returncode == 1
    lab.run("run", "--limit", "node1/*")
    assert states(lab) == {"node1": "running", "node2": "running"}
    assert (len(started(lab.node1)[0]), len(started(lab.node2)[0])) == (2, 2)


def test_read_only_home_is_named_and_the_others_go_on(lab: Lab) -> None:
    odd = mounted(lab, "odd", "mount --bind ~ ~ && mount -o remount,ro,bind ~ ~ && cd")
    configure(lab, "odd", "node1")
    done = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert done.returncode == 1
    assert done.stderr.startswith(f"odd: kill: {odd.state()} cannot be made; is there room, may you write there?\n")
    assert started(lab.node1) == ["a"]
    odd.state().mkdir(parents=True, mode=0o700)
    done = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert done.returncode == 1
    assert "odd" in done.stderr.splitlines()[0] and "Traceback" not in done.stderr
    assert states(lab)["node1"] == "running"


def test_full_tmp_is_named_and_the_others_go_on(lab: Lab) -> None:
    mounted(lab, "odd", 'mount -t tmpfs -o size=4k,nr_inodes=2 none "$TMPDIR" && : >"$TMPDIR/x"')
    configure(lab, "odd", "node1", base_dir=None)
    done = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert done.returncode == 1
    assert done.stderr.startswith("odd: sync: no temporary folder can be made; is /tmp full?\n")
    assert states(lab) == {"odd": "waiting", "node1": "running"}


@pytest.mark.parametrize("most", [1, 2])
def test_host_that_allows_few_sessions_a_connection_is_enough(lab: Lab, most: int) -> None:
    few = lab.farm.add("few", {"MaxSessions": str(most)})
    configure(lab, "few")
    lab.run("run", "--collect")
    for command in ("status", "logs", "plan", "doctor", "stop", "restart", "collect"):
        assert lab.fab(command, "-c", "cfg.py").returncode == 0, command
    assert len(started(few)[0]) == 2
    lab.config((lab.folder / "cfg.py").read_text() + FAILING)
    done = lab.fab("run", "--on-exit", "stop", "-c", "cfg.py")
    assert done.stderr == "few/failing: wait: ended with exit status 3; all were stopped\n"
    lab.run("kill")


def test_sshd_that_drops_half_of_the_connections_is_reached(lab: Lab) -> None:
    busy = lab.farm.add("busy", {"MaxStartups": "1:50:100", "LoginGraceTime": "60"})
    configure(lab, "busy")
    with contextlib.ExitStack() as stack:
        for _ in range(2):  # they wait, and do not log in
            idle = stack.enter_context(socket.create_connection((busy.address, busy.port)))
            idle.recv(4)
        for _ in range(30):  # of which the one or other is hit
            lab.run("kill", "--retries", "15")
            if "MaxStartups" in text(busy.folder / "sshd.log"):
                return
    pytest.fail("it has dropped none")


def test_name_service_that_answers_late_keeps_nobody_else_waiting(lab: Lab, tmp_path: Path) -> None:
    configure(lab, "late", "node1")
    with lab.farm.ssh_config.open("a") as config:
        text = lab.farm.ssh_config.read_text()
        own = text[text.index("Host node2") : text.index("Host node3")]
        config.write(own.replace("Host node2", "Host late").replace(lab.node2.address, "late.example"))
        config.write(f"    HostKeyAlias [{lab.node2.address}]:{lab.node2.port}\n")
    with late_name_server(lab.node2.address) as (server, is_asked, answer):
        resolv = tmp_path / "resolv.conf"
        resolv.write_text(f"nameserver {server}\noptions timeout:30 attempts:1\n")
        command = ["unshare", "-m", "sh", "-c", f'mount --bind {resolv} /etc/resolv.conf; exec "$@"', "sh"]
        with running_as(lab, [*command, *lab.command("screen", "-c", "cfg.py")]) as fab:
            eventually(is_asked, "the question")
            eventually(lambda: lab.node1.sessions() == ["runner"], "the session of the other host")
            assert lab.node2.sessions() == []
            answer()
            assert fab.wait(30) == 0
    assert lab.node2.sessions() == ["runner"]


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


@pytest.mark.parametrize("years", [-20, 10])
def test_clocks_of_hosts_may_differ_by_years(lab: Lab, years: int) -> None:
    lab.write("bin/date", f"#!/bin/sh\nexec /bin/date -d '{years:+d} years' \"$@\"\n", 0o755)
    odd = lab.farm.add("odd", {"ForceCommand": f'cd && PATH={lab.folder}/bin:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"'})
    configure(lab, "odd", "node1")
    lab.run("run")
    for host in (odd, lab.node1):  # as if they had come from there
        os.utime(host.home / "f", (4_000_000_000, 4_000_000_000))
    assert "nothing sent" in lab.run("sync").stdout
    assert states(lab) == {"odd": "running", "node1": "running"}
    lab.run("stop")
    assert states(lab) == {"odd": "exited", "node1": "exited"}
    lab.run("collect")
    lab.run("report")
    (run,) = [json.loads(path.read_text()) for path in lab.folder.glob("results/*/run.json")]
    first, second = (each["started"] for each in run["components"])
    assert abs(first - second) > 9 * 365 * 86400
