"""The script of a sync, run by the local sh: commands that are incomplete or cannot be carried out."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from fabfile.remote.script import command
from fabfile.transfer.protocol.remote_commands import RemoteCommands, sync_script, write_command
from tests.support.scripts import OWNERSHIP

Snapshot = dict[str, tuple[int, bytes]]


class Recorder:
    """Stands where the connection would be, and keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def expect(self, size: int) -> None:
        """Whatever it is."""


def staging_name(home: Path) -> str:
    """Return the name of staging folders of session `s` on the host."""
    checksum = subprocess.run(
        ["cksum"], input=os.fsencode(home) + b"\n", capture_output=True, check=True
    ).stdout.decode()
    return f".remote-runner-s@{os.uname().nodename}-{checksum.strip().replace(' ', '-')}"


def told(home: Path) -> list[bytes]:
    """RemoteCommands that would do harm if a path in them lost its end: each folder above holds something precious."""
    recorder = Recorder()
    orders = RemoteCommands(recorder, ["~"])  # type: ignore[arg-type]  # of a Conversation only `send` is used
    name = staging_name(home)
    staging = [f"{home}/a/b/{name}", f"{home}/a/c/{name}"]
    orders.enter("~")
    orders.send_command("mkdir", ["./a/b/.", "./a/new folder/."])
    orders.send_command("stage", staging)
    orders.begin(write_command(f"./a/b/{name}/f", 0o640, 4))
    orders.send(b"sent")
    orders.send_command_with_target("copy", [f"{staging[0]}/f"], f"{staging[1]}/copied")
    orders.send_command("move", staging)
    orders.send_command("unstage")
    orders.send_command("chmod", ["./a/b/f", "./a/c"], rest="0700")
    orders.send_command("remove", [f"{home}/a/precious and no more"])
    return recorder.sent


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def obeyed(home: Path, orders: bytes) -> Snapshot:
    """Return the content of a home after a host has received `orders` and nothing more."""
    subprocess.run(["rm", "-rf", "--", home], check=True)
    for name in ("a/precious", "a/precious and no more", "a/b/precious", "a/c/precious", "a/.remote-run"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("precious")
    script = sync_script("s", ["~"], OWNERSHIP).sent_by()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    subprocess.run(["sh", "-c", command(script)], input=script + orders, env=environment, cwd=home, capture_output=True)
    found = [path for path in home.rglob("*") if path.relative_to(home).parts[0] == "a"]
    assert not list(home.rglob(staging_name(home)))
    assert not list(home.rglob(".list*"))
    return {str(p.relative_to(home)): (p.stat().st_mode, b"" if p.is_dir() else p.read_bytes()) for p in found}


def test_whole_orders_are_obeyed(home: Path) -> None:
    after = obeyed(home, b"".join(told(home)))
    assert after["a/b/f"][1] == after["a/c/copied"][1] == b"sent"
    assert after["a/b/f"][0] & 0o777 == after["a/c"][0] & 0o777 == 0o700
    assert after.keys() == {
        *("a", "a/precious", "a/b", "a/b/precious", "a/b/f", "a/c", "a/c/precious", "a/c/copied", "a/new folder"),
        "a/.remote-run",
    }


def test_cut_order_is_ignored(home: Path) -> None:
    """Cut at every place where a path would become another one in the home."""
    before, above = b"", os.fsencode(home.parent)
    for order in told(home):
        untouched = obeyed(home, before)
        places = re.finditer(rb"[/\0\n]|$| and|-runner", order.replace(above, b"." * len(above)))
        for cut in sorted({place.start() for place in places} - {len(order)}):
            assert obeyed(home, before + order[:cut]) == untouched, f"{order[:cut]!r} was obeyed"
        before += order


@pytest.mark.parametrize("size", [100, 131_072, 131_172, 300_000, 1_000_000])
@pytest.mark.parametrize("target", ["./full", "./none/f"])
def test_failed_write_keeps_later_orders(home: Path, target: str, size: int) -> None:
    home.mkdir()
    (home / "full").symlink_to("/dev/full")
    recorder = Recorder()
    orders = RemoteCommands(recorder, ["~"])  # type: ignore[arg-type]  # as in `told`
    orders.enter("~")
    orders.begin(write_command(target, 0o644, size))
    orders.send(b"mkdir 9 \n" * (size // 9 + 1))
    recorder.sent[-1] = recorder.sent[-1][:size]
    orders.send_command("mkdir", ["./behind"])
    script = sync_script("s", ["~"], OWNERSHIP).sent_by()
    answers = subprocess.run(
        ["sh", "-c", command(script)],
        input=script + b"".join(recorder.sent),
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        capture_output=True,
        check=True,
    ).stdout.split(b"\0")
    written, made = [answer for answer in answers if answer.startswith(b"=")][1:]
    assert written.endswith(b"%b: could not be written" % target.encode())
    assert (b"No space left on device" in written) == (target == "./full")
    assert made == b"="
    assert (home / "behind").is_dir()
    assert not (home / "full").is_symlink() or target != "./full"
