"""Install the peers that are Python packages in a separate virtual environment beside `.venv`."""

import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).resolve().parent.parent / ".venv-bench"
FAST = ("ClusterShell==1.10.1", "parallel-ssh==2.16.0.post1", "asyncssh==2.24.1", "ducktape==0.17.0")
SLOW = ("ansible-core==2.19.14", "pyinfra==3.10.0")


def python_of(environment: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return environment / "bin/python"


def set_up(slow_peers: bool) -> None:
    """Install the missing peers. `./dev` installs rsync, scp, pdsh, rclone and fpsync.

    Raises CalledProcessError if an installation fails.
    """
    wanted = [*FAST, *(SLOW if slow_peers else ())]
    if not python_of(PEERS).exists():
        subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
    pip: list[str | Path] = [python_of(PEERS), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, *wanted], check=True)
