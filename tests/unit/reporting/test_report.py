"""Reports from a folder of results, without a host."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fabfile.components.output.logs import LogLine
from fabfile.reporting.html import page
from fabfile.reporting.report import LINES, from_folder, log_tail
from fabfile.runner.follow import LogTails
from fabfile.util.limits import MOST_OF_A_LOG
from rr_config import Component, ConfigError
from tests.support.results import OUTPUTS, RUN, component, life, results

TOO_DEEP = "Stack overflow" if sys.version_info >= (3, 14) else "maximum recursion depth exceeded"

# ---- from a folder


def test_results_have_the_end_of_each_log(tmp_path: Path) -> None:
    run, outputs = from_folder(results(tmp_path))
    assert run == RUN
    assert outputs["node1/db"].split("\n") == ["20 %"] * (LINES - 1) + ["end �"]
    assert outputs["node2/db"] == ""
    (tmp_path / "node1/db/output").write_bytes(b"x" * (2 * MOST_OF_A_LOG))
    assert len(from_folder(tmp_path)[1]["node1/db"]) == MOST_OF_A_LOG


def test_limit_chooses_reported_results(tmp_path: Path) -> None:
    run, outputs = from_folder(results(tmp_path), "node1")
    assert {each["host"] for each in run["components"]} == {"node1"}
    assert outputs.keys() == {f"node1/{each['name']}" for each in run["components"]} > set()
    with pytest.raises(ConfigError, match=r"^--limit: 'qqq' matches no component; must match one of node1/db"):
        from_folder(tmp_path, "qqq")


def test_output_elsewhere_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("secret")
    folder = results(tmp_path / "results", components=[component("node1/db", "waiting", folder="..")])
    assert from_folder(folder)[1] == {"node1/db": ""}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[]", "format: must be 2"),
        (json.dumps(RUN | {"format": 1}), "format: must be 2"),
        (json.dumps(RUN | {"stages": None}), "stages: missing, or of the wrong type"),
        (json.dumps(RUN | {"components": [3]}), "3: must be an object"),
        (json.dumps(RUN | {"stages": [{"stage": "x", "began": "y", "ended": 1}]}), "began: missing, or of the wrong"),
        (json.dumps(RUN | {"stages": [3]}), "stage: missing, or of the wrong"),
        (json.dumps(RUN | {"runs": [RUN | {"options": None}]}), "options: missing, or of the wrong"),
        (json.dumps(RUN | {"runs": [RUN | {"parameters": []}]}), "parameters: missing, or of the wrong"),
        (json.dumps(RUN | {"runs": [RUN | {"config": {"path": "x"}}]}), "text: missing, or of the wrong"),
        (json.dumps(RUN | {"components": [component("h/x", "exited", ended="now")]}), "'ended' must be"),
        (
            json.dumps(RUN | {"components": [component("h/x", "exited", ended=1e300)]}),
            "1e+300: must be a time from 1970",
        ),
        (json.dumps(RUN | {"components": [component("h/x", "exited", started=-1)]}), "-1: must be a time from 1970"),
        (
            json.dumps(RUN | {"stages": [{"stage": "x", "began": math.nan, "ended": 1}]}),
            "nan: must be a time from 1970",
        ),
        (
            json.dumps(RUN | {"stages": [{"stage": "x", "began": 1, "ended": math.inf}]}),
            "inf: must be a time from 1970",
        ),
        (json.dumps(RUN | {"collected": 253402300800}), "253402300800: must be a time from 1970 to 9000"),
        ("[" * 200_000, TOO_DEEP),
        (json.dumps(RUN | {"components": [{"host": "h"}]}), "missing 12 required positional arguments: 'name'"),
    ],
)
def test_unknown_format_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(ConfigError, match="^" + re.escape(f"{tmp_path}/run.json: invalid file: ")) as e:
        from_folder(tmp_path)
    assert problem in str(e.value)


def test_command_is_shown_as_typed() -> None:
    assert life(args=["--home", {"literal": "a b"}]).command == "~/bin/server --home 'a b'"
    assert life(args=[{"scoped": "$N x", "env": {"N": "1"}}]).command == "~/bin/server '$N x'"


def test_additions_of_later_versions_pass(tmp_path: Path) -> None:
    folder = results(tmp_path, components=[component("node1/db", "waiting", color="red")], extra=1)
    assert "node1/db" in page(*from_folder(folder))


# ---- where it is put


def test_password_is_on_no_page() -> None:
    assert RUN["options"]["ssh_pass"] not in page(RUN, OUTPUTS)


def test_report_libraries_load_on_demand() -> None:
    program = "import sys, fabfile; print({'plotly', 'jinja2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# ---- from the hosts


def test_only_last_lines_are_kept() -> None:
    one = Component(name="a", host="h", executable="x", start_index=1)
    ends = LogTails(LINES)
    for number in range(LINES + 5):
        ends.output(one, LogLine(b"\x1b[1m%d" % number))
    (kept,) = ends.outputs().items()
    assert (kept[0], log_tail(kept[1])) == ("h/a", "\n".join(map(str, range(5, LINES + 5))))
