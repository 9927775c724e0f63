"""Verdicts of `fab doctor`: limits, clocks and disks."""

from typing import Any

import pytest

from fabfile.diagnosis.checks import (
    Check,
    Diagnosis,
    Verdict,
    clock_check,
    disk_checks,
    limit_checks,
)
from fabfile.diagnosis.packages import Manager
from fabfile.diagnosis.probe import Facts, RootState, Sample, read_clock, read_volumes
from fabfile.diagnosis.volumes import Volume, volumes_of
from fabfile.transfer.inventory import RemoteEntry
from fabfile.transfer.tree import Tree
from fabfile.ui.tables import diagnosis_rows
from fabfile.ui.terminal import RED, YELLOW
from rr_config.files.local_files import LocalFile

APT = Manager("apt-get install", is_root=True, has_sudo=False)


def facts(**changed: Any) -> Facts:
    given: dict[str, Any] = {
        "user": "me",
        "missing": (),
        "lacking": (),
        "manager": APT,
        "processes": (100, 10),
        "terminals": (20, 5),
        "roots": {},
    }
    return Facts(**(given | changed))


def test_clock_uses_the_middle_of_the_question() -> None:
    sample = read_clock("105.500000000", 100.0, 104.0)
    assert sample == Sample(4.0, 3.5)
    assert read_clock("", 1, 2) is None
    assert clock_check([Sample(9.0, 5.0), Sample(0.1, -2.0)]) == Check(
        "clock", Verdict.WARNING, "2.000 s behind this machine (give or take 0.050 s)", -2.0
    )
    assert clock_check([Sample(0.2, 1.05)]).verdict == Verdict.OK, "it may be 0.95 s"
    assert clock_check([Sample(0.2, 1.11)]).detail.startswith("1.110 s ahead of this machine")
    assert clock_check([]).verdict == Verdict.WARNING


@pytest.mark.parametrize(
    ("components", "verdicts"),
    [
        (14, {"windows": "ok", "processes": "ok", "terminals": "ok"}),
        (15, {"windows": "ok", "processes": "ok", "terminals": "warning"}),
        (44, {"windows": "ok", "processes": "ok", "terminals": "warning"}),
        (45, {"windows": "ok", "processes": "warning", "terminals": "warning"}),
        (1999, {"windows": "ok", "processes": "warning", "terminals": "warning"}),
        (2000, {"windows": "problem", "processes": "warning", "terminals": "warning"}),
    ],
)
def test_limits_depend_on_components(components: int, verdicts: dict[str, str]) -> None:
    assert {each.name: str(each.verdict) for each in limit_checks(facts(), components)} == verdicts


def test_unknown_limit_is_a_warning() -> None:
    _, processes, terminals = limit_checks(facts(processes=(None, 10), terminals=None), 10_000)
    assert (processes.verdict, terminals.verdict) == (Verdict.OK, Verdict.WARNING)


def test_bytes_are_summed_by_file_system() -> None:
    local = {name: LocalFile(f"/{name}", 0o644, size) for name, size in {"a": 10, "b": 200, "c": 3000}.items()}
    trees = {
        "~": Tree({"./w/a": local["a"], "./w/b": local["b"], "./w/sub/c": local["c"]}, {"./w": None, "./w/sub": None}),
        "/": Tree({"/mnt/x/a": local["a"]}, {"/mnt/x": None}),
        "temporary:t": Tree({"./c": local["c"]}, {".": None}),
        "~nobody": Tree({"./a": local["a"]}, {".": None}),
    }
    found = facts(roots={root: RootState("there", f"/at/{root}") for root in trees})
    answers: Any = {
        "~": (
            {"./w/a": RemoteEntry(0o100644, 10), "./w/b": RemoteEntry(0o100644, 2)},
            read_volumes([b"1/9 5 100 0 0 ./w", b"1/9 5 100 0 0 ."]),
        ),
        "/": ({}, read_volumes([b"2/9 1 4096 70 7 /mnt", b"1/9 5 100 0 0 /"])),
        "temporary:t": ({"./c": RemoteEntry(0o040755, 3000)}, read_volumes([b"1/9 5 100 0 0 ."])),
        "~nobody": ({}, {}),
    }
    assert volumes_of(found, trees, answers) == [
        Volume("~/w", 500, 6200, None, 2),
        Volume("/mnt/x", 4096, 10, 7, 2),
    ]


def test_missing_root_is_a_problem() -> None:
    roots = {"~x": RootState("lost", "~x"), "/": RootState("there", "/"), "temporary:t": RootState("lost", "/gone")}
    assert list(disk_checks(facts(roots=roots, missing=("coreutils",)), [])) == [
        Check("home", Verdict.PROBLEM, "no such home folder: ~x"),
        Check("home", Verdict.PROBLEM, "no such folder for temporary files: /gone"),
        Check("disk", Verdict.WARNING, "cannot be checked without coreutils and findutils"),
    ]
    volumes = [Volume("/a", 10, 10, 3, 3), Volume("/b", 10, 11), Volume("/c", 0, 0), Volume("/d", 10, 9, 2, 3)]
    found = list(disk_checks(facts(), volumes))
    assert [each.verdict for each in found] == [Verdict.OK, Verdict.WARNING, Verdict.WARNING, Verdict.WARNING]
    assert found[3].detail == "/d: 2 free inodes, 3 needed"


def test_fine_checks_share_one_row() -> None:
    found = [
        Check("login", Verdict.OK, "as me"),
        Check("disk", Verdict.WARNING, "a\x1bb"),
        Check("tar", Verdict.OK, ""),
    ]
    assert diagnosis_rows([Diagnosis("h", tuple(found))]) == [
        (("h", Verdict.WARNING, "disk: a\N{REPLACEMENT CHARACTER}b"), YELLOW),
        (("h", Verdict.OK, "login, tar"), ""),
    ]


def test_hosts_with_equal_rows_share_them() -> None:
    def host(name: str, *others: Check) -> Diagnosis:
        return Diagnosis(name, (Check("login", Verdict.OK, f"as {name}"), *others))

    found = [host("h1"), host("h2", Check("tar", Verdict.PROBLEM, "missing")), host("h3")]
    assert diagnosis_rows(found) == [
        (("h[1-3]", Verdict.OK, "login"), ""),
        (("h2", Verdict.PROBLEM, "tar: missing"), RED),
    ]
