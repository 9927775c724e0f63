"""Hosts that send harmful tar streams in place of results."""

import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.collections import collections_in
from tests.support.config_texts import IN_WORK as CONFIG
from tests.support.lab import Lab
from tests.support.memory import fab_within_little_memory, fab_within_memory
from tests.support.odd_hosts import host_with
from tests.support.outcomes import repeat_with
from tests.support.tar_headers import header, pax, sparse


def archive(name: str, content: bytes = b"evil", headers: dict[str, str] | None = None, kind: bytes = b"0") -> bytes:
    """A tar stream of one file."""
    member = tarfile.TarInfo(name)
    member.size, member.type, member.pax_headers = len(content), kind, headers or {}
    member.linkname = "/etc/passwd" if kind != tarfile.REGTYPE else ""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as file:
        file.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def archives() -> Iterator[bytes]:
    """Yield harmful streams."""
    yield archive("../../../../evil")
    yield archive("/tmp/rr-evil")
    yield archive("./result", b"", kind=tarfile.SYMTYPE)
    yield archive("./result", b"", kind=tarfile.LNKTYPE)
    yield archive("./result", headers={"comment": "x" * 50_000_000})
    yield b"no archive" * 1000
    yield b""


def test_hostile_archive_stays_in_folder(lab: Lab) -> None:
    """Each host sends another archive, and all of them at once stay within the memory of one."""
    names = []
    for number, stream in enumerate(archives()):
        odd = host_with(lab, f"odd{number}", "tar", "cat ~/stream; exec 1>&-; sleep 1")
        (odd.home / "stream").write_bytes(stream)
        names.append(odd.name)
    lab.config(
        CONFIG
        + f"for host in {names}:\n    add('a', host, 'echo good >result', results=['result'])\n"
        + "add('b', 'node1', 'echo good >result', results=['result'])"
    )
    lab.fab("run", "-c", "cfg.py")
    before = set(Path("/tmp").glob("rr-evil")) | set(lab.folder.parent.rglob("evil"))
    done = fab_within_memory(lab, "collect", "-c", "cfg.py", "--io-timeout", "5")
    assert done.returncode == 1
    *failed, last = done.stderr.splitlines()
    assert sorted(line.partition(": collect: ")[0] for line in failed) == names, done.stderr
    limit = f"odd[0-{len(names) - 1}]/*"
    assert last == repeat_with(lab, "collect", "--limit", limit, "--io-timeout", "5")
    (folder,) = collections_in(lab.folder / "results")
    assert set(Path("/tmp").glob("rr-evil")) | set(lab.folder.parent.rglob("evil")) == before
    for name in names:
        assert {path.name for path in (folder / name).rglob("*") if not path.is_dir()} <= {"output"}
    assert (folder / "node1/b/results/result").read_text() == "good\n"


TWO = "add('a', 'odd', 'exit 0', results=['r'])\nadd('b', 'node1', 'exit 0', results=['r'])"
FILE, END = header("./r"), bytes(1024)
STREAMS = {
    "a link of 1 GB, then a name of 1 GB": (
        header("./r", b"2", 1 << 30) + header("././@LongLink", b"L", 1 << 30),
        b"a" * 512,
    ),
    "a file that comes again and again": (b"", FILE),
    "a name within a name": (header("././@LongLink", b"L") * 1900 + FILE + END, b""),
    "a sparse file without its part of 1 GB, then a name of 1 GB": (
        sparse((1 << 20, 1 << 30), size=0, stored=0) + header("././@LongLink", b"L", 1 << 30),
        b"a" * 512,
    ),
    "a sparse file with endless data": (sparse((0, 512), stored=1 << 31), b"a" * 512),
    "values for all that follows": (pax(b"g", comment="x") + FILE + END, b""),
}


@pytest.mark.parametrize("name", STREAMS)
def test_hostile_stream_fails_one_host(lab: Lab, name: str) -> None:
    begin, repeated = STREAMS[name]
    (lab.folder / "begin").write_bytes(begin)
    (lab.folder / "again").write_bytes(repeated * 1000)
    forever = f"while cat {lab.folder}/again; do :; done" if repeated else "exec 1>&-; sleep 1"
    odd = host_with(lab, "odd", "tar", f"cat {lab.folder}/begin; {forever}")
    for host in (odd, lab.node1):
        (host.home / "work").mkdir()
        (host.home / "work/r").touch()
    lab.config(CONFIG + TWO)
    done = fab_within_memory(lab, "collect", "-c", "cfg.py", "--io-timeout", "5")
    failed, last = done.stderr.splitlines()
    assert failed.startswith("odd: collect: "), done.stderr
    assert "unexpected file './r', 512 bytes" in failed or name != "a sparse file with endless data"
    assert (done.returncode, last) == (1, repeat_with(lab, "collect", "--limit", "odd/*", "--io-timeout", "5"))
    (folder,) = collections_in(lab.folder / "results")
    assert (folder / "node1/b/results/r").exists() and (folder / "run.json").exists()


def test_long_headers_are_not_kept(lab: Lab) -> None:
    """200 files with 500 kB in the headers of each: 100 MB. A collection needs less than 130 MB."""
    long = pax(comment="x" * 500_000)
    (lab.folder / "long").write_bytes(long)
    program = f"""
import json
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.support.tar_headers import header
long = open({str(lab.folder / "long")!r}, "rb").read()
for number in range(200):
    sys.stdout.buffer.write(long + header(f"./r/{{number}}"))
sys.stdout.buffer.write(bytes(1024))
"""
    lab.write("program", program)
    odd = host_with(lab, "odd", "tar", f"exec {sys.executable} {lab.folder}/program")
    (odd.home / "work/r").mkdir(parents=True)
    for number in range(200):
        (odd.home / "work/r" / str(number)).touch()
    lab.config(CONFIG + "add('a', 'odd', 'exit 0', results=['r'])")
    done = fab_within_little_memory(lab, "collect", "-c", "cfg.py", memory=160 << 20)
    assert (done.returncode, done.stderr) == (0, "")
