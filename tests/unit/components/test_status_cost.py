"""The CPU time of `fab status` on a host with many processes."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.components.status import status_script
from fabfile.remote.script import command
from rr_config import Component
from tests.support.files import text
from tests.support.scripts import OWNER
from tests.support.waiting import eventually

COUNT = 3000
TAG = 1 << 62


@pytest.fixture
def many_processes() -> Iterator[None]:
    """Start COUNT processes that sleep."""
    loop = f"i=0; while [ $i -lt {COUNT} ]; do sleep 1000 & i=$((i + 1)); done; wait"
    with subprocess.Popen(["sh", "-c", loop], start_new_session=True) as shell:
        try:
            eventually(lambda: len(list(Path("/proc").glob("[0-9]*"))) > COUNT, "all processes", seconds=60)
            yield
        finally:
            os.killpg(shell.pid, signal.SIGKILL)


@pytest.mark.soak
def test_status_reads_3000_processes_fast(tmp_path: Path, many_processes: None) -> None:
    component = Component(name="a", host="h", start_index=1, executable="/bin/sleep")
    script = status_script("s", OWNER, [component]).sent_by("me", born=5, group=1)
    environment = os.environ | {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    folder = tmp_path / "remote-runner" / os.uname().nodename / "s/a"
    folder.mkdir(parents=True, mode=0o700)

    def cpu_seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(["sh", "-c", command(script)], input=script, env=environment, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.stdout.count(b"\0sample ") == 2, done
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    tagged = f"ulimit -S -m {TAG // 1024} && exec sleep 1000"
    with subprocess.Popen(["sh", "-c", tagged], start_new_session=True) as program:
        born = text(Path(f"/proc/{program.pid}/stat")).rpartition(") ")[2].split()[19]
        notes = {"pid": program.pid, "born": born, "started": int(time.time()), "launcher": "x", "tag": TAG}
        try:
            for name, value in notes.items():
                (folder / name).write_text(f"{value}\n")
            assert min(cpu_seconds() for _ in range(3)) < 0.1
        finally:
            program.kill()
