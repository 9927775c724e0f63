"""Test muddlers of installed packages, and the one in the documentation."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from rr_config.muddlers.discovery import all_muddlers
from rr_config.testing import muddled
from tests.support.checkout import ROOT
from tests.support.configs import write
from tests.support.muddled_configs import refusal, told


def test_installed_muddler_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    write(site / "lab_tools/__init__.py", "")
    write(site / "lab_tools/helper.py", "WORD = 'helped'\n")
    own = 'from .helper import WORD\ndef muddle(config):\n    """Ours."""\n    config.all_components()[0].meta["x"] = WORD\n'
    write(site / "lab_tools/ours.py", own)
    info = site / "lab_tools-1.dist-info"
    write(info / "METADATA", "Metadata-Version: 2.1\nName: lab-tools\nVersion: 1\n")
    points = "[remote_runner.muddlers]\nlab = lab_tools.ours\nwrap = lab_tools.ours\nbroken = lab_tools.gone\n"
    write(info / "entry_points.txt", points)
    monkeypatch.syspath_prepend(str(site))
    try:
        assert told("lab")["server"].meta == {"x": "helped"}
        found = {each.name: each for each in reversed(all_muddlers(tmp_path))}
        assert (found["lab"].summary, found["lab"].path) == ("Ours.", site / "lab_tools/ours.py")
        assert found["broken"].summary.startswith("(cannot load it: ")
        assert found["wrap"].path == ROOT / "muddlers/wrap.py", "the project's own comes first"
        assert "lab_tools.gone" in refusal("broken")
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "lab_tools"]:
            del sys.modules[name]


def test_documented_muddler_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    muddler, with_params, test = re.findall(r"```python\n(.*?)```", (ROOT / "docs/muddlers.md").read_text(), re.DOTALL)
    write(tmp_path / "muddlers/flag.py", muddler)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(test, names)  # noqa: S102 - our own page
    names["test_server_gets_the_flag"]()
    (server,) = muddled(names["CONFIG"], write(tmp_path / "p.py", with_params), params={"clients": 8})
    assert server.args == ["-v", "--clients", "8"]
