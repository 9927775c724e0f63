"""Sparse files: the other side gets the same holes. A sync sends only data."""

import filecmp
import os
from pathlib import Path

import pytest

from fabfile.remote.conversation import Conversation
from fabfile.results import collect
from fabfile.transfer.inventory import PIECE
from fabfile.transfer.protocol.remote_commands import RemoteCommands
from fabfile.transfer.sparse import HOLES
from tests.support.lab import Lab

SIZES = {"big": 2 * PIECE + 5, "hole": 1 << 20, "small": 200_000, "end": 3 << 20}
DATA = {"big": [(4096, 9000), (PIECE - 7, 100_000)], "hole": [], "small": [(100_000, 10)], "end": [((3 << 20) - 3, 3)]}

SENT = (
    "config.add_component(Component(name='c', host='node1', start_index=1, executable='x', base_dir='~/work',"
    " files={'tree': 'tree'}))\n"
)


def make(folder: Path) -> None:
    """Create files with holes, a copy of one, and one with zeros in place of a hole."""
    folder.mkdir()
    for name, size in SIZES.items():
        with (folder / name).open("wb") as file:
            for offset, count in DATA[name]:
                file.seek(offset)
                file.write(os.urandom(count))
            file.truncate(size)
        (folder / name).chmod(0o440)
    (folder / "zeros").write_bytes(bytes(1 << 20))
    (folder / "sub").mkdir()
    os.system(f"cp -p --sparse=always {folder}/big {folder}/sub/same")


def blocks(path: Path) -> int:
    return path.stat().st_blocks * 512


def test_holes_are_neither_sent_nor_filled(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    make(lab.folder / "tree")
    lab.config(SENT)
    sent = []
    send = RemoteCommands.send

    def counted(orders: RemoteCommands, data: bytes) -> None:
        sent.append(len(data))
        send(orders, data)

    monkeypatch.setattr(RemoteCommands, "send", counted)
    there = lab.node1.home / "work/tree"
    with lab.runner() as runner:
        data = sum(-(-count // 4096 + 1) * 4096 for name in DATA for _, count in DATA[name]) + (1 << 20)
        first = runner.sync()["node1"]
        assert first.sent == 6 and first.sent_bytes < data + (1 << 17)
        assert sum(sent) < first.sent_bytes + 20_000
        assert_same(lab.folder / "tree", there)
        assert runner.sync()["node1"].sent == 0
        (lab.folder / "tree/big").chmod(0o640)
        with (lab.folder / "tree/big").open("r+b") as file:
            file.seek(100)
            file.write(b"changed")
        again = runner.sync()["node1"]
        assert (again.sent, again.sent_bytes) == (1, PIECE)
        assert_same(lab.folder / "tree", there)


def test_holes_are_not_hashed(lab: Lab) -> None:
    """To hash 256 GB takes minutes."""
    lab.config(SENT)
    (lab.folder / "tree").mkdir()
    local, there = lab.folder / "tree/huge", lab.node1.home / "work/tree/huge"
    with local.open("wb") as file:
        file.truncate((256 << 30) + 1)
        write(local, 0, b"first")
        write(local, (100 << 30) - 2, b"between two pieces")
    with lab.runner() as runner:
        assert runner.sync()["node1"].sent == 1
        assert runner.sync()["node1"].sent == 0
        write(there, 200 << 30, b"on the host only")
        write(local, (100 << 30) + 2, b"BETWEEN")
        again = runner.sync()["node1"]
        assert (again.sent, again.sent_bytes) == (1, 2 * PIECE)
        assert runner.sync()["node1"].sent == 0
    with local.open("rb") as here, there.open("rb") as file:
        for offset in (0, (100 << 30) - 2, 200 << 30):
            assert os.pread(file.fileno(), 20, offset) == os.pread(here.fileno(), 20, offset)
    assert there.stat().st_size == local.stat().st_size and blocks(there) < 3 * PIECE


def write(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_holes_of_results_are_not_sent(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """`parts` has more parts than a header of tar holds."""
    make(lab.node1.home / "tree")
    (lab.node1.home / "tree/parts").write_bytes(b"")
    with (lab.node1.home / "tree/parts").open("r+b") as file:
        for number in range(25):
            file.seek(number * HOLES * 2)
            file.write(os.urandom(HOLES))
        file.truncate(HOLES * 60)
    lab.config(
        "config.add_component(Component(name='c', host='node1', start_index=1, executable='/bin/true', base_dir='~',"
        " results=['tree'], wait=True))\n"
    )
    received, shown = [], []
    read, fetch = Conversation.read, collect.fetch

    def counted(talk: Conversation, size: int) -> bytes:
        block = read(talk, size)
        received.append(len(block))
        return block

    monkeypatch.setattr(Conversation, "read", counted)
    monkeypatch.setattr(
        collect, "fetch", lambda talk, files, to, _: fetch(talk, files, to, lambda *now: shown.append(now))
    )
    with lab.runner() as runner:
        runner.run()
        collected = runner.collect(lab.folder / "results").folder
    there = sum(blocks(path) for path in (lab.node1.home / "tree").rglob("*") if path.is_file())
    assert sum(received) < there + 50_000 and there < sum(SIZES.values()) / 20
    assert shown[-1][0] == shown[-1][1] > sum(SIZES.values())
    for path in (lab.node1.home / "tree").rglob("*"):
        path.chmod(path.stat().st_mode | 0o600)
    found = collected / "node1/c/results/tree"
    assert_same(lab.node1.home / "tree", found)
    assert blocks(found / "zeros") == 0
    lab.run("collect")
    assert (found / "big").stat().st_nlink == 2


def test_doctor_counts_data_of_sparse_files(lab: Lab) -> None:
    """The file system of the host has less room than the size of the file, and more than its data."""
    free = os.statvfs(lab.node1.home)
    with (lab.folder / "big").open("wb") as file:
        file.write(os.urandom(100_000))
        file.truncate(free.f_bavail * free.f_frsize * 2)
    lab.config(
        "config.add_component(Component(name='c', host='node1', start_index=1, executable='/bin/true', base_dir='~/work',"
        " files={'big': 'big'}))\n"
    )
    assert "needed" not in lab.run("doctor").stdout


def assert_same(here: Path, there: Path) -> None:
    for path in filter(Path.is_file, here.rglob("*")):
        other = there / path.relative_to(here)
        assert filecmp.cmp(path, other, shallow=False), other
        assert path.stat().st_mode == other.stat().st_mode
        assert blocks(other) <= blocks(path) + (1 << 18), other
    assert sorted(path.name for path in there.rglob("*")) == sorted(path.name for path in here.rglob("*"))
