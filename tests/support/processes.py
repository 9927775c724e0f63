"""Find processes on throwaway hosts."""

from pathlib import Path

from tests.support.farm import ThrowawayHost, command_lines


def noted(host: ThrowawayHost) -> dict[str, int]:
    """Return the process ids that programs have written to ~/pid.NAME."""
    found = {path.suffix[1:]: path.read_text() for path in host.home.glob("pid.*")}
    return {name: int(text) for name, text in found.items() if text.endswith("\n")}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def alive(host: ThrowawayHost) -> set[str]:
    """Return the names of the noted processes that are still running."""
    return {name for name, pid in noted(host).items() if is_alive(pid)}


def looks(host: ThrowawayHost) -> int:
    """Return how many of our scripts are running on a host."""
    return sum(b"eval" in line for line in command_lines(host.folder).values())
