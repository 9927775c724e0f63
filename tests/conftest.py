"""Fixtures: three throwaway hosts and a stand-in for this machine, clean for each test."""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bench import ECHO, Bench
from tests.support.configs import write
from tests.support.farm import Farm, end_processes, make_folders, processes_of, remove_tree
from tests.support.lab import Lab
from tests.support.ports import free_ports
from tests.support.prefork import Prefork
from tests.support.waiting import eventually

NEEDED = ("screen", "openssl", "ssh", "ssh-keygen", "tar", "rsync", "dash", "zsh", "chromium")


def pytest_sessionstart() -> None:
    """Fail, rather than skip, where a program is missing, or the right to make users and namespaces.

    A shell has its background jobs ignore SIGINT and SIGQUIT, and all that they start; here they count.
    SIGTERM ends the tests as Ctrl-C does, so that the hosts are ended, too.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [name for name in (*NEEDED, "sshd") if shutil.which(name, path=path) is None]
    if missing:
        pytest.exit(f"not installed: {', '.join(missing)}; run the tests with ./dev test, which installs them", 1)
    if os.getuid() != 0:
        pytest.exit("the tests make users and namespaces of their own; run them with ./dev test, which uses sudo", 1)


@pytest.fixture(scope="session")
def session_farm() -> Iterator[Farm]:
    """Three hosts, node1 to node3, for all tests. (Not in tmp_path: a socket's path has to be short.)"""
    farm = Farm(Path(tempfile.mkdtemp(prefix="rr.", dir="/tmp")))
    try:
        for number in (1, 2, 3):
            farm.add(f"node{number}")
        yield farm
    finally:
        farm.close()


@pytest.fixture(scope="session")
def prefork(session_farm: Farm) -> Iterator[Prefork]:
    """What runs `fab` for all tests, with what Python compiles kept as for any user."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    program = Prefork(session_farm.folder, environment | {"PYTHONPYCACHEPREFIX": str(session_farm.folder / "compiled")})
    yield program
    program.close()


@pytest.fixture
def lab(session_farm: Farm, prefork: Prefork, tmp_path: Path) -> Iterator[Lab]:
    """Three hosts on which nothing runs and whose folders are empty, and the same for localhost.

    Hosts that the test adds to `lab.farm` are removed after it, and what it adds to the ssh config.
    """
    here = session_farm.stand_in()
    usual, ssh_config = set(session_farm.hosts), session_farm.ssh_config.read_text()
    folder = tmp_path / "configs"
    folder.mkdir()
    try:
        yield Lab(session_farm, here, folder, prefork)
    finally:
        end_processes(session_farm.folder)
        for name in set(session_farm.hosts) - usual:
            session_farm.remove(session_farm.hosts[name])
        session_farm.ssh_config.write_text(ssh_config)
        for host in (*session_farm.hosts.values(), here):
            for emptied in (host.home, host.tmp, host.folder / "screens"):
                remove_tree(emptied)
            make_folders(host)


@pytest.fixture(autouse=True)
def no_leftovers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test after which a thread still runs, or a process on a host that the test did not ask for."""
    before = set(threading.enumerate())
    yield
    eventually(lambda: not set(threading.enumerate()) - before, "threads that do not end")
    if "session_farm" in request.fixturenames:
        farm: Farm = request.getfixturevalue("session_farm")
        eventually(lambda: not list(processes_of(farm.folder)), "processes that do not end")


@pytest.fixture
def untouched(lab: Lab) -> Iterator[Lab]:
    """The lab; the test fails if anybody has connected to one of its hosts."""
    before = connections(lab)
    yield lab
    assert connections(lab) == before


def connections(lab: Lab) -> dict[str, int]:
    logs = {host.name: host.folder / "sshd.log" for host in lab.farm.hosts.values()}
    return {name: log.read_text().count("Connection from") for name, log in logs.items()}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, free_ports(1))
    write(tmp_path / "echo.sh", ECHO).chmod(0o755)
    try:
        yield made
    finally:
        for process in made.processes:
            if process.poll() is None:
                process.terminate()
            process.wait(timeout=20)
