"""Start throwaway hosts in namespaces of their own: processes, mounts and the name of the machine. This needs root.

The sshd of an isolated host is the init of its PID namespace. When it ends, the kernel kills every process of the host.
It gets SIGKILL when its starter ends, however that happens. Hosts share the network of this machine.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

# Runs in the process whose end ends the host. Its parent may end before setpriv has asked for the signal.
START = """
[ "$PPID" = "$1" ] || exit
shift
exec unshare --pid --fork --kill-child --mount-proc --uts -- "$@"
"""
# Runs as the init. The arguments are the name of the host, a file for /etc/hosts, and the command line of sshd.
INIT = """
set -e
echo "$1" >/proc/sys/kernel/hostname
mount --bind "$2" /etc/hosts
shift 2
exec "$@"
"""


def isolated(command: Sequence[str], name: str, names: Path) -> list[str]:
    """Return a command line that runs `command` as the init of a host with this name. `names` becomes its /etc/hosts.

    The host ends with the thread that starts it. Only the main thread lives as long as the process.
    """
    init = ["sh", "-c", INIT, "init", name, str(names), *command]
    return ["setpriv", "--pdeathsig", "KILL", "sh", "-c", START, "start", str(os.getpid()), *init]


def why_impossible() -> str:
    """Return why no isolated host can be started here: the error of the first step that fails. Empty if one can."""
    try:
        command = isolated(["true"], "node", Path("/etc/hosts"))
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    except FileNotFoundError as error:
        return f"{error.filename} is missing"
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit status {done.returncode}"
