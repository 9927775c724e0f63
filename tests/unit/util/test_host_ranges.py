"""Host ranges, and lines about many hosts that are shown once."""

import subprocess
import sys

import pytest
from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from hypothesis import given
from hypothesis import strategies as st

from fabfile.util.host_ranges import folded, host_range
from tests.support.checkout import ROOT


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ([], ""),
        (["node1"], "node1"),
        (["web", "db"], "db,web"),
        ([f"node{n}" for n in range(60, 0, -1)], "node[1-60]"),
        (["node17", "node42", "node17"], "node[17,42]"),
        (["node02", "node1", "node10"], "node[1,02,10]"),
        (["node1", "localhost", "node2"], "localhost,node[1-2]"),
        ([f"rack{r}-node{n}" for r in (1, 2) for n in (1, 2, 3)], "rack[1-2]-node[1-3]"),
        (["me@n1:22", "me@n2:22"], "me@n[1-2]:22"),
        (["n1 and n2", "n[3]", "n4", "n5"], "n1 and n2,n[3],n[4-5]"),
        (["@all1", "@all2", "n1!", "n2&n3"], "@all1,@all2,n1!,n2&n3"),
    ],
)
def test_hosts_become_ranges(hosts: list[str], expected: str) -> None:
    assert host_range(hosts) == expected


@given(st.lists(st.from_regex(r"[a-c]{1,2}(-?[0-9]{1,3}){0,2}(\.x)?", fullmatch=True), max_size=20))
def test_ranges_name_the_same_hosts(hosts: list[str]) -> None:
    assert set(NodeSet(host_range(hosts), resolver=RESOLVER_NOGROUP)) == set(hosts)


def test_lines_are_folded_by_component() -> None:
    lines = [(f"node{n}/{name}", "done") for n in (10, 2, 1) for name in ("b", "a")]
    assert list(folded([*lines, ("node3/a", "lost"), ("node4", "done")])) == [
        ("node[1-2,10]/a", "done"),
        ("node[1-2,10]/b", "done"),
        ("node3/a", "lost"),
        ("node4", "done"),
    ]


def test_single_names_load_no_library() -> None:
    code = "import sys; from fabfile.util.host_ranges import host_range; host_range(['node1', 'web'])"
    code += "; sys.exit('ClusterShell' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
