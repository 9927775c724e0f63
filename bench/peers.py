"""The peers that come from Python's package index, in a virtual environment of their own beside `.venv`."""

import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).resolve().parent.parent / ".venv-bench"
FAST = ("ClusterShell==1.10.1", "parallel-ssh==2.16.0.post1")
SLOW = ("ansible-core==2.19.14", "pyinfra==3.10.0")


def python_of(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / "bin/python"


def set_up(slow_peers: bool) -> None:
    """Install what is missing; CalledProcessError where that fails. rsync and scp come by `./dev`."""
    wanted = [*FAST, *(SLOW if slow_peers else ())]
    if not python_of(PEERS).exists():
        subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
    pip: list[str | Path] = [python_of(PEERS), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, *wanted], check=True)
