"""`fab doctor`: problems of hosts, and how missing programs are installed."""

import json
import os
import pty
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fabfile.diagnosis.packages import NEEDED
from tests.support.connections import sessions_begun
from tests.support.farm import own_name
from tests.support.lab import Lab
from tests.support.outcomes import repeat_with

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
ALL = [
    *NEEDED,
    "login",
    "clock",
    "windows",
    "processes",
    "terminals",
    "disk",
    "state",
    "executables",
    "logout",
    "sessions",
]


def bare(lab: Lab, lacking: Sequence[str] = (), own: Mapping[str, str] | None = None) -> Path:
    """Start a host `bare` with the programs of this machine except `lacking`, and its `own`; return their folder."""
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
    """Return the output of `fab doctor --json`, by host and check."""
    done = lab.fab("doctor", "--json", "-c", "cfg.py", *words)
    assert done.returncode == code, done.stdout + done.stderr
    return {(each["host"], each["check"]): each for each in json.loads(done.stdout)}


def rows(text: str) -> list[tuple[str, ...]]:
    """The cells of the table."""
    header, *lines = text.splitlines()
    assert header.split() == ["HOST", "RESULT", "FOUND"]
    return [tuple(re.split(r"  +", line, maxsplit=2)) for line in lines]


def test_healthy_hosts_share_a_line(lab: Lab) -> None:
    lab.write("x", "#!/bin/sh\n" + "#" * 100_000, 0o755)
    lab.config(CONFIG)
    before = sessions_begun(lab.node1)
    done = lab.run("doctor")
    assert sessions_begun(lab.node1) == before + 1, "one script a host"
    assert done.stderr == ""
    assert [row[:2] for row in rows(done.stdout)] == [("localhost,node[1-2]", "ok")]
    assert {frozenset(row[2].split(", ")) for row in rows(done.stdout)} == {frozenset(ALL)}
    found = checks(lab, code=0)
    assert {check for _, check in found} == set(ALL)
    assert found["node1", "disk"]["wanted"] == found["node2", "disk"]["wanted"] == 100_010
    assert found["node1", "disk"]["measured"] > 1_000_000
    for name, place in (("node1", "~/work"), ("node2", lab.node2.tmp)):
        assert re.fullmatch(rf"{place}: \S+ \wB free, 100\.0 kB needed", found[name, "disk"]["detail"])
    assert abs(found["node1", "clock"]["measured"]) < 0.5
    assert found["node1", "terminals"]["wanted"] == 2
    most, number = (int(Path(f"/proc/sys/kernel/pty/{name}").read_text()) for name in ("max", "nr"))
    assert found["node1", "terminals"]["measured"] == pytest.approx(most - number, abs=most / 2)
    assert not list(lab.node1.home.iterdir()) and not list(lab.node2.tmp.iterdir())
    lab.run("sync")
    found = checks(lab, code=0)
    assert found["node1", "disk"]["wanted"] == found["node2", "disk"]["wanted"] == 0
    assert checks(lab, "--always-copy", code=0)["node1", "disk"]["wanted"] == 100_010


@pytest.mark.root
@pytest.mark.transports
def test_doctor_reports_missing_programs(lab: Lab) -> None:
    slow = '#!/bin/sh\nexec /bin/date "$@" -d "now - 1 hour"\n'
    bare(lab, ["screen", "openssl"], {"date": slow})
    sparse = lab.folder / "big"
    with sparse.open("wb") as file:
        for number in range(600):  # so many parts are sent as one, with all zeros between them
            file.seek(number * (1 << 43) // 600)
            file.write(b"x")
        file.truncate(1 << 43)
    sparse.chmod(0o755)
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
    assert shown[0][2] == "screen: not installed; install it with: apt-get install screen"
    assert shown[1][2] == "openssl: not installed; install it with: apt-get install openssl"
    assert [row[1] for row in shown[2:]] == ["warning", "warning", "ok", "problem"], done.stdout
    assert re.fullmatch(r"clock: 3,\d\d\d\.\d{3} s behind this machine \(give or take \d\.\d{3} s\)", shown[2][2])
    assert re.fullmatch(r"disk: \S+: \S+ \wB free, 8\.8 TB needed", shown[3][2])
    assert shown[5][0] == "node1" and "connection refused" in shown[5][2]
    assert found["bare", "screen"]["verdict"] == "problem"
    assert found["bare", "clock"]["verdict"] == found["bare", "disk"]["verdict"] == "warning"
    assert found["node1", "login"]["verdict"] == "problem"


def test_warnings_do_not_fail_doctor(lab: Lab) -> None:
    small = '#!/bin/sh\nfor word; do case $word in --printf) exit 1 ;; esac; done\nexec /usr/bin/stat "$@"\n'
    programs = bare(lab, own={"date": '#!/bin/sh\nexec /bin/date "$@" -d "now + 1 hour"\n', "stat": small})
    lab.config(ONE)
    found = checks(lab, code=1)
    assert found["bare", "coreutils"]["detail"].startswith("not installed, or not the GNU version; install it with: ")
    assert found["bare", "disk"]["verdict"] == "warning"
    (programs / "stat").unlink()
    (programs / "stat").symlink_to("/usr/bin/stat")
    found = checks(lab, code=0)
    assert found["bare", "clock"]["measured"] == pytest.approx(3600, abs=5)


def test_home_with_two_names_is_a_problem(lab: Lab) -> None:
    node1 = lab.node1
    with lab.farm.ssh_config.open("a") as ssh_config:
        login = f"User {own_name()}\n IdentityFile {lab.farm.key}"
        ssh_config.write(f"Host near\n HostName {node1.address}\n Port {node1.port}\n ProxyJump node2\n {login}\n")
    lab.config("".join(ONE.replace("bare", host) for host in ("near", "node1", "node2")))
    done = lab.fab("doctor", "-c", "cfg.py")
    assert (
        "near and node1  problem  login: are the same home on the same host; use only one of these names" in done.stdout
    )
    assert (done.returncode, done.stdout.count("problem")) == (1, 1)


@pytest.mark.root
def test_doctor_installs_programs(lab: Lab) -> None:
    programs = bare(lab, ["screen", "openssl"])
    lab.config(ONE)
    refused = lab.fab("doctor", "-c", "cfg.py", "--install")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "--install: no terminal to ask for confirmation; add --yes to install without a question\n"
    assert not (programs / "told").exists()
    done = lab.run("doctor", "--install", "--yes")
    command = "apt-get update; env DEBIAN_FRONTEND=noninteractive apt-get install -y screen openssl"
    assert done.stderr == f"commands to run:\n  bare  {command}\n"
    before, after = done.stdout.split("HOST", 2)[1:]
    assert before.count("problem") == 2
    assert after.count("problem") == 0
    assert (programs / "told").read_text().split("\n") == [" update", "noninteractive install -y screen openssl", ""]
    lab.run("run")
    assert lab.fab("doctor", "-c", "cfg.py", "--install", "--yes").stderr == "", "there is nothing to install any more"


@pytest.mark.root
def test_doctor_asks_before_it_installs(lab: Lab) -> None:
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
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "install? [y/N] nothing was installed")
    assert not (programs / "told").exists()
    done = answered(b"y\n")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "install? [y/N] ")
    assert {each["verdict"] for each in json.loads(done.stdout)} == {"ok"}
    assert (programs / "screen").is_symlink()


@pytest.mark.root
def test_package_manager_output_is_shown(lab: Lab) -> None:
    bare(
        lab,
        ["screen"],
        {"apt-get": '#!/bin/sh\n[ "$1" = update ] || { echo one; echo E: no such package; exit 100; }\n'},
    )
    lab.config(ONE)
    done = lab.fab("doctor", "-c", "cfg.py", "--install", "-y")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == [
        "bare: install: the package manager ended with exit status 100: E: no such package",
        repeat_with(lab, "doctor", "--install", "--yes"),
    ]


@pytest.mark.parametrize("sudo", ["takes a password", "takes none", "is not there"])
def test_doctor_without_root_needs_sudo(lab: Lab, sudo: str) -> None:
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
        assert "install it with: apt-get install screen, as root" in done.stdout
    else:
        assert done.stderr.splitlines()[-2:] == [
            "bare: install: sudo requires a password, or permission denied; allow NOPASSWD, "
            "or run on the host: sudo apt-get install screen",
            repeat_with(lab, "doctor", "--install", "--yes"),
        ]
