"""Test `wrap`: the command around a program, and its results."""

import os
import subprocess
from pathlib import Path

import pytest

from rr_config import Component
from rr_config.testing import muddled
from rr_config.util import literal, scoped
from tests.support.awkward import AWKWARD
from tests.support.configs import write
from tests.support.muddled_configs import SHOW, TWO, refusal, told


def run_there(component: Component, folder: Path, **environment: str) -> None:
    """Run the program of a component in `folder`, as a launcher does."""
    command = [component.executable, *component.args]
    subprocess.run(command, cwd=folder, check=True, env=os.environ | environment, timeout=20)


def test_wrapped_args_arrive_unchanged(tmp_path: Path) -> None:
    show = write(tmp_path / "bin/sh ow", SHOW)
    show.chmod(0o755)
    config = TWO + f"add('a', 'localhost', executable={str(show)!r}, args={list(AWKWARD)!r})\n"
    stack = [
        "wrap --with 'nice -n 1' --only a",
        "wrap --with 'env A={results}/x' --only a",
        "stagger --delay 0 --only a",
    ]
    stack += ["wrap --with 'timeout 20' --only a", "pin --only a", "wrap --with 'env B=\"{name} {host}\"' --only a"]
    (found,) = (each for each in muddled(config, *stack) if each.name == "a")
    run_there(found, tmp_path, OUT=str(tmp_path / "out"))
    assert os.fsdecode((tmp_path / "out").read_bytes()).split("\0")[:-1] == list(AWKWARD)
    assert found.needs == ["nice", "env", "timeout", "taskset"]
    assert (tmp_path / "wrap/a").is_dir() and found.results == ["wrap/a"]


def test_wrap_keeps_others_and_literals() -> None:
    found = told("wrap --with 'strace -o $HOME/t' --only client --needs perf,gdb")
    assert (found["server"].executable, found["server"].args) == ("bin/x", ["a b"])
    client = found["client"]
    assert (client.executable, client.args) == (
        "/usr/bin/env",
        ["strace", "-o", "$HOME/t", "./bin/x", "%n", "$x", "$y"],
    )
    assert [isinstance(arg, literal) for arg in client.args[-4:]] == [True, False, True, False]
    assert client.needs == ["strace", "perf", "gdb"]


def test_wrapped_copies_have_own_folders() -> None:
    found = told("wrap --with 'strace -o {results}/trace' --only client")
    assert found["client"].results == ["wrap/client"]
    copies = muddled(
        TWO, "wrap --with 'strace -o {results}/trace' --only client", "repeat --copies 2", "repeat --copies 2"
    )
    assert [each.results for each in copies if each.results][1:3] == [["wrap/client-1-2"], ["wrap/client-2-1"]]
    assert "wrap/client-2-1/trace" in copies[-2].args


@pytest.mark.parametrize("name", ["a/b", "..", "a b", "$x", "'", "\u3042" * 60])
def test_results_folder_has_its_own_name(tmp_path: Path, name: str) -> None:
    config = TWO + f"add({name!r}, 'localhost', executable='/bin/true')\n"
    found = told("wrap --with 'env A={results}' --needs x --only localhost", config)[name]
    run_there(found, tmp_path)
    (folder,) = found.results
    assert (tmp_path / folder).is_dir() and len(Path(folder).parts) == 2


@pytest.mark.parametrize(("words", "said"), [("", "(is None)"), (" --with ''", "(is '')")])
def test_wrap_without_command_is_refused(words: str, said: str) -> None:
    assert refusal(f"wrap{words}") == f"wrap --with: required, and must be a command {said}"


def test_program_in_home_uses_a_variable() -> None:
    config = TWO + "add('a', executable='~/bin/x')\n"
    assert told("wrap --with nice", config)["a"].args == ["nice", "$HOME/bin/x"]
    said = refusal("wrap --with nice", config=config.replace("~/bin", "~other/bin"))
    assert said == "node1/a.executable: ~other/bin/x: cannot be passed to another program; use an absolute path"


def test_wrapped_program_ignores_own_home() -> None:
    """The program is in the home of the host, even if it gets another HOME."""
    found = told("wrap --with nice", TWO + "add('a', executable='~/bin/x', args=['$HOME'], env={'HOME': '/srv'})\n")[
        "a"
    ]
    _, program, arg = found.args
    assert isinstance(program, scoped) and (program, program.env) == ("$HOME/bin/x", {})
    assert type(arg) is str
