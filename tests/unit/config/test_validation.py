"""Errors in a config: component, attribute, and the expected value."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.configs import COMPLETE, complete, component_of, loaded, refused, write
from tests.support.privileges import BOUND

ARGS = "a list or another iterable of arguments, not one text; each becomes a string, which must not contain NUL"
FILES = "a dict of local path to remote path, none of them empty"
HOST = (
    "a host name, an address, user@host:port, [IPv6-address]:port, an ssh:// URI, a Host of ~/.ssh/config, or"
    " 'localhost'"
)
BASE_DIR = "a remote path, or None for a temporary folder"
READY = "util.port(…), util.log(…), util.command(…), util.ended(), or None"
RESULTS = "a list of remote paths or patterns, none of them empty"
ENV = "a dict of variable names to strings without NUL; a name must not be a variable that the shell sets itself"


def test_empty_config_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "") == "config: no components; add one with config.add_component(...)"


def test_all_unset_attributes_are_reported(tmp_path: Path) -> None:
    assert refused(tmp_path, "config.add_component(Component())\n").splitlines() == [
        "component 1.name: missing; must be a non-empty string",
        "component 1.executable: missing; must be the path of the program",
        f"component 1.host: missing; must be {HOST}",
        "component 1.start_index: missing; must be a whole number",
    ]


def test_daemon_cannot_be_ready_by_its_end(tmp_path: Path) -> None:
    ended = COMPLETE.replace("start_index=1", "start_index=1, daemon={}, ready=util.ended()")
    for daemon in ("True", "util.pidfile('run.pid')"):
        assert refused(tmp_path, ended.format(daemon)).startswith("h/a.ready: util.ended() is never met by a daemon")
    assert loaded(tmp_path, ended.format("False"))
    wrong = "h/a.daemon: invalid value 'x' (str); must be True, False, or util.pidfile(…)"
    assert refused(tmp_path, complete(daemon="x")) == wrong


def test_all_wrong_components_are_reported(tmp_path: Path) -> None:
    text = complete(start_index=None) + complete(name="b") + complete(name="c", wait=3) + complete(name="d", host=None)
    assert refused(tmp_path, text).splitlines() == [
        "h/a.start_index: missing; must be a whole number",
        "h/c.wait: invalid value 3 (int); must be True or False",
        f"d.host: missing; must be {HOST}",
    ]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"name": ""}, "component 1.name: invalid value '' (str); must be a non-empty string"),
        ({"name": 7}, "component 1.name: invalid value 7 (int); must be a non-empty string"),
        ({"executable": ""}, "h/a.executable: invalid value '' (str); must be the path of the program"),
        ({"executable": ["x"]}, "h/a.executable: invalid value ['x'] (list); must be the path of the program"),
        ({"executable": b"x"}, "h/a.executable: invalid value b'x' (bytes); must be the path of the program"),
        ({"args": "one two"}, f"h/a.args: invalid value 'one two' (str); must be {ARGS}"),
        ({"args": None}, f"h/a.args: invalid value None (NoneType); must be {ARGS}"),
        ({"args": b"one"}, f"h/a.args: invalid value b'one' (bytes); must be {ARGS}"),
        ({"args": [["x"]]}, f"h/a.args: invalid value [['x']] (list); must be {ARGS}"),
        ({"args": [b"x"]}, f"h/a.args: invalid value [b'x'] (list); must be {ARGS}"),
        ({"args": ["a\0b"]}, f"h/a.args: invalid value ['a\\x00b'] (list); must be {ARGS}"),
        ({"args": {"x": "y"}}, f"h/a.args: invalid value {{'x': 'y'}} (dict); must be {ARGS}"),
        ({"files": ["x"]}, f"h/a.files: invalid value ['x'] (list); must be {FILES}"),
        ({"files": {"x": None}}, f"h/a.files: invalid value {{'x': None}} (dict); must be {FILES}"),
        ({"files": {"x": ""}}, f"h/a.files: invalid value {{'x': ''}} (dict); must be {FILES}"),
        ({"files": {1: "x"}}, f"h/a.files: invalid value {{1: 'x'}} (dict); must be {FILES}"),
        ({"host": ""}, f"a.host: invalid value '' (str); must be {HOST}"),
        ({"host": ["h"]}, f"a.host: invalid value ['h'] (list); must be {HOST}"),
        ({"host": "a b"}, f"a.host: invalid value 'a b' (str); must be {HOST}"),
        ({"host": "-oProxyCommand=x"}, f"a.host: invalid value '-oProxyCommand=x' (str); must be {HOST}"),
        ({"base_dir": 1}, f"h/a.base_dir: invalid value 1 (int); must be {BASE_DIR}"),
        ({"base_dir": ""}, f"h/a.base_dir: invalid value '' (str); must be {BASE_DIR}"),
        ({"start_index": "1"}, "h/a.start_index: invalid value '1' (str); must be a whole number"),
        ({"start_index": 1.5}, "h/a.start_index: invalid value 1.5 (float); must be a whole number"),
        ({"start_index": True}, "h/a.start_index: invalid value True (bool); must be a whole number"),
        ({"wait": "yes"}, "h/a.wait: invalid value 'yes' (str); must be True or False"),
        ({"wait": None}, "h/a.wait: invalid value None (NoneType); must be True or False"),
        (
            {"stop_signal": "TREM"},
            "h/a.stop_signal: invalid value 'TREM' (str); must be the name of a signal, for example 'TERM', 'INT' or 'USR1'",
        ),
        ({"ready": 80}, f"h/a.ready: invalid value 80 (int); must be {READY}"),
        ({"ready": "port"}, f"h/a.ready: invalid value 'port' (str); must be {READY}"),
        ({"results": "x"}, f"h/a.results: invalid value 'x' (str); must be {RESULTS}"),
        ({"results": [""]}, f"h/a.results: invalid value [''] (list); must be {RESULTS}"),
        ({"env": ["A=1"]}, f"h/a.env: invalid value ['A=1'] (list); must be {ENV}"),
        ({"env": {"A-B": "1"}}, f"h/a.env: invalid value {{'A-B': '1'}} (dict); must be {ENV}"),
        ({"env": {"A\n": "1"}}, f"h/a.env: invalid value {{'A\\n': '1'}} (dict); must be {ENV}"),
        ({"env": {1: "1"}}, f"h/a.env: invalid value {{1: '1'}} (dict); must be {ENV}"),
        ({"env": {"A": None}}, f"h/a.env: invalid value {{'A': None}} (dict); must be {ENV}"),
        ({"env": {"A": "\0"}}, f"h/a.env: invalid value {{'A': '\\x00'}} (dict); must be {ENV}"),
        ({"env": {"PPID": "1"}}, f"h/a.env: invalid value {{'PPID': '1'}} (dict); must be {ENV}"),
        ({"env": {"STY": "1"}}, f"h/a.env: invalid value {{'STY': '1'}} (dict); must be {ENV}"),
        ({"num_cores": "4"}, "h/a.num_cores: invalid value '4' (str); must be a whole number"),
        ({"meta": None}, "h/a.meta: invalid value None (NoneType); must be a dict"),
        ({"meta": []}, "h/a.meta: invalid value [] (list); must be a dict"),
    ],
)
def test_wrong_type_is_refused(tmp_path: Path, attributes: dict[str, object], message: str) -> None:
    # The message may show an invalid host in the label of the component, or not.
    assert refused(tmp_path, complete(**attributes)).replace(f"{attributes.get('host')}/a.", "a.") == message


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("name", "a\0b"), ("executable", "a\0b"), ("host", "a\0b"), ("base_dir", "a\0b"), ("files", {"a\0b": "c"})],
)
def test_nul_is_refused(tmp_path: Path, attribute: str, value: object) -> None:
    assert f"{attribute}: invalid value " in refused(tmp_path, complete(**{attribute: value}))


def test_long_value_is_cut_in_the_message(tmp_path: Path) -> None:
    message = refused(tmp_path, complete(args="x" * 100_000))
    assert message.startswith("h/a.args: invalid value 'xxx")
    assert len(message) < 300


def test_other_objects_are_refused(tmp_path: Path) -> None:
    for value, kind in (("'a'", "a str"), ("Component", "the class Component")):
        message = refused(tmp_path, COMPLETE + f"config.add_component({value})\n")
        expected = f"TypeError: add_component: must be a Component, not {kind}; create one with Component()"
        assert message.startswith(f"FOLDER/cfg.py:2: {expected}\n")


def test_deleted_attribute_is_unset(tmp_path: Path) -> None:
    message = refused(tmp_path, complete() + "del config.all_components()[0].executable\n")
    assert message == "h/a.executable: missing; must be the path of the program"


def test_name_is_unique_on_each_host(tmp_path: Path) -> None:
    text = complete() + complete(host="other") + complete(start_index=9)
    assert refused(tmp_path, text) == "h/a.name: duplicate on this host; rename one of the components"
    assert len(list(loaded(tmp_path, complete() + complete(host="other")).all_components())) == 2


PLAIN = ["h", "u@h", "u@h:1", "h:22", "10.0.0.1", "::1", "u@fe80::1%eth0", "a@b@h", "é.net"]
IN_BRACKETS = ["[::1]", "[::1]:2222", "user@[::1]:2222", "u@[fe80::1%eth0]:22", "[node1]:22", "[127.0.0.1]:1"]


@pytest.mark.parametrize("host", [*PLAIN, *IN_BRACKETS])
def test_host_may_have_user_and_port(tmp_path: Path, host: str) -> None:
    assert component_of(tmp_path, complete(host=host)).host == host


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("ssh://u@127.0.0.1:2222", "u@127.0.0.1:2222"),
        ("ssh://[::1]:22", "[::1]:22"),
        ("ssh://u@[::1]/", "u@::1"),
        ("ssh://node1:22/", "node1:22"),
        ("ssh://node1:", "node1"),
        ("ssh://u%40x;fingerprint=y@h", "u@x@h"),
        ("ssh://localhost", "[localhost]"),
        ("u:x/y@h", "u:x/y@h"),
    ],
)
def test_uri_becomes_the_usual_spelling(tmp_path: Path, uri: str, host: str) -> None:
    assert component_of(tmp_path, complete(host=uri)).host == host


INVALID = ["", "user@", "@h", ":22", "h:", "h:port", "h:0", "h:65536", "-h", "u@-h", "a b", "a\n", "h/x"]
INVALID_BRACKETS = ["[]:22", "[::1", "[::1]2222", "[::1]:", "[::1]:0", "u@[-h]:22", "[a b]:1", "::1]:22", "[[::1]]:22"]
INVALID_URIS = ["ssh://", "ssh://::1", "ssh://h/path", "ssh://@h", "ssh://h:port", "ssh://[::1]:65536"]
INVALID_URIS += ["SSH://u@h", "Ssh://u@h:22", "ssh://ssh://u@h", "sftp://u@[::1]", "https://u:p@h"]


@pytest.mark.parametrize("host", [*INVALID, *INVALID_BRACKETS, *INVALID_URIS])
def test_invalid_host_is_refused(tmp_path: Path, host: str) -> None:
    message = refused(tmp_path, complete(host=host))
    assert f".host: invalid value {host!r} (str); must be {HOST}" in message


def test_files_of_localhost_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "x", "")
    message = refused(tmp_path, complete(host="localhost", files={"x": "x"}))
    assert message == "localhost/a.files: must be empty for a component of localhost; its files are not copied"


@pytest.mark.parametrize(
    "args",
    [[], [""], [1, 2.5, Path("x")], ("tuple",), ["-x", "'", '"', "\n", "é", "\udcff", "x" * 100_000]],
)
def test_args_may_hold_any_text(tmp_path: Path, args: list[object]) -> None:
    text = f"from pathlib import Path, PosixPath\n{complete(args=args)}"
    assert component_of(tmp_path, text).args == [str(arg) for arg in args]


def test_text_beyond_linux_is_refused(tmp_path: Path) -> None:
    """A surrogate can be sent only if it stands for a byte."""
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
        "FOLDER/pipe: a FIFO; must be a file or a folder",
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
    assert f"{tmp_path}/tree/closed.txt: permission denied" in said
    assert f"{tmp_path}/tree/closed: Permission denied" in said


def test_unreadable_config_is_reported(tmp_path: Path) -> None:
    write(tmp_path / "cfg.py", COMPLETE).chmod(0)
    assert load_bound(tmp_path).strip() == f"{tmp_path}/cfg.py: Permission denied"


def load_bound(folder: Path) -> str:
    """Return the errors of the config in `folder`, for a user who is bound by its permission bits."""
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
        "h/a.files: /w/f: duplicate target of FOLDER/x and FOLDER/y; change one of the remote paths",
        "h/b.files: /w/f: duplicate target of FOLDER/x and FOLDER/z; change one of the remote paths",
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
    assert "duplicate target of" in refused(tmp_path, text)
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
