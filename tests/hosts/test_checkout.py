"""Promises of the README about a checkout."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.host_ranges import sent_to
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
    sent = sent_to(done.stdout)
    assert sent.pop("localhost") == [0, 0]
    assert len(sent) == 3 and all(first and not second for first, second in sent.values())
    assert "===" not in done.stdout  # screen's own lines
    assert "\nNext:\n" in done.stdout
    assert set(here.glob("rr-demo.*")) == before


def test_first_config_of_readme_runs(lab: Lab) -> None:
    text = (ROOT / "README.md").read_text().partition("## A first config")[2]
    config, example = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[:2]
    assert len(config.splitlines()) == 5
    lab.config(config.replace("8123", str(free_port("127.0.0.1"))))
    lab.run("run")
    assert re.search(r"^localhost +get +ended +0 .*\nlocalhost +web +ready ", lab.run("status").stdout, re.MULTILINE)
    assert "get | 200\n" in lab.run("logs").stdout
    lab.write("server.sh", "", 0o755)
    lab.write("data/x", "")
    lab.config(example)
    lab.run("config")


@pytest.mark.root
def test_dev_names_packages_without_root() -> None:
    """A user without sudo learns what is missing before anything is installed, and what works without it."""
    with tempfile.TemporaryDirectory() as folder:  # other users need access
        Path(folder).chmod(0o777)
        shutil.copy(ROOT / "dev", folder)
        programs = Path(folder) / "programs"
        programs.mkdir()
        for name in ("sh", "dirname", "id", "openssl", "ssh", "python3", "apt-get", "setpriv", "uv"):
            (programs / name).symlink_to(shutil.which(name, path=f"/usr/bin:{Path(sys.executable).parent}") or name)
        environment = {"PATH": str(programs), "HOME": folder}

        def refusal(task: str) -> list[str]:
            user = ["--reuid", "65534", "--regid", "65534", "--clear-groups"]
            words = [str(programs / "setpriv"), *user, "sh", "./dev", task]
            done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
            assert done.returncode == 1
            return done.stderr.splitlines()

        plan, problem, other_way = refusal("demo")
        assert plan == "dev: installs these packages of your system with apt-get: screen"
        assert problem == "dev: that needs root. Ask an administrator to run: apt-get install screen"
        assert other_way.startswith(
            "dev: Without root, `pip install .` in a virtual environment or `uv tool install .`"
        )
        left_out, *_ = refusal("test")
        assert left_out == "dev: sudo is missing, so tests that need root are left out."
        assert not (Path(folder) / ".venv").exists()
