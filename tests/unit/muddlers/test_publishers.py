"""Test `--muddler ta3` without clients: publishers run under the harness."""

import os
import subprocess
from pathlib import Path

import pytest

from rr_config.util import literal
from tests.support.awkward import AWKWARD
from tests.support.configs import complete, component_of, loaded, refused, write
from tests.support.harness import brought_to, stamped

EXTRA = "import types\ndef parse_args(extra_args, ssh_user):\n    return types.SimpleNamespace({})\n"


def test_only_publishers_run_in_harness(tmp_path: Path) -> None:
    write(tmp_path / "x", "")
    text = "".join(complete(name=n, base_dir="/b", args=["1"]) for n in ("publisher", "publisher-2", "a-publisher"))
    first, second, other = loaded(tmp_path, text, muddler=["ta3"]).all_components()
    assert (other.executable, other.args, other.files) == ("/bin/true", ["1"], {})
    for component in (first, second):
        assert component.executable != "/bin/true"
        assert component.args[-2:] == ["/bin/true", "1"]
        assert component.executable in component.files.values()


@pytest.mark.parametrize("executable", ["bin/show", "show", "./show", "~show", "sh ow", "$HOME", "-x"])
def test_harness_passes_program_and_args(tmp_path: Path, executable: str) -> None:
    args = list(AWKWARD)
    show = write(tmp_path / "show", "#!/bin/sh\nfor arg; do printf '%s\\0' \"$arg\"; done >args\n")
    show.chmod(0o755)
    own = f"./{executable}" if executable.startswith("~") else executable
    text = complete(name="publisher", executable=own, args=args, files={"show": own}, base_dir="/b")
    host = tmp_path / "host"
    command = brought_to(host, component_of(tmp_path, text, muddler=["ta3"]))
    done = subprocess.run(command, cwd=host, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert os.fsdecode((host / "args").read_bytes()).split("\0")[:-1] == args


def test_names_in_args_are_still_expanded(tmp_path: Path) -> None:
    text = complete(name="publisher", executable="$x", base_dir="/b").replace(
        "Component(**{", "Component(args=['$HOME', util.literal('$HOME')], **{"
    )
    *_, program, plain, kept = component_of(tmp_path, text, muddler=["ta3"]).args
    assert [isinstance(arg, literal) for arg in (program, plain, kept)] == [True, False, True]


def test_local_publisher_runs_in_place(tmp_path: Path) -> None:
    write(tmp_path / "prog", "#!/bin/sh\necho $1; exit 3\n").chmod(0o755)
    text = complete(name="publisher", executable="prog", host="localhost", args=["hello"])
    component = component_of(tmp_path, text, muddler=["ta3"])
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run([component.executable, *component.args], cwd=work, capture_output=True)
    assert (component.files, done.returncode, done.stdout) == ({}, 3, b"hello\n")


def test_extra_options_choose_harness(tmp_path: Path) -> None:
    write(tmp_path / "tools/mine.sh", "").chmod(0o755)
    parser = write(tmp_path / "parser.py", EXTRA.format("harness='tools/mine.sh', harness_args=['-v', 'a b']"))
    text = complete(name="publisher", executable="prog", args=["1"], base_dir="/b")
    component = component_of(tmp_path, text, muddler=["ta3"], arg_parser=str(parser), extra_args="")
    assert component.files == {str(tmp_path / "tools/mine.sh"): component.executable}
    assert (component.args[:2], component.args[-1]) == (["-v", "a b"], "1")


@pytest.mark.parametrize("made", ["{'harness': 'mine.sh'}", "types.SimpleNamespace(harness='mine.sh')"])
def test_other_harness_gets_no_arguments(tmp_path: Path, made: str) -> None:
    write(tmp_path / "mine.sh", "").chmod(0o755)
    parser = write(tmp_path / "p.py", f"import types\ndef parse_args(extra_args, ssh_user):\n    return {made}\n")
    text = complete(name="publisher", executable="prog", args=["1"], base_dir="/b")
    component = component_of(tmp_path, text, muddler=["ta3"], arg_parser=str(parser), extra_args="")
    assert (component.executable, component.args) == ("/b/.harness/mine.sh", ["./prog", "1"])


def test_harness_in_files_goes_to_both_places(tmp_path: Path) -> None:
    write(tmp_path / "h.sh", '#!/bin/sh\n"$@"\n').chmod(0o755)
    parser = write(tmp_path / "p.py", EXTRA.format("harness='h.sh', harness_args=[]"))
    text = complete(
        name="publisher", base_dir="/b", executable="tools/h.sh", args=["echo"], files={"h.sh": "tools/h.sh"}
    )
    component = component_of(tmp_path, text, muddler=["ta3"], extra_args="", arg_parser=str(parser))
    assert sorted(component.files.values()) == ["/b/.harness/h.sh", "/b/tools/h.sh"]
    assert component.args == ["./tools/h.sh", "echo"], "and nothing that the user has not asked for"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("harness=5", "extra_options.harness: must be a local path (is 5)"),
        ("harness_args='-v -q'", "extra_options.harness_args: must be a list of arguments (is '-v -q')"),
        ("harness_logs=['x']", "extra_options.harness_logs: must be a remote folder (is ['x'])"),
    ],
)
def test_invalid_extra_options_are_refused(tmp_path: Path, extra: str, message: str) -> None:
    parser = write(tmp_path / "p.py", EXTRA.format(extra))
    text = complete(name="publisher", base_dir="/b")
    said = refused(tmp_path, text, muddler=["ta3"], extra_args="", arg_parser=str(parser))
    assert said == f"--muddler ta3: {message}"


def test_extra_options_choose_log_folder(tmp_path: Path) -> None:
    parser = write(tmp_path / "parser.py", EXTRA.format("harness_logs='my logs'"))
    text = complete(name="publisher", executable="/bin/echo", args=["hello"], base_dir="/b")
    component = component_of(tmp_path, text, muddler=["ta3"], arg_parser=str(parser), extra_args="")
    command = brought_to(tmp_path / "host", component)
    subprocess.run(command, cwd=tmp_path / "host", check=True, capture_output=True)
    assert stamped(tmp_path / "host/my logs/publisher.out") == [b"hello"]


@pytest.mark.parametrize(
    ("attributes", "beginning"),
    [
        ({"executable": None}, "h/publisher.executable: missing; must be "),
        ({"executable": 3}, "h/publisher.executable: invalid value 3 (int)"),
        ({"args": "one two"}, "h/publisher.args: invalid value 'one two' (str)"),
        ({"args": None}, "h/publisher.args: invalid value None"),
        ({"files": None}, "h/publisher.files: invalid value None"),
        ({"name": None}, "component 1.name: missing; must be "),
        ({"name": 5}, "component 1.name: invalid value 5 (int)"),
    ],
)
def test_wrong_attribute_is_left_to_checks(tmp_path: Path, attributes: dict[str, object], beginning: str) -> None:
    message = refused(tmp_path, complete(**{"name": "publisher"} | attributes), muddler=["ta3"])
    assert message.startswith(beginning)


def test_executable_may_be_a_path_object(tmp_path: Path) -> None:
    text = "from pathlib import PosixPath\n" + complete(name="publisher", executable=Path("/bin/true"), base_dir="/b")
    assert component_of(tmp_path, text, muddler=["ta3"]).args[-1] == "/bin/true"
