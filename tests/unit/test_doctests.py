"""The examples in docstrings work."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

from tests.support.checkout import ROOT

EXAMPLE = re.compile(r"^ *>>> ", re.MULTILINE)
# The number of examples in each module. A module in which doctest finds none must not pass.
EXAMPLES = {
    "fabfile.components.output.logs": 2,
    "fabfile.diagnosis.logout": 1,
    "fabfile.diagnosis.places": 2,
    "fabfile.remote.script": 1,
    "fabfile.remote.shell": 1,
    "fabfile.runner.observer": 2,
    "fabfile.runner.runner": 3,
    "fabfile.ssh.openssh.choice": 2,
    "fabfile.ssh.openssh.command": 1,
    "fabfile.ssh.openssh.problems": 1,
    "fabfile.ssh.openssh.questions": 3,
    "fabfile.ssh.login.passwords": 2,
    "fabfile.ssh.algorithms": 2,
    "fabfile.ui.lines.stage_lines": 2,
    "fabfile.ui.summaries": 1,
    "fabfile.util.host_ranges": 4,
    "rr_config.arg_parsers": 2,
    "rr_config.command_line.assigned_options": 5,
    "rr_config.component": 4,
    "rr_config.config": 5,
    "rr_config.files.trees": 2,
    "rr_config.hosts.lists": 1,
    "rr_config.hosts.names": 5,
    "rr_config.likeness": 2,
    "rr_config.hosts.limit": 6,
    "fabfile.cli.reference.man": 1,
    "fabfile.sweeps.cells": 2,
    "fabfile.sweeps.sweep": 2,
    "fabfile.transfer.relay.tree": 2,
    "fabfile.reporting.samples": 1,
    "rr_config.values.measures": 2,
    "rr_config.muddlers.rewriting": 8,
    "rr_config.hosts.natural_order": 1,
    "rr_config.values.secrets": 2,
    "rr_config.command_line.options": 2,
    "rr_config.command_line.parameters": 3,
    "rr_config.values.ready": 6,
    "rr_config.util": 1,
}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_every_module_with_examples_is_tested() -> None:
    paths = [*(ROOT / "fabfile").rglob("*.py"), *(ROOT / "rr_config").rglob("*.py")]
    assert {module_name(path) for path in paths if EXAMPLE.search(path.read_text())} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_work(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data/deep").mkdir(parents=True)
    (tmp_path / "data/a.csv").touch()
    (tmp_path / "data/deep/b.csv").touch()
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    found = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert (found.failed, found.attempted) == (0, EXAMPLES[name])
