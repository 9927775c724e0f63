"""Hosts that a test works with, and `fab` for them."""

import os
import subprocess
from pathlib import Path
from typing import Any

import attrs
from fabric import Config as Settings

from fabfile.runner import Observer, Runner
from rr_config import Options, load
from tests.support.checkout import FAB, ROOT
from tests.support.farm import Farm, ThrowawayHost
from tests.support.prefork import Prefork


@attrs.frozen
class Lab:
    """What a whole-run test works with: clean hosts, and a folder in which its config file is."""

    farm: Farm
    here: ThrowawayHost
    folder: Path
    prefork: Prefork

    @property
    def node1(self) -> ThrowawayHost:
        """The first host."""
        return self.farm.hosts["node1"]

    @property
    def node2(self) -> ThrowawayHost:
        """The second host."""
        return self.farm.hosts["node2"]

    @property
    def node3(self) -> ThrowawayHost:
        """The third host."""
        return self.farm.hosts["node3"]

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        """A file in the folder of the config."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def config(self, text: str) -> Path:
        """The config file, `cfg.py`."""
        return self.write("cfg.py", text)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of `fab`: that of this machine, with a home of its own.

        Python compiles what it loads once for all tests, as for a user; what it compiles goes with the hosts.
        """
        left_out = ("STY", "PYTHONDONTWRITEBYTECODE")
        own = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "SSH_")) and k not in left_out}
        compiled = {"PYTHONPYCACHEPREFIX": str(self.farm.folder / "compiled")}
        return own | self.here.environment | compiled | {"COLUMNS": "200"}

    def fab(self, *arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run `fab` with the hosts' ssh config in the folder of the config file; with more in its environment, if said."""
        command = self.command(*arguments)
        if not env:
            return self.prefork.run(command, self.folder, self.environment, 60)
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=60,
        )

    def command(self, *arguments: str | Path) -> list[str]:
        """The command line of `fab`."""
        return [str(FAB), "-r", str(ROOT), "-S", str(self.farm.ssh_config), *map(str, arguments)]

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """`fab` with `--config cfg.py` at the end; the test fails unless it exits with 0."""
        done = self.fab(*arguments, "--config", "cfg.py")
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done

    def runner(self, observer: Observer | None = None, config: str = "cfg.py", **options: Any) -> Runner:
        """For a config, in this process. Its localhost is that of who runs the tests: for the other hosts only."""
        given = Options(config_file=str(self.folder / config), **options)
        settings = Settings(runtime_ssh_path=str(self.farm.ssh_config))
        return Runner(load(given), given, settings, observer or Observer())


def repeat(lab: Lab, line: str) -> None:
    """Run a printed command line in another folder."""
    parsed = subprocess.run(["sh", "-c", f"printf '%s\\0' {line}"], capture_output=True, text=True, check=True)
    program, *words, _ = parsed.stdout.split("\0")
    assert program == "fab"
    done = lab.prefork.run([str(FAB), *words], Path("/"), lab.environment, 80)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
