"""Check the exit code and the errors of `fab`."""

import re
import shlex
import subprocess
from pathlib import Path

from tests.support.checkout import ROOT
from tests.support.lab import Lab

Done = subprocess.CompletedProcess[str]


def assert_refused(done: Done, *words: str | Path, code: int = 2) -> None:
    """Check that `fab` exited with `code` and printed all `words`, but no internals such as a traceback."""
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    for word in words:
        assert str(word) in done.stderr
    for inside in ("Traceback", "rr_config/", "fabfile/", "site-packages"):
        assert inside not in output


def assert_failed(done: Done, **reasons: str | Path) -> None:
    """Check that `fab` exited with 1 and printed one line with the reason for each host."""
    assert_refused(done, code=1)
    for host, reason in reasons.items():
        lines = [line for line in done.stderr.splitlines() if line.startswith(host)]
        assert len(lines) == 1, done.stderr
        assert str(reason) in lines[0]
    assert "one or more hosts" not in done.stderr


def repeat_with(lab: Lab, command: str, *options: str) -> str:
    """Return the last line of a failed `fab -c cfg.py`: the command to repeat with, and its own options."""
    words = ["fab", "-r", str(ROOT), *command.split(), "--config", str(lab.folder / "cfg.py"), *options]
    words += [] if lab.transport == "auto" else ["--transport", lab.transport]
    return f"repeat with: {shlex.join([*words, '-S', str(lab.farm.ssh_config)])}"


def timeless(text: str) -> str:
    """Return the output of a command without the durations of components, and without the ends of their outputs."""
    without = re.sub(r"; last lines? of its output:(\n  \| .*)+", "", text)
    return re.sub(r" after (\d+ min )?\d+ s\b", "", without)


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
