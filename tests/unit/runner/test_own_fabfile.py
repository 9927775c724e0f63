"""The Python API beside a fabfile of the user."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.checkout import ROOT

PROGRAM = "from rr_config import Options\nfrom fabfile.runner import Runner\nprint(Runner.__name__)\n"
PAGE = (ROOT / "docs/python.md").read_text().partition("## A fabfile of your own")[2]


def ran(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a program beside a fabfile.py, and a module `helper` that it may import."""
    (folder / "fabfile.py").write_text("")
    (folder / "helper.py").write_text("")
    (folder / "experiment.py").write_text(text)
    return subprocess.run([sys.executable, *options, folder / "experiment.py"], capture_output=True, text=True)


def test_option_of_python_hides_own_fabfile(tmp_path: Path) -> None:
    assert "\npython -P experiment.py\n" in PAGE
    assert "No module named 'fabfile.runner'; 'fabfile' is not a package" in ran(tmp_path, PROGRAM).stderr
    assert ran(tmp_path, PROGRAM, "-P").stdout == "Runner\n"


def test_documented_line_hides_own_fabfile(tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found
    done = ran(tmp_path, f"{found[1]}import helper\n{PROGRAM}")
    assert (done.stdout, done.stderr) == ("Runner\n", "")
