"""Run master and slave harnesses in a folder."""

import re
import subprocess
import sys
from pathlib import Path

import attrs

from tests.support.checkout import ROOT
from tests.support.configs import write
from tests.support.files import text

FOLDER = ROOT / "muddlers/harness"
ECHO = """#!/bin/sh
echo "hello $1"
while IFS= read -r line; do
  case $line in die*) exit "${line#die}" ;; esac
  echo "got $line"
done
"""


@attrs.define
class Bench:
    """A folder in which harnesses run. `by` is a command that runs the harnesses, for example setpriv."""

    folder: Path
    port: int
    processes: list["subprocess.Popen[str]"] = attrs.field(factory=list)
    by: list[str] = attrs.field(factory=list)

    def begin(self, kind: str, name: str, *options: str, programs: dict[str, list[str]]) -> "subprocess.Popen[str]":
        """Start a harness. Its logs go to the folder `name`, its output to the file `name`.said."""
        own = ["--port", str(self.port), "--test", "t", "--logs", name, "--timeout", "10", *options]
        words = [
            w
            for n, command in programs.items()
            for w in ("-n", n, "-p", command[0], "-a", str(len(command) - 1), *command[1:])
        ]
        python = [*self.by, "/usr/bin/python3"] if self.by else [sys.executable]
        command: list[str | Path] = [*python, FOLDER / f"{kind}.py", *own, "--", *words]
        with (self.folder / f"{name}.said").open("w") as said:
            process = subprocess.Popen(command, cwd=self.folder, stdout=said, stderr=subprocess.STDOUT, text=True)
        self.processes.append(process)
        return process

    def slave(self, name: str = "s", **programs: list[str]) -> "subprocess.Popen[str]":
        return self.begin("slave", name, "--name", name, "--master", "127.0.0.1", programs=programs)

    def master(self, steps: str, slaves: str = "s", **programs: list[str]) -> "subprocess.Popen[str]":
        write(self.folder / "t.txt", steps)
        return self.begin("master", "m", "--script", "t.txt", "--slaves", slaves, programs=programs)

    def verdict(self, steps: str, slaves: str = "s", **programs: list[str]) -> tuple[int, str]:
        """Run a master to its end. Return its exit code and its last line, without times."""
        process = self.master(steps, slaves, **programs)
        process.wait(timeout=40)
        said = text(self.folder / "m.said")
        assert "Traceback" not in said, said
        return process.returncode, re.sub(r" in \S+ s$", "", said.splitlines()[-1].partition(" ")[2])
