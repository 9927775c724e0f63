"""Package managers: none asks, and none runs without the right to install."""

import re

import pytest

from fabfile.diagnosis.checks import Diagnosis
from fabfile.diagnosis.packages import UNATTENDED, Manager
from fabfile.remote.script import read_script
from fabfile.runner import Runner
from rr_config import Component, Config


@pytest.mark.parametrize("line", UNATTENDED)
def test_package_managers_never_ask(line: str) -> None:
    program = line.split()[0]
    assert f"'{line}'" in read_script("prologue.sh")
    as_root = Manager(line, True, True).unattended(["screen", "tar"])
    assert re.search(rf"\b{program} .*(-y|--noconfirm|--non-interactive|--update-cache)\b.* screen tar$", as_root)
    with_sudo = Manager(line, False, True)
    assert with_sudo.unattended(["x"]).count("sudo -n ") == len(UNATTENDED[line])
    assert with_sudo.by_hand(["x"]) == f"sudo {line} x"
    assert Manager(line, False, False).unattended(["x"]) == ""


def test_install_needs_root() -> None:
    config = Config([Component(name="a", host="no.invalid", executable="/x", start_index=1)])
    with Runner(config) as runner:
        lacking = Diagnosis("no.invalid", (), ("screen",), Manager("apt-get install", is_root=False, has_sudo=False))
        assert runner.install([lacking]) == {}
