"""Provide hosts for a test and run `fab` on them."""

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
    """Clean hosts and a folder with the config file, for tests of whole commands."""

    farm: Farm
    here: ThrowawayHost
    folder: Path
    prefork: Prefork
    transport: str = "auto"

    @property
    def node1(self) -> ThrowawayHost:
        """Return the first host."""
        return self.farm.hosts["node1"]

    @property
    def node2(self) -> ThrowawayHost:
        """Return the second host."""
        return self.farm.hosts["node2"]

    @property
    def node3(self) -> ThrowawayHost:
        """Return the third host."""
        return self.farm.hosts["node3"]

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        """Write a file in the folder of the config."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def config(self, text: str) -> Path:
        """Write the config file, `cfg.py`."""
        return self.write("cfg.py", text)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of `fab`: that of this machine with another home."""
        left_out = ("STY", "PYTHONDONTWRITEBYTECODE")
        own = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "SSH_")) and k not in left_out}
        compiled = {"PYTHONPYCACHEPREFIX": compiled_modules(self.farm)}
        return own | self.here.environment | compiled | {"COLUMNS": "200"}

    def fab(self, *arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run `fab` in the folder of the config file, with the hosts' ssh config. `env` adds environment variables."""
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
        """Return a command line of `fab`."""
        return [str(FAB), "-r", str(ROOT), "-S", str(self.farm.ssh_config), *map(str, arguments)]

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run `fab` with `--config cfg.py`, and fail the test unless it exits with 0."""
        done = self.fab(*arguments, "--config", "cfg.py")
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done

    def runner(self, observer: Observer | None = None, config: str = "cfg.py", **options: Any) -> Runner:
        """Return a Runner in this process. It must not use localhost, which would be the real one."""
        given = Options(config_file=str(self.folder / config), **{"transport": self.transport} | options)
        settings = Settings(runtime_ssh_path=str(self.farm.ssh_config))
        return Runner(load(given), given, settings, observer or Observer())


def compiled_modules(farm: Farm) -> str:
    """Return the folder for compiled modules. All tests share it: that of the test run, or one beside the hosts."""
    return os.environ.get("PYTHONPYCACHEPREFIX") or str(farm.folder / "compiled")


def repeat(lab: Lab, line: str) -> None:
    """Run a printed command line in another folder."""
    parsed = subprocess.run(["sh", "-c", f"printf '%s\\0' {line}"], capture_output=True, text=True, check=True)
    program, *words, _ = parsed.stdout.split("\0")
    assert program == "fab"
    done = lab.prefork.run([str(FAB), *words], Path("/"), lab.environment, 80)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
