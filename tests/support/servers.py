"""Configure small servers on several hosts, and find their processes."""

from pathlib import Path

from tests.support.farm import ThrowawayHost, command_lines
from tests.support.files import text
from tests.support.lab import Lab


def config_of(*hosts: str, more: str = "") -> str:
    """Return a config with a sleeping component `web` on each host, followed by the lines `more`.

    In these lines, `add(name, host, text, start_index=1, ...)` adds a component that runs a shell script.
    """
    adds = "".join(f"add('web', {host!r}, 'exec sleep 1000')\n" for host in hosts)
    return (
        "def add(name, host, text, start_index=1, **more):\n"
        "    config.add_component(Component(name=name, executable='/bin/sh', args=['-c', text], host=host,\n"
        f"        start_index=start_index, **more))\n{adds}{more}"
    )


def pid_of(host: ThrowawayHost, name: str = "web", session: str = "runner") -> int:
    """Return the process id of a component, as the host has recorded it, or 0 if it is not running."""
    recorded = text(host.state(session) / name / "pid").strip()
    is_running = recorded and not text(host.state(session) / name / "status").strip()
    return int(recorded) if is_running and Path(f"/proc/{recorded}").exists() else 0


def sleeping(lab: Lab, seconds: int = 1000) -> list[int]:
    """Return the process ids of `sleep SECONDS` on all hosts."""
    words = [b"sleep", str(seconds).encode()]
    return [pid for pid, line in command_lines(lab.farm.folder).items() if line.split(b"\0")[:2] == words]
