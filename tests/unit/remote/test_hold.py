"""The hold on a session, by scripts that the local sh runs."""

import os
import subprocess
import time
from pathlib import Path

from fabfile.remote.script import command
from tests.support.files import text
from tests.support.scripts import script_of
from tests.support.waiting import eventually


def test_killed_script_leaves_no_hold(tmp_path: Path) -> None:
    """The next one of its connection waits again, as long as another controller is at work."""

    def begin() -> "subprocess.Popen[bytes]":
        pipe = subprocess.PIPE
        script = script_of("lock_session\nanswer holds", "session_lock", session="s").sent_by("me", born=5, group=1)
        # In a session of its own, as every script has: it is the parent that is its controller.
        process = subprocess.Popen(
            ["sh", "-c", command(script)], env=environment, stdin=pipe, stdout=pipe, start_new_session=True
        )
        assert process.stdin
        process.stdin.write(script)
        process.stdin.close()
        return process

    environment = os.environ | {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    with begin() as process:
        assert process.stdout and process.stdout.read().endswith(b"\0holds\0done\0")
    (own,) = tmp_path.rglob(".held.*")
    own.unlink()
    with subprocess.Popen(["sleep", "1000"]) as other:
        born = text(Path(f"/proc/{other.pid}/stat")).rpartition(") ")[2].split()[19]
        (own.parent / f".held.{other.pid}.{born}").write_text("9999999999999 1 a younger one\nheld\n")
        with begin() as process:
            eventually(own.exists, "its claim")
            process.kill()
        with begin() as process:
            time.sleep(1)  # in which it would have answered
            assert process.poll() is None
            other.kill()
            assert process.stdout and process.stdout.read().endswith(b"\0holds\0done\0")


def test_cut_off_script_takes_no_hold(tmp_path: Path) -> None:
    """A script that waits for the session ends with its connection. Then it must not change anything."""
    environment = os.environ | {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    script = script_of("lock_session\nanswer holds", "session_lock", session="s").sent_by("me", born=5, group=1)
    (tmp_path / "script").write_bytes(script)
    # The parent of the session leader is the connection, as the process of sshd is.
    words = ["sh", "-c", 'setsid sh -c "$0" <script & wait', command(script)]

    def begin() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(words, env=environment, cwd=tmp_path, stdout=subprocess.PIPE)

    with begin() as connection:
        assert connection.stdout and connection.stdout.read().endswith(b"\0holds\0done\0")
    (own,) = tmp_path.rglob(".held.*")
    own.unlink()
    with subprocess.Popen(["sleep", "1000"]) as other:
        born = text(Path(f"/proc/{other.pid}/stat")).rpartition(") ")[2].split()[19]
        held = own.parent / f".held.{other.pid}.{born}"
        held.write_text("9999999999999 1 a younger one\nheld\n")
        with begin() as connection:
            eventually(lambda: len(list(own.parent.glob(".held.*"))) == 2, "its claim")
            connection.kill()
            connection.wait()
            other.kill()
            assert connection.stdout and b"\0holds\0" not in connection.stdout.read()
