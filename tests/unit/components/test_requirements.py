"""Programs that a component needs: how they are named and looked for."""

import os
import subprocess
from pathlib import Path

import pytest

from fabfile.components.requirements import as_arguments
from fabfile.remote.script import Script, read_script
from rr_config import Component, util
from tests.support.configs import write
from tests.support.muddled_configs import TWO, refusal


@pytest.mark.parametrize("sh", ["dash", "bash"])
def test_need_is_a_program_on_the_path(sh: str, tmp_path: Path) -> None:
    write(tmp_path / "plain", "").chmod(0o644)
    write(tmp_path / "own tool", "").chmod(0o755)
    folder = str(tmp_path)
    for name, is_there in (
        *((name, False) for name in ("if", "fail", "finds", "export", f"{folder}/plain", "plain", folder, "*", "")),
        *((name, True) for name in ("sh", "/bin/sh", f"{folder}/own tool", "own tool")),
    ):
        header = Script("", {}, as_arguments([Component(name="c", needs=[name])])).header()
        functions = f"fail() {{ echo lacks; exit; }}\n{read_script('requirements.sh')}"
        script = f'{header}\n{functions}check_requirements $# "$@"\n'
        done = subprocess.run([sh, "-c", script], env={"PATH": f"{folder}:{os.environ['PATH']}"}, capture_output=True)
        assert (done.stdout, done.stderr) == (b"" if is_there else b"lacks\n", b""), name


@pytest.mark.parametrize("sh", ["dash", "bash"])
@pytest.mark.parametrize(
    ("path", "is_there"),
    [
        ("$HOME/own dir:$PATH", True),
        ("${HOME}/own dir", True),
        ("own dir", True),  # below base_dir
        ("/none:", True),  # an empty folder is the current one
        ("", True),
        (util.scoped("$PLACE/own dir", {"PLACE": "$HOME"}), True),
        (util.literal("$HOME/own dir"), False),
        ("~/own dir:/none", False),
        ("$UNSET/own dir:/usr/bin", False),
        (None, False),
    ],
)
def test_need_is_in_own_path(sh: str, path: str | None, is_there: bool, tmp_path: Path) -> None:
    for folder in ("own dir", "base/own dir", "base"):
        write(tmp_path / folder / "tool", "").chmod(0o755)
    env = {} if path is None else {"PATH": path}
    components = [Component(name="c", needs=["tool"], env=env, base_dir="~/base")]
    components.append(Component(name="harness", needs=[util.scoped("tool", env)]))
    header = Script("", {}, as_arguments(components[: 1 + (path not in ("own dir", "/none:", ""))])).header()
    functions = f'fail() {{ echo "$1"; exit; }}\n{read_script("requirements.sh")}'
    script = f'{header}\n{functions}check_requirements $# "$@"\n'
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run([sh, "-c", script], env=environment, capture_output=True, text=True, cwd="/")
    words = "tool (needed by c" if path is None or not path.startswith("~") else "expands ~ in PATH, so use $HOME"
    assert (done.stdout == "") if is_there else (words in done.stdout), done


@pytest.mark.parametrize("needs", [["bin/x"], ["~/x"], [""], "sh", [3], ["a\0"]])
def test_invalid_needs_are_refused(needs: object) -> None:
    said = refusal(config=TWO + f"add('a', needs={needs!r})\n")
    assert said.startswith("node1/a.needs: invalid value ")
