"""Promises of the README about a checkout."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.checkout import ROOT
from tests.support.lab import Lab
from tests.support.ports import free_port


def test_demo_sends_nothing_twice() -> None:
    here = Path(tempfile.gettempdir())
    before = set(here.glob("rr-demo.*"))
    done = subprocess.run([sys.executable, "-m", "invoke", "demo"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("node1", "node2", "node3", "localhost"):
        assert re.search(rf"^{name} +service-{name} +running ", done.stdout, re.MULTILINE)
        assert re.search(rf"^worker-{name} +[|] worker argument: muddled$", done.stdout, re.MULTILINE)
    assert done.stdout.count(", nothing sent\n") == 5  # localhost never gets anything
    assert "===" not in done.stdout  # screen's own lines
    assert "\nNext:\n" in done.stdout
    assert set(here.glob("rr-demo.*")) == before


def test_first_config_of_readme_runs(lab: Lab) -> None:
    text = (ROOT / "README.md").read_text().partition("## A first config")[2]
    config, example = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[:2]
    assert len(config.splitlines()) == 5
    lab.config(config.replace("8123", str(free_port("127.0.0.1"))))
    lab.run("run")
    assert re.search(r"^localhost +web +ready .*\nlocalhost +get +exited +0 ", lab.run("status").stdout, re.MULTILINE)
    assert "get | 200\n" in lab.run("logs").stdout
    lab.write("server.sh", "", 0o755)
    lab.write("data/x", "")
    lab.config(example)
    lab.run("config")
