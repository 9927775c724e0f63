"""Test options of muddlers, from `--extra-args` or after the name of the muddler."""

from pathlib import Path

import pytest

from rr_config.testing import muddled
from tests.support.configs import write
from tests.support.muddled_configs import TWO, refusal, told

MINE = """
def add_arguments(parser):
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--word", required={required})

def muddle(config):
    for component in util.chosen(config, extra_options.only):
        component.meta["told"] = component.meta.get("told", []) + [extra_options.count, extra_options.word]
"""


def write_mine(folder: Path, name: str = "mine.py", required: bool = False) -> Path:
    return write(folder / name, MINE.format(required=required))


def test_options_come_from_both_places(tmp_path: Path) -> None:
    mine = write_mine(tmp_path)
    assert told(str(mine))["server"].meta == {"told": [1, None]}
    assert told(str(mine), extra_args="--count 3 --word 'a b'")["server"].meta == {"told": [3, "a b"]}
    assert told(f"{mine} --count=4 --word '\"$x'")["client"].meta == {"told": [4, '"$x']}


def test_muddlers_share_extra_args(tmp_path: Path) -> None:
    one, other = write_mine(tmp_path), write_mine(tmp_path, "other one.py")
    plain = write(tmp_path / "plain.py", "def muddle(config): assert extra_options is None\n")
    found = muddled(TWO, one, plain, f"'{other}' --count 5 --only server", f"{one} --word last", extra_args="--count 2")
    assert [each.meta["told"] for each in found] == [[2, None, 5, None, 1, "last"], [2, None, 1, "last"]]
    assert muddled(TWO, one, one, extra_args="--count 2")[0].meta["told"] == [2, None, 2, None]


def test_ambiguous_option_needs_own_words(tmp_path: Path) -> None:
    one, other = write_mine(tmp_path), write_mine(tmp_path, "other.py")
    said = refusal(str(one), str(other))
    assert said.startswith("--muddler other: argument --count: conflicting option string: --count of another muddler; ")


def test_path_may_have_spaces(tmp_path: Path) -> None:
    assert told(str(write_mine(tmp_path, "a folder/my own.py")))["server"].meta == {"told": [1, None]}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (" --cuont 3", "--muddler mine: unrecognized arguments: --cuont 3; see: remote-runner muddlers"),
        (
            " --count x",
            "--muddler mine: argument --count: invalid int value: 'x'; see: remote-runner muddlers",
        ),
        (" --only nobody", "--only: 'nobody' matches no component; must match one of node1/server, node2/client"),
        (
            " 'x",
            "--muddler MINE 'x: invalid options: no closing quotation; must be the name or path of a muddler, and options",
        ),
    ],
)
def test_invalid_words_are_refused(tmp_path: Path, words: str, message: str) -> None:
    mine = write_mine(tmp_path)
    assert refusal(f"{mine}{words}").replace(str(mine), "MINE") == message


def test_arg_parser_results_beat_defaults(tmp_path: Path) -> None:
    mine = write_mine(tmp_path)
    parser = write(tmp_path / "w.py", "def parse_args(extra_args, ssh_user): return {'with': 'nice'}\n")
    assert told("wrap", arg_parser=str(parser))["server"].args[0] == "nice"
    for made in ("{'count': 7, 'more': 1}", "types.SimpleNamespace(count=7)"):
        parser = write(tmp_path / "p.py", f"import types\ndef parse_args(extra_args, ssh_user): return {made}\n")
        assert told(str(mine), arg_parser=str(parser), extra_args="x")["server"].meta == {"told": [7, None]}
        assert told(f"{mine} --word w", arg_parser=str(parser))["server"].meta == {"told": [1, "w"]}


def test_muddler_without_options_takes_none(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.py", "def muddle(config): pass\n")
    assert refusal(f"{plain} --x 1") == "--muddler plain: unexpected options '--x 1'"
    assert refusal("", config=TWO) == "--muddler : missing name; must be the name or path of a muddler, and options"
    mine = write_mine(tmp_path, required=True)
    assert "the following arguments are required: --word" in refusal(str(mine))
