"""Package managers: none asks, and none runs without the right to install."""

import re
import subprocess
from pathlib import Path

import pytest

from fabfile.diagnosis.checks import Diagnosis
from fabfile.diagnosis.packages import Manager
from fabfile.remote.package_managers import UNATTENDED
from fabfile.remote.script import Script, read_script
from fabfile.runner import Runner
from rr_config import Component, Config


@pytest.mark.parametrize("line", UNATTENDED)
def test_package_managers_never_ask(line: str) -> None:
    program = line.split()[0]
    as_root = Manager(line, True, True).unattended(["screen", "tar"])
    assert re.search(rf"\b{program} .*(-y|--noconfirm|--non-interactive|--update-cache)\b.* screen tar$", as_root)
    with_sudo = Manager(line, False, True)
    assert with_sudo.unattended(["x"]).count("sudo -n ") == len(UNATTENDED[line])
    assert with_sudo.by_hand(["x"]) == f"sudo {line} x"
    assert Manager(line, False, False).unattended(["x"]) == ""


@pytest.mark.parametrize("line", UNATTENDED)
def test_scripts_find_every_package_manager(line: str, tmp_path: Path) -> None:
    program = tmp_path / line.split()[0]
    program.symlink_to("/bin/true")
    find = 'main() { PATH=$1; answer "$(package_manager)"; }\n'
    sent = Script(read_script("tools.sh") + find, arguments=[str(tmp_path)]).sent_by()
    done = subprocess.run(["sh"], input=b"is_evaluated=yes\n" + sent, capture_output=True)
    assert done.stdout.split(b"\0")[2:4] == [line.encode(), b"done"]


def test_install_needs_root() -> None:
    config = Config([Component(name="a", host="no.invalid", executable="/x", start_index=1)])
    with Runner(config) as runner:
        lacking = Diagnosis("no.invalid", (), ("screen",), Manager("apt-get install", is_root=False, has_sudo=False))
        assert runner.install([lacking]) == {}
