"""`fab doctor`: what hosts lack, by their own account, and how it is installed."""

import json
import os
import pty
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fabfile.diagnosis.checks import (
    Check,
    Diagnosis,
    Verdict,
    Volume,
    clock_check,
    disk_checks,
    limit_checks,
    volumes_of,
)
from fabfile.diagnosis.packages import NEEDED, UNATTENDED, Manager
from fabfile.diagnosis.probe import Facts, Root, Sample, probe_script, read_clock, read_facts, read_volumes
from fabfile.remote.script import command, read_script
from fabfile.runner import Runner
from fabfile.transfer.inventory import RemoteEntry
from fabfile.transfer.tree import Tree
from fabfile.ui.tables import diagnosis_rows
from rr_config import Component, Config
from rr_config.local_files import LocalFile

from .conftest import Lab
from .test_start import sessions_begun
from .throwaway import own_name

APT = Manager("apt-get install", is_root=True, has_sudo=False)
CONFIG = """
config.add_component(Component(name="a", host="node1", executable="x", start_index=1, base_dir="~/work", files={"x": "x"}))
config.add_component(Component(name="b", host="node2", executable="x", start_index=1, files={"x": "x"}))
config.add_component(Component(name="c", host="localhost", executable="/bin/true", start_index=1))
"""
ONE = """
config.add_component(Component(name="a", host="bare", executable="/bin/true", start_index=1))
"""
# Stands for a package manager: its packages are programs of this machine.
APT_GET = """#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >>BIN/told
[ "$1" = install ] || exit 0
shift 2
for package; do
  program=$(PATH=$USUAL command -v "$package") || { echo "E: Unable to locate package $package"; exit 100; }
  ln -s "$program" BIN/
done
"""
ALL = [*NEEDED, "login", "clock", "windows", "processes", "terminals", "disk"]


def bare(lab: Lab, lacking: Sequence[str] = (), own: Mapping[str, str] | None = None) -> Path:
    """A host `bare` whose programs are those of this machine but for `lacking`, and its `own`; the folder of them."""
    programs = lab.folder / "bin"
    programs.mkdir()
    for name, text in {"apt-get": APT_GET, **(own or {})}.items():
        (programs / name).write_text(text.replace("BIN", str(programs)).replace("$USUAL", os.environ["PATH"]))
        (programs / name).chmod(0o755)
    for folder in ("/usr/local/bin", "/usr/bin", "/bin"):
        for path in Path(folder).iterdir():
            if path.name not in lacking and not (programs / path.name).exists():
                (programs / path.name).symlink_to(path)
    lab.farm.add("bare", {"ForceCommand": f'cd && PATH={programs} exec sh -c "$SSH_ORIGINAL_COMMAND"'})
    return programs


def checks(lab: Lab, *words: str, code: int) -> dict[tuple[str, str], dict[str, Any]]:
    """What `fab doctor --json` says, by host and check."""
    done = lab.fab("doctor", "--json", "-c", "cfg.py", *words)
    assert done.returncode == code, done.stdout + done.stderr
    return {(each["host"], each["check"]): each for each in json.loads(done.stdout)}


def rows(text: str) -> list[tuple[str, ...]]:
    """The cells of the table."""
    header, *lines = text.splitlines()
    assert header.split() == ["HOST", "RESULT", "FOUND"]
    return [tuple(re.split(r"  +", line, maxsplit=2)) for line in lines]


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


# -- pure


def test_answers_are_read() -> None:
    answers = ["has screen", "has tar", "user me too 1000", "manager dnf install", "sudo yes", "processes 7000 12"]
    answers += ["terminals  ", "root there /home/me", "root new /a b", "lacks strace", "lacks a b"]
    found = read_facts(["~", "temporary:c"], answers)
    assert found == Facts(
        "me too",
        ("openssl", "coreutils", "findutils", "grep", "sed"),
        ("strace", "a b"),
        Manager("dnf install", is_root=False, has_sudo=True),
        (7000, 12),
        None,
        {"~": Root("there", "/home/me"), "temporary:c": Root("new", "/a b")},
    )
    assert not found.can_tell_of_files
    answers[2:6] = ["user root 0", "manager ", "processes unlimited 5"]
    found = read_facts(["~", "temporary:c"], answers)
    assert (found.manager, found.processes) == (None, (None, 5))


def test_clock_is_compared_with_the_middle_of_the_question() -> None:
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
def test_limits_are_compared_with_the_number_of_components(components: int, verdicts: dict[str, str]) -> None:
    assert {each.name: str(each.verdict) for each in limit_checks(facts(), components)} == verdicts


def test_what_has_no_limit_is_enough_and_what_is_not_known_is_a_warning() -> None:
    _, processes, terminals = limit_checks(facts(processes=(None, 10), terminals=None), 10_000)
    assert (processes.verdict, terminals.verdict) == (Verdict.OK, Verdict.WARNING)


def test_bytes_are_added_up_by_file_system_but_for_what_is_there() -> None:
    local = {name: LocalFile(f"/{name}", 0o644, size) for name, size in {"a": 10, "b": 200, "c": 3000}.items()}
    trees = {
        "~": Tree({"./w/a": local["a"], "./w/b": local["b"], "./w/sub/c": local["c"]}, {"./w": None, "./w/sub": None}),
        "/": Tree({"/mnt/x/a": local["a"]}, {"/mnt/x": None}),
        "temporary:t": Tree({"./c": local["c"]}, {".": None}),
        "~nobody": Tree({"./a": local["a"]}, {".": None}),
    }
    found = facts(roots={root: Root("there", f"/at/{root}") for root in trees})
    answers: Any = {
        "~": (
            {"./w/a": RemoteEntry(0o100644, 10), "./w/b": RemoteEntry(0o100644, 2)},
            read_volumes([b"1/9 5 100 ./w", b"1/9 5 100 ."]),
        ),
        "/": ({}, read_volumes([b"2/9 1 4096 /mnt", b"1/9 5 100 /"])),
        "temporary:t": ({"./c": RemoteEntry(0o040755, 3000)}, read_volumes([b"1/9 5 100 ."])),
        "~nobody": ({}, {}),
    }
    assert volumes_of(found, trees, answers) == [Volume("~/w", 500, 6200), Volume("/mnt/x", 4096, 10)]


def test_root_that_is_not_there_is_a_problem_and_what_cannot_be_looked_at_a_warning() -> None:
    roots = {"~x": Root("lost", "~x"), "/": Root("there", "/"), "temporary:t": Root("lost", "/gone")}
    assert list(disk_checks(facts(roots=roots, missing=("coreutils",)), [])) == [
        Check("home", Verdict.PROBLEM, "there is no home folder ~x"),
        Check("home", Verdict.PROBLEM, "there is no folder for temporary files /gone"),
        Check("disk", Verdict.WARNING, "cannot be looked at without coreutils and findutils"),
    ]
    volumes = [Volume("/a", 10, 10), Volume("/b", 10, 11)]
    assert [each.verdict for each in disk_checks(facts(), volumes)] == [Verdict.OK, Verdict.WARNING]


@pytest.mark.parametrize("line", UNATTENDED)
def test_every_package_manager_is_told_not_to_ask(line: str) -> None:
    program = line.split()[0]
    assert f"'{line}'" in read_script("prologue.sh")
    as_root = Manager(line, True, True).unattended(["screen", "tar"])
    assert re.search(rf"\b{program} .*(-y|--noconfirm|--non-interactive|--update-cache)\b.* screen tar$", as_root)
    with_sudo = Manager(line, False, True)
    assert with_sudo.unattended(["x"]).count("sudo -n ") == len(UNATTENDED[line])
    assert with_sudo.by_hand(["x"]) == f"sudo {line} x"
    assert Manager(line, False, False).unattended(["x"]) == ""


def test_nothing_is_installed_where_nobody_can_become_root() -> None:
    config = Config([Component(name="a", host="no.invalid", executable="/x", start_index=1)])
    with Runner(config) as runner:
        lacking = Diagnosis("no.invalid", (), ("screen",), Manager("apt-get install", is_root=False, has_sudo=False))
        assert runner.install([lacking]) == {}


def test_rows_are_the_problems_and_what_is_fine_in_one() -> None:
    found = [
        Check("login", Verdict.OK, "as me"),
        Check("disk", Verdict.WARNING, "a\x1bb"),
        Check("tar", Verdict.OK, ""),
    ]
    assert diagnosis_rows(Diagnosis("h", tuple(found))) == [
        ("h", Verdict.WARNING, "disk: a\N{REPLACEMENT CHARACTER}b"),
        ("h", Verdict.OK, "login, tar"),
    ]


@pytest.mark.parametrize("sh", ["dash", "bash"])
def test_script_says_where_roots_are_and_survives_paths_that_are_not(sh: str, tmp_path: Path) -> None:
    (tmp_path / "-a 'b'\n$c").write_text("1234")
    (tmp_path / "there").mkdir()
    state_folder = tmp_path / "state/remote-runner" / os.uname().nodename / "s" / "known"
    state_folder.mkdir(parents=True)
    (state_folder / "base_dir").write_text(f"{tmp_path}/there\n")
    script = probe_script("s", [], ["~", "~no-such-user", "temporary:known", "temporary:new"]).sent_by()
    listed = b"-a 'b'\n$c\0none\0"
    lost = b"none\0" * 100_000  # more than a pipe holds: all of it has to be taken in
    orders = b"folders 2 %d\n%sfiles 1 %d\n%sfolders 1 2\n.\0clock\nend\n" % (len(lost), lost, len(listed), listed)
    own = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    done = subprocess.run(
        [sh, "-c", command(script)], input=script + orders, env=os.environ | own, capture_output=True, check=True
    )
    assert done.stderr == b""
    greeting, rest = done.stdout.split(b"looked\0")
    assert (
        b"root there %s\0root lost ~no-such-user\0root there %s/there\0root new %s\0" % ((os.fsencode(tmp_path),) * 3)
        in greeting
    )
    nothing, of_file, end, of_folder, end_of_folders, clock, *last = rest.split(b"\0")
    assert (nothing, end, end_of_folders, last) == (b"", b"", b"", [b"done", b""])
    assert of_file == b"81a4 4 -a 'b'\n$c"
    assert re.fullmatch(rb"\w+/\d+ \d+ \d+ \.", of_folder)
    assert re.fullmatch(rb"\d+\.\d{9}", clock)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["-a 'b'\n$c", "state", "there"]


# -- whole


def test_hosts_that_lack_nothing_have_a_line_each_and_nothing_is_changed_there(lab: Lab) -> None:
    lab.write("x", "#!/bin/sh\n" + "#" * 100_000, 0o755)
    lab.config(CONFIG)
    before = sessions_begun(lab.node1)
    done = lab.run("doctor")
    assert sessions_begun(lab.node1) == before + 1, "one script a host"
    assert done.stderr == ""
    assert [row[:2] for row in rows(done.stdout)] == [("localhost", "ok"), ("node1", "ok"), ("node2", "ok")]
    assert {frozenset(row[2].split(", ")) for row in rows(done.stdout)} == {frozenset(ALL)}
    found = checks(lab, code=0)
    assert {check for _, check in found} == set(ALL)
    assert found["node1", "disk"]["wanted"] == found["node2", "disk"]["wanted"] == 100_010
    assert found["node1", "disk"]["measured"] > 1_000_000
    assert found["node1", "disk"]["detail"].startswith("~/work: 100.0 kB are to come, ")
    assert found["node2", "disk"]["detail"].startswith(f"{lab.node2.tmp}: 100.0 kB are to come, ")
    assert abs(found["node1", "clock"]["measured"]) < 0.5
    assert found["node1", "terminals"]["wanted"] == 2
    most, number = (int(Path(f"/proc/sys/kernel/pty/{name}").read_text()) for name in ("max", "nr"))
    assert found["node1", "terminals"]["measured"] == pytest.approx(most - number, abs=most / 2)
    assert not list(lab.node1.home.iterdir()) and not list(lab.node2.tmp.iterdir())
    lab.run("sync")
    found = checks(lab, code=0)
    assert found["node1", "disk"]["wanted"] == found["node2", "disk"]["wanted"] == 0
    assert checks(lab, "--always-copy", code=0)["node1", "disk"]["wanted"] == 100_010


def test_what_hosts_lack_is_said_of_each_and_one_that_cannot_be_reached_is_a_line(lab: Lab) -> None:
    slow = '#!/bin/sh\nexec /bin/date "$@" -d "now - 1 hour"\n'
    bare(lab, ["screen", "openssl"], {"date": slow})
    sparse = lab.folder / "big"
    with sparse.open("wb") as file:
        file.truncate(1 << 43)
    lab.config(
        ONE.replace("/bin/true", "x").replace("start", "files={'big': 'x'}, start") + ONE.replace("bare", "node1")
    )
    lab.farm.stop(lab.node1)
    try:
        done = lab.fab("doctor", "-c", "cfg.py")
        found = checks(lab, code=1)
    finally:
        lab.farm.start(lab.node1)
    assert done.returncode == 1
    shown = rows(done.stdout)
    assert shown[0][:2] == ("bare", "problem")
    assert shown[0][2] == "screen: not installed; install it there with: apt-get install screen"
    assert shown[1][2] == "openssl: not installed; install it there with: apt-get install openssl"
    assert [row[1] for row in shown[2:]] == ["warning", "warning", "ok", "problem"], done.stdout
    assert re.fullmatch(r"clock: 3,\d\d\d\.\d{3} s behind this machine \(give or take \d\.\d{3} s\)", shown[2][2])
    assert re.fullmatch(r"disk: \S+: 8\.8 TB are to come, .* are free", shown[3][2])
    assert shown[5][0] == "node1" and "connection refused" in shown[5][2]
    assert found["bare", "screen"]["verdict"] == "problem"
    assert found["bare", "clock"]["verdict"] == found["bare", "disk"]["verdict"] == "warning"
    assert found["node1", "login"]["verdict"] == "problem"


def test_warnings_alone_do_not_fail_nor_do_programs_of_another_kind_pass(lab: Lab) -> None:
    small = '#!/bin/sh\nfor word; do case $word in --printf) exit 1 ;; esac; done\nexec /usr/bin/stat "$@"\n'
    programs = bare(lab, own={"date": '#!/bin/sh\nexec /bin/date "$@" -d "now + 1 hour"\n', "stat": small})
    lab.config(ONE)
    found = checks(lab, code=1)
    assert found["bare", "coreutils"]["detail"].startswith("not installed, or not that of GNU; install it there with: ")
    assert found["bare", "disk"]["verdict"] == "warning"
    (programs / "stat").unlink()
    (programs / "stat").symlink_to("/usr/bin/stat")
    found = checks(lab, code=0)
    assert found["bare", "clock"]["measured"] == pytest.approx(3600, abs=5)


def test_one_home_by_two_names_is_a_problem(lab: Lab) -> None:
    node1 = lab.node1
    with lab.farm.ssh_config.open("a") as ssh_config:
        login = f"User {own_name()}\n IdentityFile {lab.farm.key}"
        ssh_config.write(f"Host near\n HostName {node1.address}\n Port {node1.port}\n ProxyJump node2\n {login}\n")
    lab.config("".join(ONE.replace("bare", host) for host in ("near", "node1", "node2")))
    done = lab.fab("doctor", "-c", "cfg.py")
    assert "near and node1  problem  login: are one home on one machine; call it by one of these names" in done.stdout
    assert (done.returncode, done.stdout.count("problem")) == (1, 1)


def test_missing_programs_are_installed_and_the_run_goes_well(lab: Lab) -> None:
    programs = bare(lab, ["screen", "openssl"])
    lab.config(ONE)
    refused = lab.fab("doctor", "-c", "cfg.py", "--install")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "--install: there is no terminal on which to ask; add --yes if it need not be asked\n"
    assert not (programs / "told").exists()
    done = lab.run("doctor", "--install", "--yes")
    command = "apt-get update; env DEBIAN_FRONTEND=noninteractive apt-get install -y screen openssl"
    assert done.stderr == f"to be installed:\n  bare  {command}\n"
    before, after = done.stdout.split("HOST", 2)[1:]
    assert before.count("problem") == 2
    assert after.count("problem") == 0
    assert (programs / "told").read_text().split("\n") == [" update", "noninteractive install -y screen openssl", ""]
    lab.run("run")
    assert lab.fab("doctor", "-c", "cfg.py", "--install", "--yes").stderr == "", "there is nothing to install any more"


def test_the_user_is_asked_on_a_terminal(lab: Lab) -> None:
    programs = bare(lab, ["screen"])
    lab.config(ONE)

    def answered(word: bytes) -> subprocess.CompletedProcess[str]:
        ours, theirs = pty.openpty()
        os.write(ours, word)
        command = lab.command("doctor", "--json", "--install", "-c", "cfg.py")
        try:
            return subprocess.run(
                command, cwd=lab.folder, env=lab.environment, stdin=theirs, capture_output=True, text=True
            )
        finally:
            os.close(ours)
            os.close(theirs)

    done = answered(b"\n")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "install? [y/N] nothing has been installed")
    assert not (programs / "told").exists()
    done = answered(b"y\n")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "install? [y/N] ")
    assert {each["verdict"] for each in json.loads(done.stdout)} == {"ok"}
    assert (programs / "screen").is_symlink()


def test_what_the_package_manager_says_is_told(lab: Lab) -> None:
    bare(
        lab,
        ["screen"],
        {"apt-get": '#!/bin/sh\n[ "$1" = update ] || { echo one; echo E: no such package; exit 100; }\n'},
    )
    lab.config(ONE)
    done = lab.fab("doctor", "-c", "cfg.py", "--install", "-y")
    assert done.returncode == 1
    assert (
        done.stderr.splitlines()[-1]
        == "bare: install: the package manager ended with exit status 100: E: no such package"
    )


@pytest.mark.parametrize("sudo", ["takes a password", "takes none", "is not there"])
def test_who_is_not_root_needs_sudo(lab: Lab, sudo: str) -> None:
    # Stands for sudo, as the others do for programs; `id` says that it is not root who has logged in.
    text = f'#!/bin/sh\necho "sudo $*" >>BIN/told\n[ "$1" = -n ] || exit 9\n{"exit 1" * (sudo == "takes a password")}\nshift\nexec "$@"\n'
    own = {"id": '#!/bin/sh\n[ "$1" = -u ] && echo 1000 || echo me\n'} | (
        {} if sudo == "is not there" else {"sudo": text}
    )
    programs = bare(lab, ["screen", "sudo"], own)
    lab.config(ONE)
    done = lab.fab("doctor", "-c", "cfg.py", "--install", "--yes")
    if sudo == "takes none":
        assert done.returncode == 0, done.stderr
        assert "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install -y screen" in (programs / "told").read_text()
        return
    assert done.returncode == 1
    assert not (programs / "screen").exists()
    if sudo == "is not there":
        assert done.stderr == ""
        assert "install it there with: apt-get install screen, as root" in done.stdout
    else:
        assert done.stderr.splitlines()[-1] == (
            "bare: install: sudo wants a password there, or refuses; allow it without one (NOPASSWD), "
            "or give there by hand: sudo apt-get install screen"
        )
