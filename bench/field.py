"""What is measured on: throwaway hosts, with and without the relay before them, and the files to copy."""

import contextlib
import filecmp
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs

from tests.throwaway import Farm, ThrowawayHost, free_port, own_name

ROOT = Path(__file__).resolve().parent.parent
FAB = Path(sys.executable).with_name("fab")
DELAY = 0.025  # seconds in each direction
MANY = 2000
BIG = 256 << 20


@attrs.define
class Field:
    """The hosts, by name, the ssh config that leads to them, and a folder for configs and data."""

    farm: Farm
    ssh_config: Path
    folder: Path

    @property
    def many(self) -> Path:
        """2,000 files of 0.2 to 8 KB in 40 folders."""
        return self.folder / "many"

    @property
    def big(self) -> Path:
        """One file of 256 MB."""
        return self.folder / "big"

    def host(self, name: str) -> ThrowawayHost:
        """The host of that name."""
        return self.farm.hosts[name]

    def config(self, name: str, text: str) -> Path:
        """A config file for ours."""
        path = self.folder / f"{name}.py"
        path.write_text(text)
        return path

    def fab(self, task: str, config: Path) -> list[str]:
        """The command line of ours."""
        quiet = ("--log-level", "WARNING")
        return [str(FAB), "-r", str(ROOT), "-S", str(self.ssh_config), task, "--config", str(config), *quiet]

    def ssh(self) -> str:
        """The `ssh` that peers use."""
        return f"ssh -F {self.ssh_config}"


@contextlib.contextmanager
def field(hosts: int) -> Iterator[Field]:
    """So many hosts, node1 and on, and the files; all is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="rr-bench."))
    farm = Farm(folder / "hosts")
    try:
        for number in range(1, hosts + 1):
            farm.add(f"node{number}")
        made = Field(farm, farm.ssh_config, folder)
        make_files(made)
        yield made
    finally:
        farm.close()
        shutil.rmtree(folder)


@contextlib.contextmanager
def relayed(direct: Field) -> Iterator[Field]:
    """The same hosts behind a relay that adds `DELAY` to each direction."""
    text = direct.ssh_config.read_text()
    pairs = []
    for host in direct.farm.hosts.values():
        port = free_port(host.address)
        pairs.append(f"{host.address}:{port}={host.address}:{host.port}")
        text = text.replace(f"Port {host.port}\n", f"Port {port}\n    StrictHostKeyChecking no\n")
    text = text.replace(str(direct.farm.known_hosts), "/dev/null").replace("Port", "LogLevel ERROR\n    Port")
    ssh_config = direct.folder / "ssh_config.relayed"
    ssh_config.write_text(text)
    command = [sys.executable, "-m", "bench.relay", str(DELAY), *pairs]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as relay:
        assert relay.stdout and relay.stdout.readline() == "ready\n"
        try:
            yield attrs.evolve(direct, ssh_config=ssh_config)
        finally:
            relay.terminate()


def make_files(made: Field) -> None:
    """The files to copy; the same in every run."""
    numbers = random.Random(1)
    for number in range(MANY):
        path = made.many / f"folder{number % 40}" / f"file{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(numbers.randbytes(numbers.randint(200, 8000)))
    with made.big.open("wb") as file:
        for _ in range(BIG >> 20):
            file.write(numbers.randbytes(1 << 20))


def check_same(expected: Path, there: Path) -> None:
    """AssertionError unless `there` has exactly what `expected` has, byte for byte."""
    if expected.is_file():
        assert filecmp.cmp(expected, there, shallow=False), f"{there} differs"
        return
    names = sorted(path.name for path in expected.iterdir())
    assert names == sorted(path.name for path in there.iterdir()), f"{there} has other names"
    for name in names:
        check_same(expected / name, there / name)


def user() -> str:
    """Who logs in."""
    return own_name()
