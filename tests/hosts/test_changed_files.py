"""Files that change here while a sync sends them: no torn file replaces the one on the host."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.runner import Failure, StageError
from fabfile.transfer import upload
from fabfile.transfer.protocol import tar_stream
from rr_config.files.local_files import LocalFile
from tests.support.files import content
from tests.support.lab import Lab
from tests.support.marks import configure
from tests.support.odd_hosts import host_with

SMALL, LARGE = 1000, upload.LARGE
READ = tar_stream.read
REASON = "changed on this machine during the transfer"


@pytest.fixture(params=[SMALL, LARGE])
def size(lab: Lab, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> int:
    """The size of the file `torn`, which loses its second half as soon as a sync reads it. `whole` stays."""
    for module in (tar_stream, upload):
        monkeypatch.setattr(module, "read", read_torn)
    size: int = request.param
    return size


def read_torn(local: LocalFile, *part: int) -> Iterator[bytes]:
    """Truncate `torn` before the first byte is read."""
    if local.path.endswith("torn"):
        Path(local.path).write_text("n" * (local.size // 2))
    yield from READ(local, *part)


def failures(lab: Lab) -> list[Failure]:
    """Run `sync`, which must fail; return its failures by path."""
    with lab.runner() as runner, pytest.raises(StageError) as caught:
        runner.sync()
    return sorted(caught.value.failures, key=lambda failure: failure.where)


def test_torn_file_does_not_replace_the_old_one(lab: Lab, size: int) -> None:
    configure(lab, ["node1"], {"torn": "torn", "whole": "whole"})
    lab.write("torn", "n" * size)
    lab.write("whole", "w" * size)
    work = lab.node1.home / "work"
    work.mkdir()
    (work / "torn").write_text("old")
    assert failures(lab) == [Failure(f"node1:{work}/torn", REASON)]
    assert content(work) == {"torn": "old", "whole": "w" * size}


def test_torn_file_does_not_arrive_in_a_new_folder(lab: Lab, size: int) -> None:
    configure(lab, ["node1"], {"torn": "new/torn", "whole": "new/whole"})
    lab.write("torn", "n" * size)
    lab.write("whole", "w" * size)
    work = lab.node1.home / "work"
    assert failures(lab) == [Failure(f"node1:{work}/new/torn", REASON)]
    assert content(work) == {"new/whole": "w" * size}


def test_every_place_of_a_torn_file_is_reported(lab: Lab, size: int) -> None:
    lab.write("torn", "n" * size)
    lab.config(
        "for name in ('a', 'b'):\n    config.add_component(Component(name=name, host='node1', start_index=1,"
        " executable='x', base_dir=f'~/{name}', files={'torn': 'torn'}))\n"
    )
    home = lab.node1.home
    assert failures(lab) == [Failure(f"node1:{home}/{name}/torn", REASON) for name in ("a", "b")]
    assert not [*home.glob("?/torn")]


def test_torn_copy_does_not_replace_the_old_one(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host cannot copy the file to its second place. It is sent again, and changes meanwhile."""
    host_with(lab, "odd", "cp", "echo 'cp: failed' >&2; exit 1")
    reads: list[str] = []

    def read_torn_later(local: LocalFile, *part: int) -> Iterator[bytes]:
        reads.append(local.path)
        if len(reads) == 2:
            Path(local.path).write_text("n")
        yield from READ(local, *part)

    monkeypatch.setattr(upload, "read", read_torn_later)
    lab.write("torn", "n" * LARGE)
    lab.config(
        "for name in ('a', 'b'):\n    config.add_component(Component(name=name, host='odd', start_index=1,"
        " executable='x', base_dir=f'~/{name}', files={'torn': 'torn'}))\n"
    )
    home = lab.farm.hosts["odd"].home
    for name in ("a", "b"):
        (home / name).mkdir()
        (home / name / "torn").write_text("old")
    assert Failure(f"odd:{home}/b/torn", REASON) in failures(lab)
    assert len(reads) == 2
    assert content(home / "b") == {"torn": "old"}
