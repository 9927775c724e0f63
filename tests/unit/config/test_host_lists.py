"""`util.hosts`: ranges, files, and the page about lists of other programs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rr_config import util
from tests.support.checkout import ROOT
from tests.support.configs import loaded, refused, write


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node1", ["node1"]),
        ("node[8-11]", ["node8", "node9", "node10", "node11"]),
        ("node[08-10]", ["node08", "node09", "node10"]),
        ("node[5]", ["node5"]),
        ("rack[1-2]-n[3,10].example.org", [f"rack{rack}-n{n}.example.org" for rack in (1, 2) for n in (3, 10)]),
        ("alice@node[1-2]:2222", ["alice@node1:2222", "alice@node2:2222"]),
        ("10.0.0.[7-8], localhost,node[2,10]", ["10.0.0.7", "10.0.0.8", "localhost", "node2", "node10"]),
        ("bob@fe80::1", ["bob@fe80::1"]),
    ],
)
def test_ranges_become_hosts(text: str, expected: list[str]) -> None:
    assert util.hosts(text) == expected
    assert util.hosts(text, *expected, text) == expected, "each is listed once"


INVALID = ("a b", "", "a,,b", "-x", "node[", "node]", "node[]", "node[a-c]", "node[1-10/2]", "node:99999")
BAD_RANGES = {
    "node[5-1]": "[5-1]; invalid values in range",
    "node[1-]": "[1-]; cannot convert string to integer",
    "node[01-3]": "[01-3]; padding length mismatch",
    "node[1-9999999]": "[1-9999999]; a number has at most 6 digits",
    "r[1-999]n[1-999]": "invalid range of 998,001 hosts; a range has at most 100,000",
}


@pytest.mark.parametrize("text", [*INVALID, *BAD_RANGES])
def test_invalid_range_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"util.hosts({text!r}): invalid ")) as e:
        util.hosts(text)
    assert BAD_RANGES.get(text, "a range such as node[1-60]") in str(e.value)
    if text:
        write(tmp_path / "bad.txt", f"# all\nnode1\n{text}  # bad\nalso bad\n")
        problems = refused(tmp_path, "util.hosts(file='bad.txt')").splitlines()
        assert problems[0].startswith(f"FOLDER/bad.txt:3: {text!r}: invalid ")
        assert problems[1].startswith("FOLDER/bad.txt:4: 'also bad': invalid host 'also bad'; must be a host")


def test_file_lists_hosts(tmp_path: Path) -> None:
    write(tmp_path / "hosts.txt", "# workers\r\n\n  node[1-2]\nnode2 # again\ndb\t\n")
    text = "for host in util.hosts('front', file='hosts.txt'):\n    config.add_component(Component(name='a', host=host, executable='/x', start_index=1))"
    assert [each.host for each in loaded(tmp_path, text).all_components()] == ["front", "node1", "node2", "db"]
    write(tmp_path / "empty.txt", "# none\n")
    assert refused(tmp_path, "util.hosts(file='empty.txt')").startswith("FOLDER/empty.txt: contains no host")
    assert refused(tmp_path, "util.hosts(file='gone.txt')") == "FOLDER/gone.txt: No such file or directory"
    assert "util.hosts(): must have a name, a range or a file" in refused(tmp_path, "util.hosts()")


# What the programs print, and the hosts in it.
LISTINGS = {
    "Ansible": ("ansible", "  hosts (2):\n    web1\n    alice@web2\n", ["web1", "alice@web2"]),
    "Slurm": ("squeue", "node[01-03],big7\n", ["node01", "node02", "node03", "big7"]),
    "Vagrant": (
        "vagrant",
        "Host default\n  HostName 127.0.0.1\n  Port 2222\n\nHost db\n  User vagrant\n",
        ["default", "db"],
    ),
}


@pytest.mark.parametrize("kind", LISTINGS)
def test_page_uses_lists_of_other_programs(tmp_path: Path, kind: str) -> None:
    program, printed, expected = LISTINGS[kind]
    page = (ROOT / "docs/how-to/hosts.md").read_text()
    section = page.partition(f"## {kind}\n")[2].partition("\n## ")[0]
    save, use = (block for _, block in re.findall(r"```(sh|python)\n(.*?)```", section, re.DOTALL))
    assert len((save + use).splitlines()) <= 5
    write(tmp_path / "bin" / program, f"#!/bin/sh\nprintf %s '{printed}'\n").chmod(0o755)
    path = f"{tmp_path}/bin:{Path(shutil.which('sh') or '').parent}:/usr/bin"
    subprocess.run(["sh", "-ec", save], cwd=tmp_path, env={"PATH": path, "SLURM_JOB_ID": "7"}, check=True)
    assert [each.host for each in loaded(tmp_path, use).all_components()] == expected
