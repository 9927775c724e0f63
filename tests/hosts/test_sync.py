"""`fab sync`: files that reach a host, and files that are sent again."""

import contextlib
import filecmp
import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fabfile.runner import Failure, Observer, StageError
from fabfile.transfer.apply import LocalSources
from fabfile.transfer.checksums import LocalHashes, compare
from fabfile.transfer.inventory import PIECE
from fabfile.transfer.protocol import tar_stream
from fabfile.transfer.protocol.remote_commands import RemoteCommands
from rr_config import Component
from rr_config.files.local_files import LocalFile, Placed, placed_once
from tests.support.checkout import ROOT
from tests.support.connections import connections
from tests.support.farm import ThrowawayHost
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.privileges import BOUND
from tests.support.soak import often
from tests.support.waiting import eventually

ODD_NAMES = [
    *(
        b"a b",
        b" leading and trailing ",
        b"it's",
        b'"quoted"',
        b"new\nline",
        b"two\n\nlines\n",
        b"-dash",
        b"--",
        b"-rf",
    ),
    *(b"$HOME", b"${HOME}", b"`id`", b"$(id)", b"*", b"?", b"[a]", b"back\\slash", b"\\n", b"trailing\\", b"\xff\xfe"),
    *(
        "ünï".encode(),
        b"tab\t",
        b"\x01\x7f",
        b"semi;colon",
        b"&",
        b"#hash",
        b"%t",
        b"...",
        b".hidden",
        b"=",
        b"!",
        b"{a,b}",
    ),
]


def config(
    lab: Lab, files: dict[str, str], hosts: tuple[str, ...] = ("node1",), base_dir: str | None = "~/work"
) -> None:
    """A config with a component on each host, that brings `files`."""
    lab.config(
        f"for host in {hosts}:\n    config.add_component(Component(name='c', host=host, start_index=1,"
        f" executable='x', base_dir={base_dir!a}, files={files!a}))\n"
    )


def bits(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def sent(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """Return the files that were sent. Each of them has a new inode, because it is staged and then renamed."""
    return {name for name in after if before.get(name) != after[name]}


def inodes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def staged(host: ThrowawayHost) -> list[Path]:
    """Staging folders, which should not outlive a sync."""
    return [
        Path(folder) / name for folder, names, _ in os.walk(host.home) for name in names if ".remote-runner" in name
    ]


def test_folder_keeps_permission_bits(lab: Lab) -> None:
    modes = {"tree": 0o750, "tree/deep": 0o711, "tree/deep/er": 0o555, "tree/empty": 0o700, "tree/deep/empty": 0o775}
    modes |= {"tree/f": 0o600, "tree/deep/er/f": 0o444, "tree/deep/run": 0o755, "tree/deep/suid": 0o4755}
    for name in ("tree/f", "tree/deep/er/f", "tree/deep/run", "tree/deep/suid"):
        lab.write(name, name)
    for name, mode in modes.items():
        (lab.folder / name).mkdir(exist_ok=True) if not (lab.folder / name).is_file() else None
        (lab.folder / name).chmod(mode)
    config(lab, {"tree/": "put/here"})
    for _ in range(2):
        lab.run("sync")
        put = lab.node1.home / "work/put"
        assert {f"tree{str(p)[len(str(put / 'here')) :]}": bits(p) for p in put.rglob("*")} == modes
    (lab.folder / "tree/deep").chmod(0o755)
    lab.run("sync")
    assert bits(put / "here/deep") == 0o755


def test_folders_keep_special_bits(lab: Lab) -> None:
    for name, mode in (("sticky", 0o1777), ("group", 0o2775), ("plain", 0o755)):
        lab.write(f"tree/{name}/f", "").parent.chmod(mode)
    (lab.node1.home / "work").mkdir()
    (lab.node1.home / "work").chmod(0o2755)  # what is made below it inherits setgid
    config(lab, {"tree": "tree"}, base_dir="~/work")
    lab.run("sync")
    tree = lab.node1.home / "work/tree"
    assert [(tree / name).stat().st_mode & 0o7777 for name in ("sticky", "group")] == [0o3777, 0o2775]
    assert (tree / "plain").stat().st_mode & 0o777 == 0o755
    assert "permissions set" not in lab.run("sync").stdout
    (tree / "sticky").chmod(0o777)
    assert "permissions" not in lab.run("sync").stderr
    assert (tree / "sticky").stat().st_mode & 0o1777 == 0o1777


def test_names_are_literal(lab: Lab) -> None:
    for made in (b"tree", b"tree/fol der\n$HOME*\\", b"single"):
        Path(os.fsdecode(os.fsencode(lab.folder) + b"/" + made)).mkdir()
    odd = [os.fsdecode(name) for name in ODD_NAMES]
    for written in ("before", "BEFORE"):
        for name in odd:
            for folder in ("tree", "tree/fol der\n$HOME*\\", "single"):
                (lab.folder / folder / name).write_text(f"{written} {name!a}")
        files = {f"single/{name}": f"one by one/{name}" for name in odd} | {"tree": "tree"}
        config(lab, files, base_dir="~/odd 'base' \"dir\"\n$HOME *\\")
        lab.run("sync")
        base_dir = lab.node1.home / "odd 'base' \"dir\"\n$HOME *\\"
        for folder in ("one by one", "tree", "tree/fol der\n$HOME*\\"):
            found = {path.name: path.read_text() for path in (base_dir / folder).iterdir() if path.is_file()}
            assert found == {name: f"{written} {name!a}" for name in odd}
    before = inodes(base_dir)
    lab.run("sync")
    assert sent(before, inodes(base_dir)) == set()
    assert os.listdir(lab.node1.home) == sorted([base_dir.name, ".local"]) or not staged(lab.node1)  # noqa: PTH208


def test_links_are_followed_and_replaced(lab: Lab, tmp_path: Path) -> None:
    lab.write("target", "target")
    lab.write("folder/in", "in")
    for name in ("a", "b", "c"):
        (lab.folder / name).symlink_to("target")
    (lab.folder / "linked").symlink_to("folder")
    host, elsewhere = lab.node1, lab.node1.tmp / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "other").write_text("precious")
    (elsewhere / "b").symlink_to("other")
    (elsewhere / "c").symlink_to("nowhere")
    (host.home / "work").symlink_to(elsewhere)
    config(lab, {"a": "a", "b": "b", "c": "c", "linked": "tree"})
    lab.run("sync")
    assert (host.home / "work").is_symlink(), "base_dir may be a link"
    assert [(elsewhere / name).read_text() for name in ("a", "b", "c", "tree/in")] == ["target"] * 3 + ["in"]
    assert not (elsewhere / "a").is_symlink()
    assert (elsewhere / "other").read_text() == "precious"
    assert not (elsewhere / "nowhere").exists()


def test_destinations_lead_where_they_say(lab: Lab) -> None:
    lab.write("f", "content")
    lab.write("g", "content g")
    lab.write("tree/h", "content h")
    absolute = lab.node1.tmp / "abs olute"
    files = {"f": f"{absolute}/f", "g": "~/in home/g", "tree": "sub/../deep/er"}
    config(lab, files, base_dir=str(lab.node1.tmp / "base"))
    lab.run("sync")
    assert (absolute / "f").read_text() == "content"
    assert (lab.node1.home / "in home/g").read_text() == "content g"
    assert (lab.node1.tmp / "base/deep/er/h").read_text() == "content h"
    assert not (lab.node1.home / "~").exists()


def test_paths_may_lead_above_home(lab: Lab) -> None:
    lab.write("f", "content")
    lab.write("g", "content g")
    config(lab, {"f": "../../beside it/f", "g": "~/../beside it/g"}, base_dir="~/x")
    lab.run("sync")
    assert (lab.node1.home / "../beside it/f").read_text() == "content"
    assert (lab.node1.home / "../beside it/g").read_text() == "content g"
    shutil.rmtree(lab.node1.home / "../beside it")


def test_trailing_slash_means_into_folder(lab: Lab) -> None:
    lab.write("f", "content")
    lab.write("g", "content g")
    lab.write("tree/h", "content h")
    config(lab, {"f": "sub/", "g": "~/", "tree": "trees/"}, base_dir="~/x")
    lab.run("sync")
    assert (lab.node1.home / "x/sub/f").read_text() == "content"
    assert (lab.node1.home / "g").read_text() == "content g"
    assert (lab.node1.home / "x/trees/h").read_text() == "content h"


def test_components_may_share_files(lab: Lab) -> None:
    lab.write("tree/f", "content")
    lab.config(
        "for name in ('one', 'two', 'three'):\n"
        "    config.add_component(Component(name=name, host='node1', start_index=1, executable='/x',"
        " base_dir=None if name == 'three' else '~/work', files={'tree': 'tree'}))\n"
    )
    lab.run("sync")
    assert (lab.node1.home / "work/tree/f").read_text() == "content"
    (temporary,) = lab.node1.tmp.rglob("tree/f")
    assert temporary.read_text() == "content"


def test_shared_content_is_sent_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(100_000)
    for name in ("a", "same as a"):
        (lab.folder / name).write_bytes(content)
    (lab.folder / "b").write_bytes(os.urandom(100_000))
    lab.write("tree/sub/new\nline", "x" * 100_000)
    files = {"a": "a", "same as a": "sub/other name", "b": "b", "tree": "tree"}
    lab.config(
        f"for name in ('one', 'two', 'three'):\n"
        f"    config.add_component(Component(name=name, host='node1', executable='/x', start_index=1, files={files}))\n"
        f"config.add_component(Component(name='four', host='node1', executable='x', start_index=1, base_dir='~/w',"
        f" files={files}))\n"
    )
    sent = []
    send = RemoteCommands.send

    def noted_send(orders: RemoteCommands, data: bytes) -> None:
        sent.append(len(data))
        send(orders, data)

    monkeypatch.setattr(RemoteCommands, "send", noted_send)
    with lab.runner() as runner:
        synced = runner.sync()["node1"]
        assert (synced.sent, synced.sent_bytes) == (16, 300_000)
        assert 300_000 < sum(sent) < 350_000
        folders = [
            Path((lab.node1.state() / name / "base_dir").read_text().strip()) for name in ("one", "two", "three")
        ]
        for folder in (*folders, lab.node1.home / "w"):
            assert (folder / "a").read_bytes() == (folder / "sub/other name").read_bytes() == content
            assert (folder / "b").read_bytes() == (lab.folder / "b").read_bytes()
            assert (folder / "tree/sub/new\nline").read_text() == "x" * 100_000
            assert (folder / "a").stat().st_nlink == 1
        assert runner.sync()["node1"].sent == 0


@pytest.mark.paramiko
def test_hosts_connect_while_files_are_read(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        lab.write(f"tree/{number}", str(number) * 1000)
    lab.config(
        "for host in ('node1', 'node2', 'node3'):\n"
        "    config.add_component(Component(name='c', host=host, executable='/x', start_index=1, files={'tree': 'tree'}))\n"
    )
    read_once: list[str] = []
    read = tar_stream.read

    def noted_read(local: LocalFile, *args: int) -> Iterator[bytes]:
        read_once.append(local.path)
        return read(local, *args)

    monkeypatch.setattr(tar_stream, "read", noted_read)
    with lab.runner() as runner:

        def placed_when_connected() -> Callable[[Component], Sequence[Placed]]:
            remote = list(runner._fleet.group)
            eventually(lambda: all(connection.is_connected for connection in remote), "all hosts are connected")
            return placed_once()

        monkeypatch.setattr("fabfile.runner.inspector.placed_once", placed_when_connected)
        assert {host: synced.sent for host, synced in runner.sync().items()} == dict.fromkeys(
            ("node1", "node2", "node3"), 20
        )
    assert sorted(read_once) == sorted(str(path) for path in (lab.folder / "tree").iterdir())


@pytest.mark.transports
def test_large_file_sends_changed_pieces(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three pieces, the last one of five bytes; each host has another state."""
    size = 2 * PIECE + 5
    lab.write("f", "", 0o750)
    os.truncate(lab.folder / "f", size)
    changes = {"node1": [(0, b"first")], "node2": [(PIECE + 7, b"second"), (2 * PIECE, b"third")], "node3": []}
    lab.config(
        "for host in ('node1', 'node2', 'node3'):\n    config.add_component(Component(name='c', host=host,"
        " start_index=1, executable='x', base_dir='~/work', files={'f': 'f'}))\n"
    )
    for host in (lab.node1, lab.node2, lab.node3):
        (host.home / "work").mkdir()
        shutil.copy(lab.folder / "f", host.home / "work/f")
        (host.home / "other name").hardlink_to(host.home / "work/f")
        with (host.home / "work/f").open("r+b") as file:
            for offset, data in changes[host.name]:
                file.seek(offset)
                file.write(data)
    bytes_sent: dict[str, int] = {}
    send = RemoteCommands.send

    def counted(orders: RemoteCommands, data: bytes) -> None:
        name = threading.current_thread().name
        bytes_sent[name] = bytes_sent.get(name, 0) + len(data)
        send(orders, data)

    monkeypatch.setattr(RemoteCommands, "send", counted)
    with lab.runner() as runner:
        synced = runner.sync()
    assert {host: each.sent_bytes for host, each in synced.items()} == {"node1": PIECE, "node2": PIECE + 5, "node3": 0}
    assert sum(bytes_sent.values()) < 2 * PIECE + 3000
    for host in (lab.node1, lab.node2, lab.node3):
        assert filecmp.cmp(lab.folder / "f", host.home / "work/f", shallow=False)
        assert bits(host.home / "work/f") == 0o750
        is_same_file = (host.home / "work/f").samefile(host.home / "other name")
        assert is_same_file == (host.name == "node3"), "what is in place is replaced, not written into"
        assert not staged(host)


def test_changed_mode_sends_no_content(lab: Lab) -> None:
    """No folder is made of what was hashed, the number of each piece among it."""
    (lab.folder / "large").write_bytes(bytes(PIECE + 1))
    config(lab, {"large": "large"}, base_dir="~/work")
    lab.run("sync")
    (lab.folder / "large").chmod(0o700)
    before = sorted(os.listdir(lab.node1.home))  # noqa: PTH208
    assert "nothing sent, permissions set on 1" in lab.run("sync").stdout
    assert sorted(os.listdir(lab.node1.home)) == before  # noqa: PTH208
    assert [path.name for path in (lab.node1.home / "work").iterdir()] == ["large"]


def test_growing_local_file_is_reported(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.write("f", "")
    os.truncate(lab.folder / "f", PIECE + 5)
    config(lab, {"f": "f"}, base_dir="~/work")
    lab.run("sync")

    class Growing(LocalHashes):
        def __call__(self, local: LocalFile) -> tuple[str, ...]:
            os.truncate(local.path, 3 * PIECE)
            return super().__call__(local)

    monkeypatch.setattr("fabfile.runner.runner.LocalSources", lambda: LocalSources(hashes=Growing()))
    with (
        lab.runner() as runner,
        pytest.raises(StageError) as caught,
    ):
        runner.sync()
    assert caught.value.failures == [
        Failure(f"node1:{lab.node1.home}/work/f", "changed on this machine during the transfer")
    ]


def test_blocked_place_keeps_other_places(lab: Lab) -> None:
    for name in ("f", "g"):
        lab.write(name, "the same")
    config(lab, {"f": "/proc/f", "g": "good/g"}, base_dir=str(lab.node1.home / "work"))
    done = lab.fab("sync", "-c", "cfg.py")
    assert done.returncode == 1
    assert (lab.node1.home / "work/good/g").read_text() == "the same"
    line, repeat = done.stderr.splitlines()
    assert line.startswith("node1:/proc/f: sync: ")
    assert repeat == f"repeat with: fab -r {ROOT} sync --config {lab.folder}/cfg.py -S {lab.farm.ssh_config}"


@pytest.mark.root
def test_foreign_folder_blocks_one_place(lab: Lab) -> None:
    """Its bits cannot be set, which shows only when everything has been moved."""
    bound = "setpriv --bounding-set=-fowner"
    host = lab.farm.add("bound", {"ForceCommand": f'exec {bound} sh -c "$SSH_ORIGINAL_COMMAND"'})
    for name in ("a", "sub/b"):
        lab.write(f"tree/new/{name}", "the same")
    lab.write("tree/theirs/f", "f")
    theirs = host.home / "work/tree/theirs"
    theirs.mkdir(parents=True)
    theirs.chmod(0o777)
    os.chown(theirs, 65534, 65534)
    config(lab, {"tree": "tree"}, ("bound",), base_dir="~/work")
    done = lab.fab("sync", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.startswith(f"bound:{theirs}: sync: operation not permitted\n")
    assert (host.home / "work/tree/new/sub/b").read_text() == (host.home / "work/tree/new/a").read_text() == "the same"
    assert (theirs / "f").read_text() == "f"
    assert not staged(host)


def test_changing_remote_file_stays(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.write("f", "")
    os.truncate(lab.folder / "f", PIECE + 5)
    config(lab, {"f": "f"}, base_dir="~/work")
    there = lab.node1.home / "work/f"
    there.parent.mkdir()
    there.write_text("old")
    os.truncate(there, PIECE + 5)

    def changed_behind_us(*arguments: Any) -> None:
        compare(*arguments)
        with there.open("r+b") as file:
            file.seek(PIECE)
            file.write(b"new")

    monkeypatch.setattr("fabfile.transfer.sync.compare", changed_behind_us)
    with (
        lab.runner() as runner,
        pytest.raises(StageError) as caught,
    ):
        runner.sync()
    assert caught.value.failures == [Failure(f"node1:{there}", "changed on the host during the comparison")]
    assert there.read_bytes()[PIECE:] == b"new\0\0"
    assert not staged(lab.node1)


@pytest.mark.root
def test_forbidden_folders_are_written(lab: Lab) -> None:
    host = lab.farm.add("bound", {"ForceCommand": f'exec {shlex.join(BOUND)} sh -c "$SSH_ORIGINAL_COMMAND"'})
    lab.write("tree/ro/f", "one").parent.chmod(0o555)
    lab.write("tree/g", "g")
    lab.write("named/f", "one")
    (lab.folder / "large").write_bytes(bytes(2 * PIECE + 1))
    (lab.folder / "large").chmod(0o555)
    config(lab, {"tree": "tree", "named": "named", "large": "large"}, ("bound",), base_dir="~/work")
    tree = host.home / "work/tree"
    for written, more in (("one", []), ("two", ["new"])):
        (lab.folder / "tree/ro").chmod(0o755)
        for name in ("f", *more):
            (lab.folder / "tree/ro" / name).write_text(written)
        (lab.folder / "tree/ro").chmod(0o555)
        (lab.folder / "named").chmod(0o755)
        (lab.folder / "named/f").write_text(written)
        (lab.folder / "named").chmod(0o555)
        (lab.folder / "large").write_bytes(written.encode() + bytes(2 * PIECE) + written.encode())
        lab.run("sync")
        assert (host.home / "work/named/f").read_text() == written
        assert bits(host.home / "work/named") == 0o555
        assert filecmp.cmp(lab.folder / "large", host.home / "work/large", shallow=False)
        assert bits(host.home / "work/large") == 0o555
        assert {path.name for path in (tree / "ro").iterdir()} == {"f", *more}
        assert (tree / "ro/f").read_text() == written
        assert bits(tree / "ro") == 0o555
    assert "nothing sent" in lab.run("sync").stdout
    (tree / "g").chmod(0)
    assert "nothing sent, permissions set on 1" in lab.run("sync").stdout
    assert bits(tree / "g") == 0o644


def test_running_program_is_replaced(lab: Lab) -> None:
    shutil.copy(shutil.which("sleep") or "", lab.folder / "x")
    lab.config(
        "config.add_component(Component(name='c', host='node1', start_index=1,"
        " executable='x', args=['1000'], base_dir='~/work', files={'x': 'x'}))\n"
    )
    lab.run("run")
    path = lab.node1.home / "work/x"
    old = path.stat()
    program = Path(f"/proc/{(lab.node1.state() / 'c/pid').read_text().strip()}/exe")
    assert os.path.samestat(program.stat(), old)
    with (lab.folder / "x").open("ab") as file:
        file.write(b"more")
    lab.run("sync")
    assert path.read_bytes() == (lab.folder / "x").read_bytes()
    assert os.path.samestat(program.stat(), old), "the old program goes on"


def largest_besides(arrived: Path) -> int:
    """The size of the largest file below the folder of `arrived`, itself apart."""
    try:
        sizes = [path.stat().st_size for path in arrived.parent.rglob("*") if path.is_file() and path != arrived]
    except FileNotFoundError:  # renamed or removed while we looked
        return 0
    return max(sizes, default=0)


@pytest.mark.parametrize("killed", often(["connection"], ["fab"]))
def test_cut_sync_keeps_old_file(lab: Lab, killed: str) -> None:
    arrived = lab.node1.home / "work/big"
    old = b"old" * 1000
    (lab.folder / "big").write_bytes(old)
    config(lab, {"big": "big"}, hosts=("node1", "node2"))
    lab.run("sync")
    with (lab.folder / "big").open("wb") as big:
        os.posix_fallocate(big.fileno(), 0, 300_000_000)
    command = lab.command("sync", "--config", "cfg.py")
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=lab.folder, env=lab.environment, stderr=pipe, text=True) as fab:
        eventually(lambda: largest_besides(arrived) > 1_000_000, "the file is on its way")
        for pid in [fab.pid] if killed == "fab" else connections(lab.node1):
            with contextlib.suppress(ProcessLookupError):  # a parent may have ended with its child
                os.kill(pid, signal.SIGKILL)
        _, said = fab.communicate(timeout=60)
    assert arrived.read_bytes() == old
    if killed == "connection":
        assert fab.returncode == 1
        assert said.splitlines()[0] == "node1: sync: the connection was lost"
        assert "Traceback" not in said
        assert (lab.node2.home / "work/big").stat().st_size == 300_000_000
    eventually(lambda: not staged(lab.node1), "the half of a file is removed")
    (lab.folder / "big").write_bytes(b"new")
    lab.run("sync")
    assert arrived.read_bytes() == b"new"
    assert staged(lab.node1) == []


def test_temporary_base_dir_is_stable(lab: Lab) -> None:
    lab.write("where.sh", '#!/bin/sh\npwd >>"$HOME/where.$1"\nexec sleep 1000\n', 0o755)
    lab.config(
        "for name in ('one', 'two'):\n"
        "    config.add_component(Component(name=name, host='node1', start_index=1, executable='where.sh',"
        " args=[name], files={'where.sh': 'where.sh'}))\n"
    )
    for stage in ("sync", "screen", "start", "run"):
        lab.run(stage)

    def seen(name: str) -> list[str]:
        path = lab.node1.home / f"where.{name}"
        return text(path).splitlines()

    eventually(lambda: len(seen("one")) == len(seen("two")) == 2, "both programs, started twice")
    assert len(set(seen("one"))) == len(set(seen("two"))) == 1
    assert seen("one") != seen("two")
    assert [path.parent for path in lab.node1.tmp.rglob("where.sh")] != []
    for name in ("one", "two"):
        folder = Path(seen(name)[0])
        assert (folder / "where.sh").exists()
        assert bits(folder) & 0o077 == 0, "others cannot look into it"


class Bytes(Observer):
    """Record the progress of each stage."""

    def __init__(self) -> None:
        self.moved: dict[str, list[tuple[int, int]]] = {}

    def progress(self, stage: str, host: str, done: int, total: int) -> None:
        """Record it."""
        self.moved.setdefault(stage, []).append((done, total))


def test_progress_begins_before_the_first_byte(lab: Lab) -> None:
    """The total of all hosts is known early, and a large file moves the bar while it arrives."""
    size = 3_000_001
    lab.write("big", "x" * size)
    lab.config(
        'config.add_component(Component(name="a", host="node1", executable="/bin/true", start_index=1, base_dir="~",'
        ' files={"big": "big"}, results=["big"]))'
    )
    seen = Bytes()
    with lab.runner(observer=seen, sample=0) as runner:
        runner.sync()
        runner.screen()
        runner.start()
        runner.collect(lab.folder / "results")
    for stage in ("sync", "collect"):
        first, *between, last = seen.moved[stage]
        assert (first, last) == ((0, size), (size, size)), stage
        assert len(between) > 3, stage
