"""Fixtures: three throwaway hosts and a stand-in for this machine, clean for each test; and `fab` as a subprocess."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from fabric import Config as Settings

from fabfile.runner import Observer, Runner
from rr_config import Options, load

from .prefork import Prefork
from .throwaway import Farm, ThrowawayHost, end_processes, make_folders, processes_of, remove_tree

FAB = Path(sys.executable).with_name("fab")
ROOT = Path(__file__).resolve().parent.parent
# Runs a command without the right to pass over permission bits, which root has otherwise.
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
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


@attrs.frozen
class Lab:
    """What a whole-run test works with: clean hosts, and a folder in which its config file is."""

    farm: Farm
    here: ThrowawayHost
    folder: Path
    prefork: Prefork

    @property
    def node1(self) -> ThrowawayHost:
        """The first host."""
        return self.farm.hosts["node1"]

    @property
    def node2(self) -> ThrowawayHost:
        """The second host."""
        return self.farm.hosts["node2"]

    @property
    def node3(self) -> ThrowawayHost:
        """The third host."""
        return self.farm.hosts["node3"]

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        """A file in the folder of the config."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def config(self, text: str) -> Path:
        """The config file, `cfg.py`."""
        return self.write("cfg.py", text)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of `fab`: that of this machine, with a home of its own.

        Python compiles what it loads once for all tests, as for a user; what it compiles goes with the hosts.
        """
        left_out = ("STY", "PYTHONDONTWRITEBYTECODE")
        own = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "SSH_")) and k not in left_out}
        compiled = {"PYTHONPYCACHEPREFIX": str(self.farm.folder / "compiled")}
        return own | self.here.environment | compiled | {"COLUMNS": "200"}

    def fab(self, *arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run `fab` with the hosts' ssh config in the folder of the config file; with more in its environment, if said."""
        command = self.command(*arguments)
        if not env:
            return self.prefork.run(command, self.folder, self.environment, 60)
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=60,
        )

    def command(self, *arguments: str | Path) -> list[str]:
        """The command line of `fab`."""
        return [str(FAB), "-r", str(ROOT), "-S", str(self.farm.ssh_config), *map(str, arguments)]

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """`fab` with `--config cfg.py` at the end; the test fails unless it exits with 0."""
        done = self.fab(*arguments, "--config", "cfg.py")
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done

    def runner(self, observer: Observer | None = None, **options: Any) -> Runner:
        """For `cfg.py`, in this process. Its localhost is that of who runs the tests: for the other hosts only."""
        given = Options(config_file=str(self.folder / "cfg.py"), **options)
        settings = Settings(runtime_ssh_path=str(self.farm.ssh_config))
        return Runner(load(given), given, settings, observer or Observer())


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


def text(path: Path) -> str:
    """What `path` holds, which is nothing if it is not there, or is of a process that has ended."""
    try:
        return path.read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def eventually(is_true: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Return once `is_true()`; fail after `seconds`, saying that `what` has not come about."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            pytest.fail(f"within {seconds} s: {what}")
        time.sleep(0.02)  # between two looks
