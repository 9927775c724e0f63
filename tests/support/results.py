"""Create results of a run, for reports."""

import json
from pathlib import Path
from typing import Any

from fabfile.reporting.history import ComponentHistory
from fabfile.reporting.report import LINES

NOON = 1790000000
EVIL = "<script>document.title = 'evil'</script><b>&amp;</b>"


def component(label: str, state: str, **more: Any) -> dict[str, Any]:
    host, name = label.split("/", 1)
    known = {"executable": "~/bin/server", "args": [], "start_index": 1, "state": state, "folder": label}
    unknown = dict.fromkeys(("pid", "exit_status", "signal", "started", "ready", "ended", "problem"))
    return {"host": host, "name": name} | unknown | known | more


def life(state: str = "ended", **more: Any) -> ComponentHistory:
    return ComponentHistory(**component("h/x", state, **more))


RUN: dict[str, Any] = {
    "format": 2,
    "session": "runner",
    "collected": NOON + 60.5,
    "config": {"path": "/cfg.py", "text": f"# {EVIL}\n"},
    "options": {"screen": "runner", "limit": None, "ssh_pass": "hunter2"},
    "versions": {"remote-runner": "0.1.0"},
    "runs": [],
    "stages": [
        {"stage": "sync", "began": NOON, "ended": NOON + 5.25},
        {"stage": "wait", "began": NOON + 5.25, "ended": None},
    ],
    "components": [
        component("node2/client", "failed", start_index=2, started=NOON + 20, ended=NOON + 40, exit_status=3, pid=7),
        component(
            "node1/db", "ready", started=NOON + 10, ready=NOON + 20, pid=8, args=["--home", {"literal": "a b"}, EVIL]
        ),
        component("node2/db", "ended", started=NOON + 10, ended=NOON + 50, exit_status=0),
        component("node1/gone", "failed", started=NOON + 10, ended=NOON + 30, exit_status=137, signal="SIGKILL"),
        component("node1/late", "waiting", start_index=3),
        component(f"node3/{EVIL}", "unknown", problem="connection refused", start_index=3),
    ],
}
OUTPUTS = {"node1/db": f"listening\n{EVIL}\n", "node2/client": "no such table"}


def many(hosts: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a run of five components on each host, of which two of `monitor` failed, and the ends of the logs."""
    components, outputs = [], {}
    for number in range(1, hosts + 1):
        started = NOON + 5 + number * 20 / hosts
        for index, name in enumerate(("broker", "worker", "client", "probe")):
            ended = {"ended": started + 9, "exit_status": 0} if name == "client" else {"ready": started + 1}
            state = "ended" if name == "client" else "ready"
            label = f"node{number}/{name}"
            components.append(component(label, state, start_index=index, started=started, pid=number, **ended))
            outputs[label] = "".join(f"{name} has handled request {line}\n" for line in range(50))
        label = f"node{number}/monitor"
        components.append(component(label, "running", start_index=2, started=started, pid=number))
        if number in (17, 42):
            components[-1] |= {"state": "failed", "exit_status": 3, "ended": started + (2 if number == 17 else 4)}
        outputs[label] = "booting\nTraceback: KeyError 'rack'\n"
    return RUN | {"components": components}, outputs


def results(folder: Path, **changed: Any) -> Path:
    """Create a folder of results as `fab collect` does."""
    (folder / "node1/db").mkdir(parents=True)
    (folder / "node1/db/output").write_bytes(b"\x1b[1mold\x1b[0m\r\n" + b"10 %\r20 %\n" * LINES + b"end \xff\n")
    (folder / "run.json").write_text(json.dumps(RUN | changed))
    return folder
