"""The example, and `remote-runner` installed in a fresh environment."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, source_files
from tests.support.config_texts import WEB as COMPONENT
from tests.support.lab import Lab
from tests.support.waiting import eventually


def example_runs(lab: Lab, program: Sequence[str | Path]) -> None:
    """The example with its muddler and arg parser on two hosts and localhost, with `program` in place of `fab`."""
    shutil.copytree(ROOT / "example", lab.folder / "example")
    options = ["--config", "example/config.py", "--muddler", "example/arg_muddler.py"]
    options += ["--arg-parser", "example/extra_args_parser.py"]
    options += ["--extra-args", "--hosts node1,node2,localhost --count 1"]
    done = subprocess.run(
        [*program, "-S", lab.farm.ssh_config, "run", *options],
        cwd=lab.folder,
        env=lab.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    for host in (lab.node1, lab.node2, lab.here):
        name = "localhost" if host is lab.here else host.name
        output = host.state() / f"worker-{name}" / "output"
        eventually(lambda output=output: "muddled" in output.read_text(), f"output of {name}")  # type: ignore[misc]
        assert str(host.home) in output.read_text()
        assert host.sessions() == ["runner"]


def test_example_runs_on_hosts(lab: Lab) -> None:
    example_runs(lab, lab.command()[:3])


def test_example_runs_on_localhost(lab: Lab) -> None:
    done = lab.fab("run", "--config", ROOT / "example/config.py")
    assert done.returncode == 0, done.stderr
    assert lab.here.sessions() == ["runner"]
    assert "localhost/worker-localhost" in done.stdout


PACKAGES = ("fabfile", "rr_config", "muddlers")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return `remote-runner`, installed once for all workers."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    program = shared / "installed/venv/bin/remote-runner"
    with (shared / "installed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            install(shared / "installed")
    return program


def install(folder: Path) -> None:
    """Build a wheel, and install it with its dependencies in a fresh virtual environment."""
    folder.mkdir()
    source = folder / "source"
    ignored = shutil.ignore_patterns(".*", "*.egg-info", "build", "__pycache__", "tests", "bench")
    shutil.copytree(ROOT, source, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", folder, source], check=True)
    shutil.rmtree(source)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = str(folder / "venv/bin/python")
    # Python compiles the few modules that are used. To compile all of plotly takes 6 s.
    subprocess.run([*pip, "--python", python, "install", "-q", "--no-compile", f"{wheel}[report]"], check=True)


def test_wheel_has_all_files(installed: Path) -> None:
    (site,) = installed.parent.parent.glob("lib/python*/site-packages")
    listed = source_files(*PACKAGES)
    assert len(listed) > 100
    assert [name for name in listed if not (site / name).is_file()] == []


def test_installed_command_collects(lab: Lab, installed: Path) -> None:
    lab.config(COMPONENT)

    def command(*arguments: str) -> str:
        line: list[str | Path] = [installed, "-S", lab.farm.ssh_config, *arguments]
        done = subprocess.run(line, cwd=lab.folder, env=lab.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "started" in command("run", "-c", "cfg.py")
    assert "collected in" in command("collect", "-c", "cfg.py")
    command("report", "-c", "cfg.py")
    assert "node1/web" in (lab.folder / "report.html").read_text()
    command("kill", "-c", "cfg.py")


def test_installed_command_runs_example(lab: Lab, installed: Path) -> None:
    example_runs(lab, [installed])


def test_installed_command_has_muddlers(lab: Lab, installed: Path) -> None:
    lab.config(COMPONENT.replace('"web"', '"publisher"').replace("sleep 1000", "echo in a harness"))
    command: list[str | Path] = [installed, "-S", lab.farm.ssh_config, "run", "-c", "cfg.py", "-m", "ta3"]
    done = subprocess.run(command, cwd=lab.folder, env=lab.environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    output = lab.node1.state() / "publisher/output"
    eventually(lambda: "in a harness" in output.read_text(), "the output of the program")
    assert list((lab.node1.home / "work/logs").iterdir())


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_installed_command_has_completion(installed: Path, shell: str) -> None:
    done = subprocess.run([installed, "--print-completion-script", shell], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, (ROOT / f"fabfile/completion.{shell}").read_text())
