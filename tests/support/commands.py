"""Run `fab` in the background while a test goes on."""

import subprocess

from tests.support.lab import Lab


def running(lab: Lab, *arguments: str) -> "subprocess.Popen[str]":
    """Start `fab` in its own process group, with stdout and stderr in one pipe."""
    return subprocess.Popen(
        lab.command(*arguments, "--config", "cfg.py"),
        cwd=lab.folder,
        env=lab.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )


def read_line(fab: "subprocess.Popen[str]") -> str:
    assert fab.stdout
    return fab.stdout.readline()
