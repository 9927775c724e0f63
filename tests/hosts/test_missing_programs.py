"""Programs that a host lacks: named before anything starts."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from fabfile.util.stages import StageError
from tests.support.checkout import ROOT
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.marks import assert_nothing_started, assert_synced, configure
from tests.support.outcomes import assert_failed
from tests.support.processes import is_alive


@pytest.mark.parametrize(
    ("program", "package", "stage"),
    [
        ("screen openssl", "screen openssl", "run"),
        ("screen", "screen", "screen"),
        ("openssl", "openssl", "sync"),
        ("mkdir", "coreutils", "run"),
    ],
)
def test_missing_program_has_install_hint(lab: Lab, tmp_path: Path, program: str, package: str, stage: str) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for folder in ("/usr/local/bin", "/usr/bin", "/bin"):
        for path in Path(folder).iterdir():
            if path.name not in program.split() and not (programs / path.name).is_symlink():
                (programs / path.name).symlink_to(path)
    lab.farm.add("bare", {"ForceCommand": f'cd && PATH={programs} exec sh -c "$SSH_ORIGINAL_COMMAND"'})
    configure(lab, ["bare", "node1"])
    done = lab.fab(stage, "-c", "cfg.py")
    assert_failed(done, bare=package)
    assert f"apt-get install {package}" in done.stderr
    assert_nothing_started(lab.node1, lab.farm.hosts["bare"])
    assert done.stderr.splitlines()[1:] == [
        "connect failed; no host was changed",
        f"without these hosts: fab -r {ROOT} {stage} --config {lab.folder}/cfg.py --limit '!bare/*' -S {lab.farm.ssh_config}",
        f"repeat with: fab -r {ROOT} {stage} --config {lab.folder}/cfg.py -S {lab.farm.ssh_config}",
    ]
    assert not (lab.node1.home / "work").exists()
    if stage == "sync":
        assert_failed(lab.fab(stage, "--keep-going", "-c", "cfg.py"), bare=package)
        assert_synced(lab.node1)


def test_busybox_host_fails_at_once(lab: Lab, tmp_path: Path) -> None:
    busybox = str(shutil.which("busybox"))
    subprocess.run([busybox, "--install", "-s", tmp_path], check=True)
    for name in ("screen", "openssl"):
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    lab.farm.add("bare", {"ForceCommand": f'cd && PATH={tmp_path} exec sh -c "$SSH_ORIGINAL_COMMAND"'})
    configure(lab, ["bare", "node1"])
    words = "coreutils, findutils, grep: not installed, or not the GNU version; install them "
    reasons, begun = [], time.monotonic()
    with lab.runner() as runner:
        for work in (runner.run, runner.sync, runner.start, runner.kill, runner.stop, runner.logs):
            with pytest.raises(StageError) as caught:
                work()
            reasons.append(str(caught.value))
        with pytest.raises(StageError) as caught:
            runner.wait(runner.config.all_components())
        reasons.append(str(caught.value))
        reasons.append(str(runner.plan().failures))
        reasons.append(str(runner.status()[0].problem))
        with pytest.raises(StageError) as caught:
            runner.collect(tmp_path / "results")
        reasons.append(str(caught.value))
        (diagnosis, _) = runner.doctor()
    assert time.monotonic() - begun < 10
    assert [reason for reason in reasons if words not in reason] == []
    assert_nothing_started(lab.node1, lab.farm.hosts["bare"])
    found = next(each.detail for each in diagnosis.checks if each.name == "grep")
    assert f"grep: {found}".startswith(words.removeprefix("coreutils, findutils, ").replace("them ", "it "))


NEEDY = """
for name, host, index, needs in (("first", "node1", 1, []), ("second", "node2", 2, ["no-such-tool", "sh"])):
    config.add_component(Component(name=name, host=host, executable="/bin/sleep", args=["1000"], start_index=index,
                                   needs=needs))
"""


def test_missing_need_starts_nothing(lab: Lab) -> None:
    lab.config(NEEDY.replace("no-such-tool", "sh"))
    lab.run("run")
    before = int(text(lab.node1.state() / "first/pid"))
    lab.config(NEEDY)
    for command in ("run", "start", "restart"):
        done = lab.fab(command, "-c", "cfg.py")
        assert done.returncode == 1
        words = (
            "not installed: no-such-tool (needed by second); install the missing programs, or remove them from needs"
        )
        assert done.stderr.splitlines() == [
            f"node2: connect: {words}",
            "connect failed; no host was changed",
            f"without these hosts: fab -r {ROOT} {command} --config {lab.folder}/cfg.py --limit '!node2/*' -S {lab.farm.ssh_config}",
            f"repeat with: fab -r {ROOT} {command} --config {lab.folder}/cfg.py -S {lab.farm.ssh_config}",
        ]
        assert re.fullmatch(r"2 hosts \(1 failed\), 2 components; .*\n", done.stdout)
        assert is_alive(before), "nor is anything stopped"


def test_missing_wrapper_starts_nothing(lab: Lab) -> None:
    lab.config(NEEDY.replace("no-such-tool", "sh"))
    done = lab.fab("run", "-c", "cfg.py", "-m", "wrap --with 'no-such-tracer -f' --only second")
    assert done.returncode == 1
    assert "node2: connect: not installed: no-such-tracer (needed by second); " in done.stderr
    assert not lab.node1.sessions() and not lab.node2.sessions()


def test_doctor_checks_needs(lab: Lab) -> None:
    """A start finds the program in the PATH of its component, which a muddler may have set."""
    tool = lab.node2.home / ".local/bin/no-such-tool"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\nexec sleep 1000\n")
    tool.chmod(0o755)
    own_path = 'for c in config.all_components(): c.env["PATH"] = "$HOME/.local/bin:$PATH"\n'
    lab.config(NEEDY + own_path)
    checks = json.loads(lab.run("doctor", "--json").stdout)
    assert [each["verdict"] for each in checks if each["check"] == "no-such-tool"] == ["ok"]
    lab.run("run", "--muddler", "wrap --with no-such-tool --only second")
    lab.config(NEEDY)
    done = lab.fab("doctor", "--json", "-c", "cfg.py")
    assert done.returncode == 1
    checks = {(each["host"], each["check"]): each["verdict"] for each in json.loads(done.stdout)}
    assert checks["node2", "no-such-tool"] == "problem" and checks["node2", "sh"] == "ok"
    assert ("node1", "no-such-tool") not in checks
