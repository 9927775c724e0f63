"""A host that is killed and comes back without its processes."""

import os

from tests.support.checkout import ROOT
from tests.support.connections import away
from tests.support.farm import end_processes
from tests.support.lab import Lab
from tests.support.one_each import configure, states
from tests.support.stages import started


def test_rebooted_host_resumes_work(lab: Lab) -> None:
    configure(lab, "node1", "node2")
    lab.run("run")
    with away(lab.farm, lab.node1):
        end_processes(lab.node1.folder)
        assert states(lab) == {"node1": "unknown", "node2": "running"}
        failed = lab.fab("run", "-c", "cfg.py", "--keep-going")
        assert failed.returncode == 1
        first, *rest = failed.stderr.splitlines()
        assert first.startswith("node1: connect: ") and "connection refused" in first
        assert rest == [
            "1 host failed; the other hosts are done",
            f"repeat with: fab -r {ROOT} run --config {lab.folder}/cfg.py --limit 'node1/*' --keep-going"
            f" -S {lab.farm.ssh_config}",
        ]
    (lab.node1.state() / "a/launcher.pid").write_text(f"{os.getpid()}\n")  # which is another process by now
    assert states(lab) == {"node1": "lost", "node2": "running"}
    assert lab.fab("wait", "-c", "cfg.py", "--limit", "node1").returncode == 1
    lab.run("run", "--limit", "node1/*")
    assert states(lab) == {"node1": "running", "node2": "running"}
    assert (len(started(lab.node1)[0]), len(started(lab.node2)[0])) == (2, 2)
