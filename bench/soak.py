"""Run tests that take too long for the test suite: a thousand runs on one host, and one run on hundreds of hosts.

Run it with `inv soak`. It raises AssertionError if a resource grows, or if a component is missing or started twice.
"""

import argparse
import os
import subprocess
import time
from pathlib import Path

from rich.console import Console

from rr_config import Options, load
from tests.support.farm import ThrowawayHost, command_lines, processes_of

from .field import FAB, ROOT, Field, field

CONFIG = """
for number in range({components}):
    config.add_component(Component(
        name=f"c{{number}}", host=f"node{{number % {hosts} + 1}}", executable="/bin/sh", base_dir="~",
        args=["-c", f"echo >>started.{{number}}; exec sleep 1000000"], start_index=number * {indices} // {components},
    ))
"""
SETTLED = 20  # runs after which resources must not grow any more
console = Console()


def traces(host: ThrowawayHost) -> dict[str, float]:
    """Return the resources in use on a host: files and their bytes, processes and their memory in MB, sessions."""
    # The components themselves append to started.* files, sshd to its log, and the sampler to files of samples.
    growing = ("started.", "sshd.log", "usage.csv", ".usage.csv")
    files = [path for path in host.folder.rglob("*") if path.is_file() and not path.name.startswith(growing)]
    pids = list(processes_of(host.folder))
    return {
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "processes": len([line for line in command_lines(host.folder).values() if b"sleep\0001\0" not in line]),
        "memory": sum(_resident(pid) for pid in pids) / 1e6,
        "sessions": len(host.sessions()),
    }


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:  # the process has ended meanwhile
        return 0


def soak(runs: int) -> None:
    """Run a config `runs` times on one host from one process. Check that no resource grows there or here."""
    from fabric import Config as Settings

    from fabfile.runner import Runner

    with field(1) as on:
        config = on.config("soak", CONFIG.format(components=6, hosts=1, indices=2))
        options = Options(config_file=str(config))
        (host,) = on.hosts
        before: dict[str, float] = {}
        for number in range(1, runs + 1):
            with Runner(load(options), options, Settings(runtime_ssh_path=str(on.ssh_config))) as runner:
                runner.run()
            if number in (min(SETTLED, runs), runs) or number % 100 == 0:
                found = traces(host) | {"memory here": _resident(os.getpid()) / 1e6}
                console.print(number, {name: round(value, 1) for name, value in found.items()})
                before = before or found
    # Recorded process ids vary in length.
    slack = {"memory": 1.1, "memory here": 1.1, "bytes": 1.01}
    for name in before:
        most = slack.get(name, 1) * before[name]
        assert found[name] <= most, f"{name}: grew from {before[name]} to {found[name]}"


def load_test(hosts: int, components: int) -> None:
    """Run this many components on this many hosts. Check that each starts once, and print the resources used."""
    with field(hosts) as on:
        config = on.config("load", CONFIG.format(components=components, hosts=hosts, indices=2))
        begin = time.perf_counter()
        with subprocess.Popen(on.own("run", config), cwd=ROOT, stdin=subprocess.DEVNULL) as process:
            threads = files = 0
            while process.poll() is None:
                threads, files = max(threads, _count(process.pid, "task")), max(files, _count(process.pid, "fd"))
                time.sleep(0.05)  # polls
        used = os.times()
        assert process.returncode == 0, f"exit status {process.returncode}"
        wall = time.perf_counter() - begin
        check_started(on, components)
        console.print(
            f"{components:,} components on {hosts} hosts: {wall:.1f} s, local CPU {used.children_user:.1f} s,"
            f" peak {threads} threads, {files} open files, {_peak_memory():.0f} MB"
        )


def _count(pid: int, kind: str) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/{kind}").iterdir()))
    except OSError:  # the process has ended
        return 0


def _peak_memory() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6


def check_started(on: Field, components: int) -> None:
    """Raise AssertionError unless each component was started once and is running."""
    found = sorted(path.name for host in on.hosts for path in host.home.glob("started.*") if path.stat().st_size == 1)
    wanted = sorted(f"started.{number}" for number in range(components))
    assert found == wanted, f"{len(found)} of {components} were started exactly once"
    count = on.sleepers("1000000")
    assert count == components, f"{count} of {components} are running"


def main() -> None:
    """Run the tests that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--hosts", type=int, default=0)
    parser.add_argument("--components", type=int, default=1000)
    given = parser.parse_args()
    if not FAB.exists():
        parser.error(f"{FAB}: missing; run ./dev to create it")
    if given.runs:
        soak(given.runs)
    if given.hosts:
        load_test(given.hosts, given.components)


if __name__ == "__main__":
    main()
