"""Errors in a config: component, attribute, and the expected value."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.configs import COMPLETE, complete, component_of, loaded, refused, write
from tests.support.privileges import BOUND

ARGS = "a list of texts without NUL (numbers and paths are taken as text)"
FILES = "a dict of local path to remote path, none of them empty"
HOST = "a host name, an address, user@host:port, a Host of ~/.ssh/config, or 'localhost'"
BASE_DIR = "a remote path, or None for a temporary folder"
READY = "util.port(…), util.log(…), util.command(…), util.ended(), or None"
RESULTS = "a list of remote paths or patterns, none of them empty"
ENV = "a dict of names of variables, that sh does not keep to itself, to texts without NUL"


def test_empty_config_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "") == "config: has no components; add them with config.add_component(...)"


def test_all_unset_attributes_are_reported(tmp_path: Path) -> None:
    assert refused(tmp_path, "config.add_component(Component())\n").splitlines() == [
        "component 1.name: is not set; it must be a text that is not empty",
        "component 1.executable: is not set; it must be the path of the program",
        f"component 1.host: is not set; it must be {HOST}",
        "component 1.start_index: is not set; it must be a whole number",
    ]


def test_all_wrong_components_are_reported(tmp_path: Path) -> None:
    text = complete(start_index=None) + complete(name="b") + complete(name="c", wait=3) + complete(name="d", host=None)
    assert refused(tmp_path, text).splitlines() == [
        "h/a.start_index: is not set; it must be a whole number",
        "h/c.wait: is 3 (int); it must be True or False",
        f"d.host: is not set; it must be {HOST}",
    ]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"name": ""}, "component 1.name: is '' (str); it must be a text that is not empty"),
        ({"name": 7}, "component 1.name: is 7 (int); it must be a text that is not empty"),
        ({"executable": ""}, "h/a.executable: is '' (str); it must be the path of the program"),
        ({"executable": ["x"]}, "h/a.executable: is ['x'] (list); it must be the path of the program"),
        ({"executable": b"x"}, "h/a.executable: is b'x' (bytes); it must be the path of the program"),
        ({"args": "one two"}, f"h/a.args: is 'one two' (str); it must be {ARGS}"),
        ({"args": None}, f"h/a.args: is None (NoneType); it must be {ARGS}"),
        ({"args": [None]}, f"h/a.args: is [None] (list); it must be {ARGS}"),
        ({"args": [["x"]]}, f"h/a.args: is [['x']] (list); it must be {ARGS}"),
        ({"args": [b"x"]}, f"h/a.args: is [b'x'] (list); it must be {ARGS}"),
        ({"args": ["a\0b"]}, f"h/a.args: is ['a\\x00b'] (list); it must be {ARGS}"),
        ({"args": {"x": "y"}}, f"h/a.args: is {{'x': 'y'}} (dict); it must be {ARGS}"),
        ({"files": ["x"]}, f"h/a.files: is ['x'] (list); it must be {FILES}"),
        ({"files": {"x": None}}, f"h/a.files: is {{'x': None}} (dict); it must be {FILES}"),
        ({"files": {"x": ""}}, f"h/a.files: is {{'x': ''}} (dict); it must be {FILES}"),
        ({"files": {1: "x"}}, f"h/a.files: is {{1: 'x'}} (dict); it must be {FILES}"),
        ({"host": ""}, f"a.host: is '' (str); it must be {HOST}"),
        ({"host": ["h"]}, f"a.host: is ['h'] (list); it must be {HOST}"),
        ({"host": "a b"}, f"a.host: is 'a b' (str); it must be {HOST}"),
        ({"host": "-oProxyCommand=x"}, f"a.host: is '-oProxyCommand=x' (str); it must be {HOST}"),
        ({"base_dir": 1}, f"h/a.base_dir: is 1 (int); it must be {BASE_DIR}"),
        ({"base_dir": ""}, f"h/a.base_dir: is '' (str); it must be {BASE_DIR}"),
        ({"start_index": "1"}, "h/a.start_index: is '1' (str); it must be a whole number"),
        ({"start_index": 1.5}, "h/a.start_index: is 1.5 (float); it must be a whole number"),
        ({"start_index": True}, "h/a.start_index: is True (bool); it must be a whole number"),
        ({"wait": "yes"}, "h/a.wait: is 'yes' (str); it must be True or False"),
        ({"wait": None}, "h/a.wait: is None (NoneType); it must be True or False"),
        (
            {"stop_signal": "TREM"},
            "h/a.stop_signal: is 'TREM' (str); it must be the name of a signal, like 'TERM', 'INT' or 'USR1'",
        ),
        ({"ready": 80}, f"h/a.ready: is 80 (int); it must be {READY}"),
        ({"ready": "port"}, f"h/a.ready: is 'port' (str); it must be {READY}"),
        ({"results": "x"}, f"h/a.results: is 'x' (str); it must be {RESULTS}"),
        ({"results": [""]}, f"h/a.results: is [''] (list); it must be {RESULTS}"),
        ({"env": ["A=1"]}, f"h/a.env: is ['A=1'] (list); it must be {ENV}"),
        ({"env": {"A-B": "1"}}, f"h/a.env: is {{'A-B': '1'}} (dict); it must be {ENV}"),
        ({"env": {"A\n": "1"}}, f"h/a.env: is {{'A\\n': '1'}} (dict); it must be {ENV}"),
        ({"env": {1: "1"}}, f"h/a.env: is {{1: '1'}} (dict); it must be {ENV}"),
        ({"env": {"A": None}}, f"h/a.env: is {{'A': None}} (dict); it must be {ENV}"),
        ({"env": {"A": "\0"}}, f"h/a.env: is {{'A': '\\x00'}} (dict); it must be {ENV}"),
        ({"env": {"PPID": "1"}}, f"h/a.env: is {{'PPID': '1'}} (dict); it must be {ENV}"),
        ({"env": {"STY": "1"}}, f"h/a.env: is {{'STY': '1'}} (dict); it must be {ENV}"),
        ({"num_cores": "4"}, "h/a.num_cores: is '4' (str); it must be a whole number"),
        ({"meta": None}, "h/a.meta: is None (NoneType); it must be a dict"),
        ({"meta": []}, "h/a.meta: is [] (list); it must be a dict"),
    ],
)
def test_wrong_type_is_refused(tmp_path: Path, attributes: dict[str, object], message: str) -> None:
    # Of a host that is none, the message need not make a part of the component's name.
    assert refused(tmp_path, complete(**attributes)).replace(f"{attributes.get('host')}/a.", "a.") == message


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("name", "a\0b"), ("executable", "a\0b"), ("host", "a\0b"), ("base_dir", "a\0b"), ("files", {"a\0b": "c"})],
)
def test_nul_is_refused(tmp_path: Path, attribute: str, value: object) -> None:
    assert f"{attribute}: is " in refused(tmp_path, complete(**{attribute: value}))


def test_long_value_is_cut_in_the_message(tmp_path: Path) -> None:
    message = refused(tmp_path, complete(args="x" * 100_000))
    assert message.startswith("h/a.args: is 'xxx")
    assert len(message) < 300


def test_other_objects_are_refused(tmp_path: Path) -> None:
    for value, kind in (("'a'", "a str"), ("Component", "the class Component")):
        message = refused(tmp_path, COMPLETE + f"config.add_component({value})\n")
        expected = f"TypeError: add_component takes a Component, not {kind}; write Component() to make one"
        assert message.startswith(f"FOLDER/cfg.py:2: {expected}\n")


def test_deleted_attribute_is_unset(tmp_path: Path) -> None:
    message = refused(tmp_path, complete() + "del config.all_components()[0].executable\n")
    assert message == "h/a.executable: is not set; it must be the path of the program"


def test_name_is_unique_on_each_host(tmp_path: Path) -> None:
    text = complete() + complete(host="other") + complete(start_index=9)
    assert refused(tmp_path, text) == "h/a.name: is taken by another component of this host; choose another"
    assert len(list(loaded(tmp_path, complete() + complete(host="other")).all_components())) == 2


@pytest.mark.parametrize("host", ["h", "u@h", "u@h:1", "h:22", "10.0.0.1", "::1", "u@fe80::1%eth0", "a@b@h", "é.net"])
def test_host_may_have_user_and_port(tmp_path: Path, host: str) -> None:
    assert component_of(tmp_path, complete(host=host)).host == host


@pytest.mark.parametrize(
    "host", ["", "user@", "@h", ":22", "h:", "h:port", "h:0", "h:65536", "-h", "u@-h", "a b", "a\n"]
)
def test_invalid_host_is_refused(tmp_path: Path, host: str) -> None:
    message = refused(tmp_path, complete(host=host))
    assert f".host: is {host!r} (str); it must be {HOST}" in message


def test_files_of_localhost_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "x", "")
    message = refused(tmp_path, complete(host="localhost", files={"x": "x"}))
    assert message == "localhost/a.files: is not empty; a component of localhost finds its files where they are"


@pytest.mark.parametrize(
    "args",
    [[], [""], [1, 2.5, Path("x")], ("tuple",), ["-x", "'", '"', "\n", "é", "\udcff", "x" * 100_000]],
)
def test_args_may_hold_any_text(tmp_path: Path, args: list[object]) -> None:
    text = f"from pathlib import Path, PosixPath\n{complete(args=args)}"
    assert component_of(tmp_path, text).args == [str(arg) for arg in args]


def test_text_beyond_linux_is_refused(tmp_path: Path) -> None:
    """Of the surrogates, only those that stand for a byte can be sent."""
    wrong = {
        "name": "\ud800",
        "executable": "\ud800",
        "base_dir": "\ud800",
        "args": ["\ud800"],
        "files": {"x": "\ud800"},
    }
    message = refused(tmp_path, complete(**wrong))
    assert {line.partition(": ")[0].rpartition(".")[2] for line in message.splitlines()} == wrong.keys()


# -- local files


def test_all_unsendable_files_are_reported(tmp_path: Path) -> None:
    write(tmp_path / "there", "")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    text = complete(files={"gone": "1", "there": "2", "dangling": "3", "pipe": "4"}) + complete(
        name="b", files={"/no/such": "5"}
    )
    message = refused(tmp_path, text)
    assert [line.partition(".files: ")[2] for line in message.splitlines()] == [
        "FOLDER/gone: No such file or directory",
        "FOLDER/dangling: No such file or directory",
        "FOLDER/pipe: neither a file nor a folder",
        "/no/such: No such file or directory",
    ]


def test_shared_file_is_reported_once(tmp_path: Path) -> None:
    text = "".join(complete(host=host, files={"gone": "1"}) for host in ("h1", "h2", "h3"))
    assert refused(tmp_path, text).count("FOLDER/gone") == 1


def test_files_of_every_host_are_checked(tmp_path: Path) -> None:
    text = "".join(complete(host=host, files={f"gone-{host}": "1"}) for host in ("h2", "h1", "h3"))
    lines = refused(tmp_path, text + complete(name="b", host="h2", files={"gone": "2"})).splitlines()
    assert [line.partition(": ")[2].partition(":")[0] for line in lines] == [
        "FOLDER/gone-h2",
        "FOLDER/gone",
        "FOLDER/gone-h1",
        "FOLDER/gone-h3",
    ]


def test_folder_in_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tree/sub").mkdir(parents=True)
    (tmp_path / "tree/sub/up").symlink_to(tmp_path / "tree")
    assert "FOLDER/tree/sub/up: a symbolic link to a folder" in refused(tmp_path, complete(files={"tree": "t"}))


def test_unreadable_files_are_reported(tmp_path: Path) -> None:
    write(tmp_path / "tree/closed.txt", "").chmod(0)
    write(tmp_path / "tree/closed/file", "").parent.chmod(0o300)
    write(tmp_path / "cfg.py", complete(files={"tree": "tree"}))
    said = load_bound(tmp_path)
    assert f"{tmp_path}/tree/closed.txt: not readable" in said
    assert f"{tmp_path}/tree/closed: Permission denied" in said


def test_unreadable_config_is_reported(tmp_path: Path) -> None:
    write(tmp_path / "cfg.py", COMPLETE).chmod(0)
    assert load_bound(tmp_path).strip() == f"{tmp_path}/cfg.py: Permission denied"


def load_bound(folder: Path) -> str:
    """What is wrong with the config in `folder`, for one who may not read what its permission bits forbid."""
    program = (
        "import sys\n"
        "from rr_config import ConfigError, Options, load\n"
        "try: load(Options(config_file=sys.argv[1]))\n"
        "except ConfigError as error: print(error)\n"
    )
    command: list[str | Path] = [*BOUND, sys.executable, "-B", "-c", program, folder / "cfg.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- destinations


def test_two_sources_of_one_path_are_refused(tmp_path: Path) -> None:
    for name in "xyz":
        write(tmp_path / name, "")
    text = complete(base_dir="/w", files={"x": "f", "y": "./f"}) + complete(name="b", base_dir="/w/", files={"z": "f"})
    assert refused(tmp_path, text).splitlines() == [
        "h/a.files: /w/f: is the place of both FOLDER/x and FOLDER/y; give one of them another place",
        "h/b.files: /w/f: is the place of both FOLDER/x and FOLDER/z; give one of them another place",
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"base_dir": "/w", "files": {"x": "f"}}, {"base_dir": "/", "files": {"y": "w/f"}}),
        ({"base_dir": "/w", "files": {"x": "/f"}}, {"files": {"y": "/f"}}),
        ({"base_dir": "~/w", "files": {"x": "f"}}, {"files": {"y": "~/w/f"}}),
        ({"base_dir": "/w", "files": {"tree": "."}}, {"base_dir": "/w", "files": {"y": "leaf"}}),
        ({"base_dir": "/w", "files": {"tree": "f"}}, {"base_dir": "/w", "files": {"y": "f"}}),
        ({"base_dir": "/w", "files": {"x": "a/../f"}}, {"base_dir": "/w", "files": {"y": "f"}}),
    ],
)
def test_components_must_agree_on_a_file(tmp_path: Path, first: dict[str, object], second: dict[str, object]) -> None:
    for name in ("x", "y", "tree/leaf"):
        write(tmp_path / name, "")
    text = complete(**first) + complete(name="b", **second)
    assert "is the place of both" in refused(tmp_path, text)
    assert loaded(tmp_path, complete(**first) + complete(name="b", host="other", **second))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"base_dir": "/w", "files": {"x": "f"}}, {"base_dir": "/w", "files": {"x": "f"}}),
        ({"base_dir": "/w", "files": {"x": "f"}}, {"base_dir": "/v", "files": {"y": "f"}}),
        ({"files": {"x": "f"}}, {"files": {"y": "f"}}),  # a temporary folder each
        ({"base_dir": "/w", "files": {"tree": "t"}}, {"base_dir": "/w", "files": {"tree/leaf": "t/leaf"}}),
        ({"base_dir": "/w", "files": {"tree": "t"}}, {"base_dir": "/w", "files": {"tree2": "t"}}),
    ],
)
def test_components_may_share_files(tmp_path: Path, first: dict[str, object], second: dict[str, object]) -> None:
    for name in ("x", "y", "tree/leaf", "tree2/other"):
        write(tmp_path / name, "")
    assert loaded(tmp_path, complete(**first) + complete(name="b", **second))
