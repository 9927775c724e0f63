"""Arg parsers: the options that they make, and errors in them."""

import copy
from pathlib import Path

import pytest

from rr_config import ConfigError, Options, load
from rr_config.arg_parsers import ExtraArgs
from tests.support.configs import COMPLETE, component_of, loaded, refused, write

ECHO = "def parse_args(extra_args, ssh_user):\n    return [extra_args, ssh_user]\n"


@pytest.mark.parametrize("extra_args", ["", "plain", "--user", "--config=x", "-c 3", "-- 'a b' \"c\" $HOME \n é"])
def test_arg_parser_makes_extra_options(tmp_path: Path, extra_args: str) -> None:
    parser = write(tmp_path / "parser.py", ECHO)
    text = COMPLETE.replace('"a"', '"a", meta={1: extra_options}')
    component = component_of(tmp_path, text, extra_args=extra_args, arg_parser=str(parser), ssh_user="me")
    assert component.meta[1] == [extra_args, "me"]


def test_extra_args_need_an_arg_parser(tmp_path: Path) -> None:
    message = refused(tmp_path, extra_args="x")
    assert message == "--extra-args: no parser; give --arg-parser FILE, or a --muddler with options"


def test_arg_parser_runs_before_config(tmp_path: Path) -> None:
    parser = write(tmp_path / "parser.py", "def parse_args(extra_args, ssh_user):\n    raise ValueError('first')\n")
    message = refused(tmp_path, "raise ValueError('second')\n", extra_args="", arg_parser=str(parser))
    assert message.startswith("FOLDER/parser.py:2: ValueError: first")


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("x = = 1\n", "FOLDER/parser.py:1: "),
        ("1 / 0\n", "FOLDER/parser.py:1: ZeroDivisionError"),
        ("def other(): pass\n", "FOLDER/parser.py: missing function parse_args(extra_args, ssh_user)"),
        ("parse_args = 3\n", "FOLDER/parser.py: missing function parse_args(extra_args, ssh_user)"),
        ("def parse_args(extra_args, ssh_user):\n    int(extra_args)\n", "FOLDER/parser.py:2: ValueError"),
        ("def parse_args():\n    pass\n", "FOLDER/parser.py"),
    ],
)
def test_invalid_arg_parser_is_refused(tmp_path: Path, text: str, beginning: str) -> None:
    parser = write(tmp_path / "parser.py", text)
    message = refused(tmp_path, extra_args="x", arg_parser=str(parser))
    assert message.startswith(beginning)
    assert "rr_config" not in message


def test_missing_arg_parser_is_reported(tmp_path: Path) -> None:
    message = refused(tmp_path, extra_args="x", arg_parser=str(tmp_path / "none.py"))
    assert message == "--arg-parser FOLDER/none.py: no such file"
    message = refused(tmp_path, extra_args="x", arg_parser=str(tmp_path))
    assert message == "--arg-parser FOLDER: no such file"


def test_arg_parser_signature_is_checked(tmp_path: Path) -> None:
    parser = write(tmp_path / "parser.py", "def parse_args(extra_args): pass\n")
    message = refused(tmp_path, extra_args="x", arg_parser=str(parser))
    form = "parse_args(extra_args, ssh_user)"
    assert message == f"FOLDER/parser.py: wrong parameters of parse_args; must be {form}"


@pytest.mark.parametrize("option", ["config_file", "arg_parser", "muddler"])
@pytest.mark.parametrize("name", ["x" * 300 + ".py", "circle.py"])
def test_impossible_path_is_reported(tmp_path: Path, option: str, name: str) -> None:
    (tmp_path / "circle.py").symlink_to("circle.py")
    given = {"config_file": str(write(tmp_path / "cfg.py", COMPLETE)), "extra_args": "x", "arg_parser": None}
    path = str(tmp_path / name)
    with pytest.raises(ConfigError) as caught:
        load(Options(**given | {option: [path] if option == "muddler" else path}))  # type: ignore[arg-type]
    option_name = {"config_file": "--config: ", "arg_parser": "--arg-parser ", "muddler": "--muddler "}[option]
    assert str(caught.value).startswith(f"{option_name}{path}: ")


ARGPARSE = """
import argparse

def parse_args(extra_args, ssh_user):
    parser = argparse.ArgumentParser("mine")
    parser.add_argument("--count", type=int)
    return parser.parse_args(extra_args.split())
"""


@pytest.mark.parametrize(
    "given",
    ["extra_args", "extra_args.split()", "shlex.split(extra_args)", "list(extra_args)", "str(extra_args).split()"],
)
def test_argparse_accepts_extra_args(tmp_path: Path, given: str) -> None:
    parser = write(tmp_path / "parser.py", f"import shlex{ARGPARSE.replace('extra_args.split()', given)}")
    text = COMPLETE.replace('"a"', '"a", meta={1: extra_options.count}')
    assert component_of(tmp_path, text, extra_args="--count 3", arg_parser=str(parser)).meta == {1: 3}
    assert component_of(tmp_path, text, arg_parser=str(parser)).meta == {1: None}


def test_extra_args_keep_quoted_words() -> None:
    text = ExtraArgs("--name 'a b' -x")
    assert list(text) == ["--name", "a b", "-x"]
    assert (len(text), "a b" in text, text[:6], text.split()[0]) == (15, True, "--name", "--name")
    assert text == "--name 'a b' -x" and type(str(text)) is str
    copied = copy.deepcopy(text)
    assert (copied, list(copied)) == (text, list(text))


def test_open_quote_in_extra_args_is_reported(tmp_path: Path) -> None:
    parser = write(tmp_path / "parser.py", ARGPARSE.replace("extra_args.split()", "extra_args"))
    message = refused(tmp_path, extra_args="--count '3", arg_parser=str(parser))
    assert message == '--extra-args "--count \'3": No closing quotation; close the quote'


def test_argparse_error_is_a_config_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = write(tmp_path / "parser.py", ARGPARSE)
    message = refused(tmp_path, extra_args="--count x", arg_parser=str(parser))
    assert message.startswith("FOLDER/parser.py")
    assert "invalid int value: 'x'" in capsys.readouterr().err


def test_argparse_help_exits_with_0(tmp_path: Path) -> None:
    parser = write(tmp_path / "parser.py", ARGPARSE)
    with pytest.raises(SystemExit) as caught:
        loaded(tmp_path, extra_args="--help", arg_parser=str(parser))
    assert not caught.value.code
