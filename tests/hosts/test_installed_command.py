"""The example, and `remote-runner` installed in a fresh environment."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.checkout import ROOT, source_files
from tests.support.config_texts import WEB as COMPONENT
from tests.support.lab import Lab
from tests.support.results import results
from tests.support.waiting import eventually


def example_runs(lab: Lab, program: Sequence[str | Path], environment: Mapping[str, str]) -> None:
    """The example with its muddler and arg parser on two hosts and localhost, with `program` in place of `fab`."""
    shutil.copytree(ROOT / "example", lab.folder / "example")
    options = ["--config", "example/config.py", "--muddler", "example/arg_muddler.py"]
    options += ["--arg-parser", "example/extra_args_parser.py"]
    options += ["--extra-args", "--hosts node1,node2,localhost --count 1"]
    done = subprocess.run(
        [*program, "-S", lab.farm.ssh_config, "run", *options],
        cwd=lab.folder,
        env=environment,
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
    example_runs(lab, lab.command()[:3], lab.environment)


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
    """Build and install a wheel in a fresh virtual environment that has the declared dependencies and nothing else.

    They are links to those of this environment. pip takes 8 s of CPU to unpack them, and `./dev soak` has it do so.
    """
    python = make_environment(folder)
    pip_install(python, "--no-deps", folder / "source")
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    link_dependencies(site)


def make_environment(folder: Path) -> Path:
    """Copy the source into `folder`, create a virtual environment beside it, and return its Python."""
    ignored = shutil.ignore_patterns(".*", "*.egg-info", "build", "__pycache__", "tests", "bench")
    shutil.copytree(ROOT, folder / "source", ignore=ignored)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    return folder / "venv/bin/python"


def pip_install(python: Path, *arguments: str | Path) -> None:
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    subprocess.run([*pip, "install", "-q", *arguments], check=True, env=usual_bytecode(os.environ))


def usual_bytecode(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the tests' folder for compiled modules: those beside the sources are usable."""
    kept = {name: value for name, value in environment.items() if name != "PYTHONPYCACHEPREFIX"}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"}


def link_dependencies(site: Path) -> None:
    """Link the dependencies that the metadata of the wheel declares, and those of each dependency."""
    (own,) = metadata.distributions(path=[str(site)])
    found, extra = [own], "report"
    for distribution in found:
        for requirement in map(Requirement, distribution.requires or []):
            if requirement.marker is None or requirement.marker.evaluate(
                {"extra": extra if distribution is own else ""}
            ):
                found.append(metadata.distribution(requirement.name))
    for distribution in found[1:]:
        for name in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            if not (site / name).exists():
                (site / name).symlink_to(Path(str(distribution.locate_file(name))))


@pytest.mark.soak
def test_pip_installs_the_dependencies(tmp_path: Path) -> None:
    python = make_environment(tmp_path)
    pip_install(python, f"{tmp_path / 'source'}[report]")
    folder = results(tmp_path / "results")
    command: list[str | Path] = [python.with_name("remote-runner"), "report", "--from", folder]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "report.html").is_file()


def test_wheel_has_all_files(installed: Path) -> None:
    (site,) = installed.parent.parent.glob("lib/python*/site-packages")
    listed = source_files(*PACKAGES)
    assert len(listed) > 100
    assert [name for name in listed if not (site / name).is_file()] == []


def test_installed_command_collects(lab: Lab, installed: Path) -> None:
    lab.config(COMPONENT)

    def command(*arguments: str) -> str:
        line: list[str | Path] = [installed, "-S", lab.farm.ssh_config, *arguments]
        environment = usual_bytecode(lab.environment)
        done = subprocess.run(line, cwd=lab.folder, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "started" in command("run", "-c", "cfg.py")
    assert "collected in" in command("collect", "-c", "cfg.py")
    command("report", "-c", "cfg.py")
    assert "node1/web" in (lab.folder / "report.html").read_text()
    command("kill", "-c", "cfg.py")


def test_installed_command_runs_example(lab: Lab, installed: Path) -> None:
    example_runs(lab, [installed], usual_bytecode(lab.environment))


def test_installed_command_has_muddlers(lab: Lab, installed: Path) -> None:
    lab.config(COMPONENT.replace('"web"', '"publisher"').replace("sleep 1000", "echo in a harness"))
    command: list[str | Path] = [installed, "-S", lab.farm.ssh_config, "run", "-c", "cfg.py", "-m", "ta3"]
    environment = usual_bytecode(lab.environment)
    done = subprocess.run(command, cwd=lab.folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    output = lab.node1.state() / "publisher/output"
    eventually(lambda: "in a harness" in output.read_text(), "the output of the program")
    assert list((lab.node1.home / "work/logs").iterdir())


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_installed_command_has_completion(installed: Path, shell: str) -> None:
    done = subprocess.run([installed, "--print-completion-script", shell], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, (ROOT / f"fabfile/completion.{shell}").read_text())
