"""Hosts that mean harm: what they send and say costs them their own results, and nobody else anything."""

import json
import sys
import tarfile
from pathlib import Path

import pytest

from .conftest import Lab
from .test_trust import CONFIG, fab_within_memory, host_with

TWO = "add('a', 'odd', 'exit 0', results=['r'])\nadd('b', 'node1', 'exit 0', results=['r'])"


# ---- what is sent in place of results


def header(name: str, kind: bytes = b"0", size: int = 0) -> bytes:
    """Of a member of a tar stream, that of a regular file or of another kind."""
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def pax(kind: bytes = b"x", **values: str) -> bytes:
    """The header of one, with the values that it sets for the next member, or for all of them (`g`)."""
    lines = b""
    for key, value in values.items():
        line = f" {key}={value}\n".encode()
        size = next(n for n in range(len(line), len(line) + 10) if len(b"%d" % n) + len(line) == n)
        lines += b"%d%s" % (size, line)
    return header("x", kind, len(lines)) + lines + bytes(-len(lines) % 512)


FILE, END = header("./r"), bytes(1024)
STREAMS = {
    "a link of 1 GB, then a name of 1 GB": (
        header("./r", b"2", 1 << 30) + header("././@LongLink", b"L", 1 << 30),
        b"a" * 512,
    ),
    "a file that comes again and again": (b"", FILE),
    "a name within a name": (header("././@LongLink", b"L") * 1900 + FILE + END, b""),
    "a sparse file": (header("./r", b"S") + END, b""),
    "values for all that follows": (pax(b"g", comment="x") + FILE + END, b""),
}


@pytest.mark.parametrize("name", STREAMS)
def test_what_is_no_file_that_was_asked_for_costs_that_host_its_results(lab: Lab, name: str) -> None:
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
    assert (done.returncode, last) == (1, "again, for what failed alone: --limit 'odd/*'")
    (folder,) = (lab.folder / "results").iterdir()
    assert (folder / "node1/b/results/r").exists() and (folder / "run.json").exists()


def test_of_what_comes_with_many_files_nothing_is_kept(lab: Lab) -> None:
    """1,500 files with 512 kB in the headers of each."""
    long = pax(comment="x" * 500_000)
    (lab.folder / "long").write_bytes(long)
    program = f"""
import json
import sys
sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
from tests.test_hostile import header
long = open({str(lab.folder / "long")!r}, "rb").read()
for number in range(1500):
    sys.stdout.buffer.write(long + header(f"./r/{{number}}"))
sys.stdout.buffer.write(bytes(1024))
"""
    lab.write("program", program)
    odd = host_with(lab, "odd", "tar", f"exec {sys.executable} {lab.folder}/program")
    (odd.home / "work/r").mkdir(parents=True)
    for number in range(1500):
        (odd.home / "work/r" / str(number)).touch()
    lab.config(CONFIG + "add('a', 'odd', 'exit 0', results=['r'])")
    done = fab_within_memory(lab, "collect", "-c", "cfg.py")
    assert (done.returncode, done.stderr) == (0, "")


# ---- what is said in place of times


@pytest.mark.parametrize("time", ["253402300800", "9" * 20, "9" * 400, "-99999999999999"])
def test_times_that_no_calendar_has_are_the_nonsense_of_that_host(lab: Lab, time: str) -> None:
    lab.config(CONFIG + "add('a', 'node1')\nadd('b', 'node2')")
    lab.run("run")
    (lab.node1.state() / "a/started").write_text(f"{time}\n")
    status = lab.fab("status", "-c", "cfg.py")
    assert status.returncode == 1
    assert "unknown: answers what cannot be understood" in status.stdout
    for command in ("report", "collect"):
        assert lab.fab(command, "-c", "cfg.py").stderr == ""
    assert "unknown: answers what cannot be understood" in (lab.folder / "report.html").read_text()
    (folder,) = (lab.folder / "results").iterdir()
    assert [each["state"] for each in json.loads((folder / "run.json").read_text())["components"]] == [
        "unknown",
        "running",
    ]
    assert lab.fab("report", "--from", folder).returncode == 0


STAGE = '[{"stage": "x", "began": %s, "ended": null}]'
ORIGIN = '{"format": 2, "config": null, "options": {"x": %s}, "versions": {}, "stages": %s}'


@pytest.mark.parametrize(
    "origin",
    [
        "[" * 200_000,
        ORIGIN % ("[" * 900 + "]" * 900, "[]"),
        *(ORIGIN % ("1", STAGE % began) for began in ("NaN", "Infinity", "1e300", "1e18", "9" * 400)),
    ],
)
def test_origin_that_makes_no_sense_is_as_none(lab: Lab, origin: str) -> None:
    lab.config(CONFIG + "add('a', 'node1')\nadd('b', 'node2')")
    lab.run("run")
    (lab.node1.state() / "a/origin").write_text(origin)
    done = lab.fab("report", "-c", "cfg.py")
    assert (done.returncode, done.stderr) == (0, "")
    lab.run("collect")
    (folder,) = (lab.folder / "results").iterdir()
    run = json.loads((folder / "run.json").read_text())
    assert ([each["run"] for each in run["components"]], len(run["runs"])) == ([None, 0], 1)
    assert lab.fab("report", "--from", folder).returncode == 0


def test_clock_that_no_calendar_has_is_the_nonsense_of_that_host(lab: Lab) -> None:
    host_with(lab, "odd", "date", f"echo {'9' * 400}")
    lab.config(CONFIG + "add('a', 'odd')\nadd('b', 'node1')")
    done = lab.fab("doctor", "--json", "-c", "cfg.py")
    assert done.returncode == 1
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    (odd,) = [each for each in found if each["host"] == "odd"]
    assert odd["verdict"] == "problem"
    assert odd["detail"].startswith("answers what cannot be understood")
