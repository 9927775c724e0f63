"""Executables that no host could run are reported with all other mistakes, before any host is touched."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from rr_config import Config, ConfigError, Options, load
from tests.support.configs import complete, loaded, refused, write

SCRIPT = "#!/bin/sh\nexit 0\n"


def program(path: Path, content: str | bytes = SCRIPT, mode: int = 0o755) -> Path:
    """Write a program with exactly this content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


PLACES: list[dict[str, Any]] = [
    {"executable": "server.sh", "files": {"server.sh": "server.sh"}},
    {"executable": "./bin/run", "files": {"server.sh": "bin/run"}, "base_dir": "~/work"},
    {"executable": "bin/server.sh", "files": {"server.sh": "bin/"}, "base_dir": "/srv"},
    {"executable": "/opt/x/../run", "files": {"server.sh": "/opt/run"}},
    {"executable": "~/run", "files": {"server.sh": "run"}, "base_dir": "~"},
    {"executable": "server.sh", "files": {".": "."}},
    {"executable": "a/server.sh", "files": {".": "a"}},
    {"executable": "./~x", "files": {"server.sh": "./~x"}},
]


@pytest.mark.parametrize("place", PLACES)
def test_file_without_x_bit_is_refused(tmp_path: Path, place: dict[str, Any]) -> None:
    server = program(tmp_path / "server.sh", mode=0o644)
    problem = "h/a.executable: FOLDER/server.sh: not executable; run: chmod +x FOLDER/server.sh"
    assert refused(tmp_path, complete(**place)) == problem
    server.chmod(0o755)
    assert loaded(tmp_path, complete(**place))


def test_hint_quotes_the_path(tmp_path: Path) -> None:
    program(tmp_path / "my server.sh", mode=0o600)
    assert refused(tmp_path, complete(executable="my server.sh", files={"my server.sh": "."})) == (
        "h/a.executable: FOLDER/my server.sh: not executable; run: chmod +x 'FOLDER/my server.sh'"
    )


def test_link_has_the_mode_of_its_target(tmp_path: Path) -> None:
    target = program(tmp_path / "target", mode=0o640)
    (tmp_path / "link").symlink_to(target)
    text = complete(executable="link", files={"link": "link"})
    assert "chmod +x FOLDER/link" in refused(tmp_path, text)
    target.chmod(0o750)
    assert loaded(tmp_path, text)


def test_file_of_another_component_is_checked(tmp_path: Path) -> None:
    """Components of a host share all folders except the temporary ones. A file is reported once."""
    program(tmp_path / "x", mode=0o644)
    text = complete(name="a", base_dir="~/w", executable="/bin/true", files={"x": "x"})
    text += complete(name="b", base_dir="~/w", executable="x") + complete(name="c", executable="~/w/x")
    assert refused(tmp_path, text) == "h/b.executable: FOLDER/x: not executable; run: chmod +x FOLDER/x"
    elsewhere = complete(name="a", base_dir="~/w", files={"x": "x"}) + complete(
        host="i", base_dir="~/w", executable="x"
    )
    assert loaded(tmp_path, elsewhere)


def test_only_executables_need_the_x_bit(tmp_path: Path) -> None:
    """An interpreter reads its script, also one around which a muddler has put it."""
    program(tmp_path / "x", mode=0o644)
    program(tmp_path / "own", mode=0o755)
    text = complete(executable="/usr/bin/python3", args=["x"], files={"x": "x"})
    text += complete(name="b", executable="own", files={"own": "own", "x": "x"})
    assert loaded(tmp_path, text)
    assert loaded(tmp_path, complete(executable="x", files={"x": "x"}), muddler=["wrap --with python3"])


def test_files_are_checked_only_if_sent(tmp_path: Path) -> None:
    program(tmp_path / "x", mode=0o644)
    path = write(tmp_path / "cfg.py", complete(executable="x", files={"x": "x"}) + complete(name="b", executable="no"))
    assert load(Options(config_file=str(path)), with_files=False)


def test_folder_is_no_executable(tmp_path: Path) -> None:
    program(tmp_path / "tree/x")
    for base_dir in (None, "~/w"):
        text = complete(executable="tree", files={"tree": "tree"}, base_dir=base_dir)
        assert refused(tmp_path, text) == "h/a.executable: FOLDER/tree: is a folder; must be a program"


# -- what cannot exist


@pytest.mark.parametrize(
    ("attributes", "hint"),
    [
        ({"executable": "echo"}, "echo: no such file in the temporary folder; {} such as /bin/echo"),
        ({"executable": "bin/x"}, "bin/x: no such file in the temporary folder; {}"),
        ({"executable": "x", "files": {"y": "y"}}, "x: no such file in the temporary folder; {} such as /bin/x"),
        ({"executable": "x", "files": {"y": "/x"}}, "x: no such file in the temporary folder; {} such as /bin/x"),
        ({"executable": "tree/y", "files": {"tree": "tree"}}, "tree/y: no such file in the temporary folder; {}"),
        ({"executable": "tree/x/y", "files": {"tree": "tree"}}, "tree/x/y: no such file in the temporary folder; {}"),
        ({"executable": "./~x"}, "./~x: no such file in the temporary folder; {}"),
    ],
)
def test_executable_that_cannot_exist_is_refused(tmp_path: Path, attributes: dict[str, Any], hint: str) -> None:
    program(tmp_path / "tree/x")
    program(tmp_path / "y")
    expected = hint.format("add it to files, set base_dir, or give an absolute path")
    assert refused(tmp_path, complete(**attributes)) == f"h/a.executable: {expected}"


def test_temporary_folders_are_not_shared(tmp_path: Path) -> None:
    program(tmp_path / "x")
    text = complete(executable="x", files={"x": "x"}) + complete(name="b", executable="x")
    assert refused(tmp_path, text).startswith("h/b.executable: x: no such file in the temporary folder; ")


@pytest.mark.parametrize(
    "attributes",
    [
        {"executable": "echo", "base_dir": "~"},
        {"executable": "made/by/others", "base_dir": "/srv"},
        {"executable": "/no/such"},
        {"executable": "~/no/such"},
        {"executable": "../x"},
        {"executable": "tree/x", "files": {"tree": "tree"}},
        {"executable": "x", "files": {"tree": "."}},
        {"executable": "b/../x", "files": {"tree/x": "./x"}},
        {"executable": "missing", "host": "localhost"},
    ],
)
def test_executable_that_may_exist_is_accepted(tmp_path: Path, attributes: dict[str, Any]) -> None:
    program(tmp_path / "tree/x")
    assert loaded(tmp_path, complete(**attributes))


@pytest.mark.parametrize("files", [{"gone": "x"}, {"gone": "."}, {"tree/x": "."}])
def test_missing_local_file_is_reported_alone(tmp_path: Path, files: dict[str, str]) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/x").symlink_to("nowhere")
    assert "executable" not in refused(tmp_path, complete(executable="x", files=files))
    message = refused(tmp_path, complete(executable="x", files={"tree": "."}))
    assert message.startswith("h/a.executable: x: no such file in the temporary folder;"), "it is skipped"


def test_all_executables_are_reported_at_once(tmp_path: Path) -> None:
    program(tmp_path / "x", "#!/bin/sh\r\n", mode=0o644)
    text = complete(executable="x", files={"x": "x", "gone": "gone"})
    text += complete(name="b", executable="echo") + complete(name="c", executable="echo")
    problems = refused(tmp_path, text).splitlines()
    assert [problem.partition(": ")[0] for problem in problems] == [
        "a.files",
        *["h/a.executable"] * 2,
        *("h/b.executable", "h/c.executable"),
    ]


# -- the first line

CR = "FOLDER/x: its #! line ends in CR; save it with Unix line ends, for example: sed -i 's/\\r$//' FOLDER/x"
MARK = "FOLDER/x: begins with a byte order mark, which hides its #! line; save it as UTF-8 without the mark"
RELATIVE = "FOLDER/x: no file {} in the temporary folder for its #! line; give an absolute path there"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"#!/bin/sh\r\nexit 0\r\n", CR),
        (b"#!/bin/sh\r", CR),
        (b"#! /bin/sh -e\r\n", CR),
        (b"#!/usr/bin/env python3\r\n", CR),
        (b"#!/bin/sh\rexit 0\r", CR),
        (b"#!/usr/bin/perl\r\n", CR),
        (b"\xef\xbb\xbf#!/bin/sh\n", MARK),
        ("\ufeff#!/bin/sh\r\n".encode("utf-16-le"), MARK),
        ("\ufeff#!/bin/sh\n".encode("utf-16-be"), MARK),
        (b"#!python3\n", RELATIVE.format("python3")),
        (b"#! ~/bin/python3 -u\n", RELATIVE.format("~/bin/python3")),
    ],
)
def test_spoilt_first_line_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    program(tmp_path / "x", content)
    assert refused(tmp_path, complete(executable="x", files={"x": "x"})) == f"h/a.executable: {problem}"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#!",
        b"#!\n",
        b"#!/bin/sh\necho x\r\n",
        b"echo x\r\n",
        b"#!/usr/bin/env -S python3 -u\r\n",
        b"#!/usr/bin/env -vS python3\r\n",
        b"#!/usr/bin/perl -w\r\n",
        b"#!bin/python3\n",
        b"\xef\xbb\xbfecho\n",
        b"\x7fELF\r\n",
        b"#!/bin/sh" + b" " * 300 + b"\r\n",
    ],
)
def test_usable_first_line_is_accepted(tmp_path: Path, content: bytes) -> None:
    program(tmp_path / "x", content)
    program(tmp_path / "python3")
    assert loaded(tmp_path, complete(executable="x", files={"x": "x", "python3": "bin/"}))


RUN = [
    (b"#!/bin/sh\r\ntrue\n", False),
    (b"#!/bin/sh -e\r\ntrue\n", False),
    (b"#!/usr/bin/env sh\r\ntrue\n", False),
    (b"#!/usr/bin/perl\r\n1;\r\n", False),
    (b"#!/usr/bin/perl -w\r\n1;\r\n", True),
    (b"#!/usr/bin/env -S perl\r\n1;\r\n", True),
    (b"#!sh\ntrue\n", False),
]


@pytest.mark.parametrize(("content", "works"), RUN)
def test_linux_agrees_about_the_first_line(tmp_path: Path, content: bytes, works: bool) -> None:
    path = program(tmp_path / "folder/x", content)
    status = subprocess.run(["sh", "-c", 'exec "$0"', path], cwd=tmp_path, capture_output=True).returncode
    assert (status == 0) == works
    assert isinstance(outcome(tmp_path, complete(executable="x", files={"folder/x": "x"})), Config) == works


def outcome(folder: Path, text: str) -> Config | ConfigError:
    try:
        return loaded(folder, text)
    except ConfigError as error:
        return error


def test_interpreter_may_be_in_base_dir(tmp_path: Path) -> None:
    program(tmp_path / "x", "#!venv/bin/python3\n")
    assert loaded(tmp_path, complete(executable="x", files={"x": "x"}, base_dir="~/w"))


def test_other_files_may_end_lines_with_cr(tmp_path: Path) -> None:
    program(tmp_path / "x", "#!/bin/sh\r\n")
    assert loaded(tmp_path, complete(files={"x": "x"}))


@pytest.mark.parametrize(
    ("attributes", "program", "args"),
    [
        ({"executable": "/usr/bin/env FOO=1 prog"}, "/usr/bin/env", ["FOO=1", "prog"]),
        ({"executable": "/bin/sh  -c\tx", "base_dir": "/b"}, "/bin/sh", ["-c", "x"]),
        ({"executable": "server.sh -p 80", "files": {"server.sh": "server.sh"}}, "server.sh", ["-p", "80"]),
        ({"executable": "my prog -x", "files": {"server.sh": "my prog"}}, "my prog", ["-x"]),
        ({"executable": "./bin/run x", "files": {"server.sh": "bin/run"}, "base_dir": "~/w"}, "~/w/bin/run", ["x"]),
        ({"executable": "server.sh -p", "host": "localhost"}, "FOLDER/server.sh", ["-p"]),
        ({"executable": "/bin/sh -c", "host": "localhost"}, "/bin/sh", ["-c"]),
    ],
)
def test_arguments_in_executable_are_refused(
    tmp_path: Path, attributes: dict[str, Any], program: str, args: list[str]
) -> None:
    (tmp_path / "server.sh").write_text(SCRIPT)
    (tmp_path / "server.sh").chmod(0o755)
    message = refused(tmp_path, complete(**attributes))
    assert message.startswith(f"{attributes.get('host', 'h')}/a.executable: {program}")
    assert message.endswith(f": arguments belong in args: executable='{program}', args={args}")


def test_arguments_of_a_missing_program_are_mentioned(tmp_path: Path) -> None:
    message = refused(tmp_path, complete(executable="prog -x"))
    assert message.startswith("h/a.executable: prog -x: no such file in the temporary folder")
    assert message.endswith("; arguments belong in args")


@pytest.mark.parametrize(
    "attributes",
    [
        {"executable": "my prog", "files": {"my prog": "my prog"}},
        {"executable": "my prog", "files": {"my prog": "my prog", "my": "my"}},
        {"executable": "my prog", "host": "localhost"},
        {"executable": "FOLDER/my prog"},
        {"executable": "/opt/my tools/prog"},
        {"executable": "~/my prog"},
        {"executable": "/srv/a b/prog -x", "base_dir": "/b"},
        {"executable": "tree prog", "files": {"tree": "tree"}, "base_dir": "/b"},
    ],
)
def test_path_may_contain_spaces(tmp_path: Path, attributes: dict[str, Any]) -> None:
    for name in ("my", "my prog", "tree/x"):
        program(tmp_path / name)
    attributes = attributes | {"executable": attributes["executable"].replace("FOLDER", str(tmp_path))}
    assert loaded(tmp_path, complete(**attributes))
