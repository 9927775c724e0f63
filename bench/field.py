"""Create the environment of a benchmark: throwaway hosts, with latency if wanted, and files to copy."""

import contextlib
import filecmp
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import attrs

from tests.support.farm import Farm, ThrowawayHost, processes_of
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
FAB = Path(sys.executable).with_name("fab")
OWN = FAB.with_name("remote-runner")  # it starts faster than fab
# A file system in memory, because the speed of a disk varies from run to run.
MEMORY = Path("/dev/shm")
DELAY = 0.025  # seconds in each direction


@attrs.frozen
class Field:
    """Throwaway hosts, named node1 and up; an ssh config for them; and a folder for configs and data."""

    farm: Farm
    folder: Path
    ssh_config: Path
    known_hosts: Path
    ports: dict[str, int]

    @property
    def hosts(self) -> list[ThrowawayHost]:
        """Return the hosts, in order."""
        return list(self.farm.hosts.values())

    @property
    def names(self) -> list[str]:
        """Return the names of the hosts, in order."""
        return list(self.farm.hosts)

    def many(self, count: int) -> Path:
        """Create `count` files of 0.2 to 8 KB in 40 folders, the same in every run. Return their top folder."""
        numbers = random.Random(1)
        for number in range(count):
            path = self.folder / "many" / f"folder{number % 40}" / f"file{number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(numbers.randbytes(numbers.randint(200, 8000)))
        return self.folder / "many"

    def big(self, megabytes: int = 256) -> Path:
        """Create a large file, the same in every run. Return its path."""
        numbers = random.Random(1)
        path = self.folder / "big"
        with path.open("wb") as file:
            for _ in range(megabytes):
                file.write(numbers.randbytes(1 << 20))
        return path

    def config(self, name: str, text: str) -> Path:
        """Write a config file for Remote Runner. Return its path."""
        path = self.folder / f"{name}.py"
        path.write_text(text)
        return path

    def own(self, task: str, config: Path, program: Path = OWN) -> list[str | Path]:
        """Return a command line of Remote Runner."""
        where = ("-r", ROOT) if program == FAB else ()
        quiet = ("--log-level", "WARNING")
        return [program, *where, "-S", self.ssh_config, task, "--config", config, *quiet]

    def ssh(self) -> str:
        """Return the `ssh` command that peers use."""
        return f"ssh -F {self.ssh_config}"

    def sleepers(self, seconds: str) -> int:
        """Return how many `sleep SECONDS` processes run on the hosts."""
        found = 0
        for pid in processes_of(self.farm.folder):
            with contextlib.suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                found += command.endswith(b"sleep\0" + seconds.encode() + b"\0")
        return found


@contextlib.contextmanager
def field(hosts: int) -> Iterator[Field]:
    """Start this many hosts. Stop and remove them at the end."""
    folder = Path(tempfile.mkdtemp(prefix="rr-bench.", dir=MEMORY if MEMORY.is_dir() else None))
    farm = Farm(folder / "hosts")
    try:
        for number in range(1, hosts + 1):
            farm.add(f"node{number}", {"KexAlgorithms": "+curve25519-sha256"})  # all that sshd has
        ports = {name: host.port for name, host in farm.hosts.items()}
        yield Field(farm, folder, farm.ssh_config, farm.known_hosts, ports)
    finally:
        farm.close()
        shutil.rmtree(folder)


@contextlib.contextmanager
def delayed(near: Field) -> Iterator[Field]:
    """Put a program in front of the same hosts that adds `DELAY` to each direction."""
    ports = {host.name: free_port(host.address) for host in near.hosts}
    pairs = [f"{host.address}:{ports[host.name]}={host.address}:{host.port}" for host in near.hosts]
    text, known = near.ssh_config.read_text(), near.farm.known_hosts.read_text()
    for host in near.hosts:
        near_by, far = (f"    HostName {host.address}\n    Port {port}\n" for port in (host.port, ports[host.name]))
        text = text.replace(near_by, far)  # includes the address, because other hosts may use the same port
        known = known.replace(f"[{host.address}]:{host.port} ", f"[{host.address}]:{ports[host.name]} ")
    known_hosts, ssh_config = near.folder / "known_hosts.far", near.folder / "ssh_config.far"
    known_hosts.write_text(known)
    ssh_config.write_text(text.replace(str(near.farm.known_hosts), str(known_hosts)))
    command = [sys.executable, "-m", "bench.delay", str(DELAY), *pairs]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout and program.stdout.readline() == "ready\n"
        try:
            yield attrs.evolve(near, ssh_config=ssh_config, known_hosts=known_hosts, ports=ports)
        finally:
            program.terminate()


def check_same(expected: Path, there: Path) -> None:
    """Raise AssertionError unless `there` has exactly the files of `expected`, byte for byte."""
    if expected.is_file():
        assert filecmp.cmp(expected, there, shallow=False), f"{there} differs"
        return
    names = sorted(path.name for path in expected.iterdir())
    assert names == sorted(path.name for path in there.iterdir()), f"{there} has other names"
    for name in names:
        check_same(expected / name, there / name)


def check_sleepers(field: Field, seconds: str, count: int) -> None:
    """Raise AssertionError unless `count` processes `sleep SECONDS` run on the hosts within 10 s."""
    deadline = time.monotonic() + 10
    while (found := field.sleepers(seconds)) < count and time.monotonic() < deadline:
        time.sleep(0.05)  # polls
    assert found == count, f"{found} of {count} sleepers run"
