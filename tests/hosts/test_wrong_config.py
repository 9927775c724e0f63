"""Errors in a config file, arg parser or muddler: reported before any host is touched."""

import pytest

from tests.support.lab import Lab
from tests.support.marks import ADD, COMPLETE, configure
from tests.support.outcomes import assert_refused
from tests.support.privileges import bound_fab
from tests.support.ssh_configs import add_to_ssh_config

# ---- the config file


@pytest.mark.parametrize("stage", ["run", "sync"])
def test_missing_config_fails_every_stage(untouched: Lab, stage: str) -> None:
    assert_refused(untouched.fab(stage, "-c", "none.py"), untouched.folder / "none.py")


def test_no_config_is_refused(untouched: Lab) -> None:
    assert_refused(untouched.fab("run"), "--config")
    assert_refused(untouched.fab("run", "-c", untouched.folder), untouched.folder)


@pytest.mark.parametrize("content", [b"x = '\xff'\n", b"x = '\0'\n"])
def test_binary_config_is_refused(untouched: Lab, content: bytes) -> None:
    path = untouched.config("")
    path.write_bytes(content)
    assert_refused(untouched.fab("run", "-c", "cfg.py"), path)


def test_unreadable_config_is_reported(untouched: Lab) -> None:
    path = untouched.config(COMPLETE + ADD)
    path.chmod(0)
    assert_refused(bound_fab(untouched, "run", "-c", "cfg.py"), path, "ermission denied")


def test_traceback_has_only_user_lines(untouched: Lab) -> None:
    helper = untouched.write("helper.py", "def count(x):\n    return len(x)\n")
    path = untouched.config("import helper\n\nhelper.count(5)\n")
    done = untouched.fab("run", "-c", "cfg.py")
    assert_refused(done, f"{path}:3", "helper.count(5)", str(helper), "return len(x)", "TypeError")


@pytest.mark.parametrize("broken", ["def muddle(config):\n    oops\n", "import sys\nsys.exit(3)\n", ""])
def test_muddler_error_has_its_path(untouched: Lab, broken: str) -> None:
    untouched.config(COMPLETE + ADD)
    path = untouched.write("broken.py", broken)
    assert_refused(untouched.fab("run", "-c", "cfg.py", "-m", "broken.py"), path)


@pytest.mark.parametrize("broken", ["def parse_args(args, user):\n    oops\n", "def parse_args(:\n", ""])
def test_arg_parser_error_has_its_path(untouched: Lab, broken: str) -> None:
    untouched.config(COMPLETE + ADD)
    path = untouched.write("broken.py", broken)
    assert_refused(untouched.fab("run", "-c", "cfg.py", "-a", "broken.py", "--extra-args", "x"), path)


def test_missing_arg_parser_is_reported(untouched: Lab) -> None:
    untouched.config(COMPLETE + ADD)
    assert_refused(untouched.fab("run", "-c", "cfg.py", "-a", "none.py"), "none.py")


# ---- the components


WRONG = {
    "name": ["None", "5"],
    "executable": ["None", "['ls']"],
    "host": ["None", "5", "''"],
    "args": ["'a b'", "[[]]"],
    "files": ["['a']", "{'a': 1}"],
    "base_dir": ["5"],
    "start_index": ["None", "'1'", "1.5"],
    "wait": ["'yes'"],
    "num_cores": ["'4'"],
    "meta": ["[]"],
}
EXPECTED = {
    "name": "string",
    "executable": "path",
    "host": "host name",
    "args": "list",
    "files": "dict",
    "base_dir": "path",
    "start_index": "number",
    "wait": "True or False",
    "num_cores": "number",
    "meta": "dict",
}


def test_invalid_attributes_are_all_reported(untouched: Lab) -> None:
    wrong = list(enumerate(((name, value) for name, values in WRONG.items() for value in values), 1))
    added = [f"{COMPLETE}c.name = 'web{number}'\nc.{name} = {value}\n{ADD}" for number, (name, value) in wrong]
    untouched.config("".join(added))
    done = untouched.fab("run", "-c", "cfg.py")
    assert_refused(done)
    for number, (name, _) in wrong:
        who = f"component {number}." if name == "name" else f"web{number}."
        (line,) = (line for line in done.stderr.splitlines() if f"{who}{name}: " in line)
        assert EXPECTED[name] in line


def test_unknown_attribute_has_its_line(untouched: Lab) -> None:
    path = untouched.config(f"{COMPLETE}\nc.exectable = 'x'\n{ADD}")
    done = untouched.fab("run", "-c", "cfg.py")
    assert_refused(done, f"{path}:3", "'exectable'", "'executable'", "base_dir", "num_cores")


@pytest.mark.parametrize("text", ["", f"{COMPLETE}{ADD}config.clear_components()\n"])
def test_empty_config_is_refused(untouched: Lab, text: str) -> None:
    untouched.config(text)
    assert_refused(untouched.fab("run", "-c", "cfg.py"), "no components", "add_component")


def test_duplicate_name_is_refused(untouched: Lab) -> None:
    untouched.config(COMPLETE + ADD + ADD)
    assert_refused(untouched.fab("run", "-c", "cfg.py"), "node1/web", "name")


def test_files_on_localhost_are_refused(untouched: Lab) -> None:
    untouched.write("a", "a")
    untouched.config(f"{COMPLETE}c.host = localhost\nc.files = {{'a': 'a'}}\n{ADD}")
    assert_refused(untouched.fab("run", "-c", "cfg.py"), "localhost/web", "files")


# ---- muddlers and the command line


def test_unknown_muddler_lists_known_ones(untouched: Lab) -> None:
    untouched.config(COMPLETE + ADD)
    untouched.write("muddlers/own_one.py", "def muddle(config): pass\n")
    done = untouched.fab("run", "-c", "cfg.py", "-m", "nonsense")
    assert_refused(done, "nonsense", "own_one", "ta3")
    assert_refused(untouched.fab("run", "-c", "cfg.py", "-m", "./nonsense.py"), "./nonsense.py")


# ---- hosts that cannot be reached


def test_login_with_two_names_is_refused(untouched: Lab) -> None:
    add_to_ssh_config(untouched, "alias", untouched.node1.address, untouched.node1.port)
    configure(untouched, ["node1", "alias", "node2"])
    assert_refused(
        untouched.fab("sync", "-c", "cfg.py"), "alias, node1: are the same login; use one spelling in all components"
    )
