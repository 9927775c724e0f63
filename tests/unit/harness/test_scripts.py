"""Test the parser of test scripts: valid steps and invalid lines."""

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT

FOLDER = ROOT / "muddlers/harness"
sys.path.append(str(FOLDER))
import script  # type: ignore[import-not-found]  # noqa: E402 - copied to hosts, not installed


def test_steps_have_their_arguments() -> None:
    steps = script.parse("# c\n\nsend a,b* 'x y' # c\nend a with 3 within 1.5\nstop a by USR1\nshutdown\n", "f")
    assert [(step.verb, step.taken) for step in steps] == [
        ("send", {"names": ["a", "b*"], "text": "x y", "within": 60.0}),
        ("end", {"names": ["a"], "with": 3, "within": 1.5}),
        ("stop", {"names": ["a"], "by": "SIGUSR1", "within": 10.0}),
        ("shutdown", {"within": 10.0}),
    ]
    assert steps[1].where == "f:4"


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("send a x#y", "x#y"),
        ("send a '#x'#", "#x#"),
        ("send a x\t#y", "x"),
        ("send a \\#x", "#x"),
        ("send a x\u2028y", "x\u2028y"),
        ("send a 'x # y' # z", "x # y"),
    ],
)
def test_comment_starts_like_a_word(line: str, sent: str) -> None:
    (step,) = script.parse(line + "\n", "f")
    assert step.taken["text"] == sent


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "begin a",
            "f:1: unknown step 'begin'; must be one of start, wait, send, feed, close, await, refuse, end, stop, shutdown",
        ),
        ("send a", "f:1: send: missing argument; must be NAMES TEXT"),
        ("start a b", "f:1: start: unexpected 'b'"),
        ("await a x within", "f:1: await: unexpected 'within'"),
        ("start 'a", "f:1: No closing quotation"),
        ("wait soon", "f:1: seconds: invalid value 'soon': could not convert string to float: 'soon'"),
        ("feed a b within x", "f:1: within: invalid value 'x': could not convert string to float: 'x'"),
        ("wait -1", "f:1: seconds: invalid value '-1': must be from 0 to 1e9 seconds"),
        ("await a ( within 3", "f:1: regex: invalid value '(': missing ), unterminated subpattern at position 0"),
        ("stop a by NOPE", "f:1: by: invalid value 'NOPE': 'SIGNOPE'"),
        ("", "f: no steps"),
        ("start ''", "f:1: names: invalid value '': must have at least one pattern"),
        ("end ,", "f:1: names: invalid value ',': must have at least one pattern"),
    ],
)
def test_unknown_step_is_reported(line: str, message: str) -> None:
    with pytest.raises(script.ScriptError) as caught:
        script.parse(line, "f")
    assert str(caught.value) == message


@pytest.mark.parametrize("file", ["/etc/passwd", "../x", "a/../../x"])
def test_fed_files_are_beside_the_script(tmp_path: Path, file: str) -> None:
    with pytest.raises(script.ScriptError) as caught:
        script.check(script.parse(f"feed a {file}\n", "f"), ["a"], str(tmp_path))
    assert str(caught.value) == f"f:1: {file}: outside the folder of the script; move it there"


def test_language_is_documented() -> None:
    page = (ROOT / "docs/muddlers.md").read_text()
    assert re.findall(
        r"^\| `(\w+)[^|]*` \|", page.partition("### Test scripts")[2].partition("## Writing")[0], re.MULTILINE
    ) == list(script.FORMS)
    assert list(script.FORMS) == re.findall(r"^    (\w+) ?", script.__doc__.replace("    FILE", ""), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_harness_runs_on_python_3_8(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    own = {other.stem for other in FOLDER.glob("*.py")}
    assert {name.partition(".")[0] for name in imported} <= own | sys.stdlib_module_names
    assert not re.search(
        r"\.removeprefix|\.removesuffix|asyncio\.(to_thread|TaskGroup|timeout|Runner)", path.read_text()
    )
