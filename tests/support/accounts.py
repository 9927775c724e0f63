"""Users of this machine that exist for a test."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from pwd import getpwnam

import attrs

from tests.support.waiting import eventually


@attrs.frozen
class Account:
    """A user of this machine, who logs in with a password."""

    name: str
    password: str
    home: Path

    def end_processes(self) -> None:
        """Kill all processes of the user."""
        uid = getpwnam(self.name).pw_uid
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if process.stat().st_uid == uid:
                    os.kill(int(process.name), signal.SIGKILL)


@contextlib.contextmanager
def account(password: str) -> Iterator[Account]:
    """Create a user with a home, and remove both."""
    home = Path(tempfile.mkdtemp(prefix="rr.", dir="/tmp"))
    made = Account(f"rr{secrets.token_hex(4)}", password, home)
    crypt = subprocess.run(["openssl", "passwd", "-6", password], check=True, capture_output=True, text=True)
    options: list[str | Path] = ["-M", "-d", home, "-s", "/bin/sh", "-p", crypt.stdout.strip()]
    # Refused while another one is being made.
    eventually(lambda: subprocess.run(["useradd", *options, made.name]).returncode == 0, "the user to be made")
    try:
        shutil.chown(home, made.name, made.name)
        yield made
    finally:
        # Refused as long as sshd has not ended the last process of the user.
        eventually(lambda: subprocess.run(["userdel", made.name]).returncode == 0, "the user to be removed")
        shutil.rmtree(home)
