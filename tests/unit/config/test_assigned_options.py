"""Options that a config file or a muddler assigns: their effect, and mistakes."""

from pathlib import Path
from typing import Any

import pytest
from fabric import Config as Settings

from fabfile.cli.hints import CommandLine, overridden
from fabfile.results.provenance import provenance
from fabfile.runner import Runner
from fabfile.runner.repeat import Repeat
from rr_config import ConfigError, Options, load
from tests.support.configs import COMPLETE, complete, loaded, refused, write

VALUES = {
    "ssh_user": "x",
    "ssh_pass": "x",
    "screen": "x",
    "limit": "a",
    "host_keys": "strict",
    "on_exit": "stop",
    "max_failures": 2,
    "parallel": 3,
    "retries": 1,
    "io_timeout": 5,
    "log_level": "DEBUG",
    "kill_first": False,
    "no_zombie": True,
    "replace": True,
    "always_copy": True,
    "terminate": True,
    "keep_going": True,
}


def effective(folder: Path, text: str, **given: Any) -> Options:
    """Return the options of a runner for a config with this text."""
    options = Options(config_file=str(write(folder / "cfg.py", text)), **given)
    with Runner(load(options), options) as runner:
        return runner.options


@pytest.mark.parametrize("name", VALUES)
def test_assigned_option_takes_effect(tmp_path: Path, name: str) -> None:
    text = f"options.{name} = {VALUES[name]!r}\n{complete(wait=True)}"
    assert getattr(effective(tmp_path, text), name) == VALUES[name]


def test_muddler_assigns_after_the_config(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/m.py", "def muddle(config, given):\n    given.screen += '2'\n    options.retries = 4\n")
    found = effective(tmp_path, f"options.screen = 'one'\noptions.retries = 1\n{COMPLETE}", muddler=["m"])
    assert (found.screen, found.retries) == ("one2", 4)


def test_assignment_wins_over_command_line(tmp_path: Path) -> None:
    text = f"options.ssh_user = 'assigned'\noptions.screen = 'runner'\nconfig.screen = 'other'\n{COMPLETE}"
    found = effective(tmp_path, text, ssh_user="given", screen="given")
    assert (found.ssh_user, found.screen) == ("assigned", "runner")


def test_assigned_limit_selects_components(tmp_path: Path) -> None:
    text = f"options.limit = 'b'\n{COMPLETE}{complete(name='b')}"
    assert [each.name for each in loaded(tmp_path, text, limit="a").all_components()] == ["b"]
    message = refused(tmp_path, f"options.limit = 'c'\n{COMPLETE}")
    assert message == "options.limit: 'c' matches no component; must match one of h/a"


def test_none_resets_an_option(tmp_path: Path) -> None:
    assert effective(tmp_path, f"options.ssh_user = None\n{COMPLETE}", ssh_user="u").ssh_user is None


def test_assigned_values_are_kept_and_repeated(tmp_path: Path) -> None:
    text = f"options.ssh_user = 'x'\noptions.kill_first = False\n{COMPLETE}"
    options = Options(config_file=str(write(tmp_path / "cfg.py", text)), command="run")
    config = load(options)
    found = options.with_assigned(config)
    kept = provenance(found, {})["options"]
    assert (kept["ssh_user"], kept["kill_first"], "command" in kept) == ("x", False, False)
    line = CommandLine(config, found, Settings()).text(["run"])
    assert "--user x" in line and "--no-kill" in line


@pytest.mark.parametrize(
    ("words", "limit", "assigned", "names"),
    [
        (("run", "--no-kill"), None, {"kill_first": True}, ["kill_first"]),
        (("run", "--no-kill"), None, {"kill_first": False}, []),
        (("start",), "h/a", {"limit": "b*", "kill_first": True}, ["limit"]),
        (("start",), None, {"limit": "b*"}, []),
    ],
)
def test_overridden_repeat_is_known(
    words: tuple[str, ...], limit: str | None, assigned: dict[str, Any], names: list[str]
) -> None:
    assert overridden(Repeat(words, limit), assigned) == names


def test_later_muddler_reads_a_new_attribute(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/one.py", "def muddle(config):\n    options.new += 1\n")
    write(tmp_path / "muddlers/two.py", "def muddle(config):\n    config.project = str(options.new)\n")
    config = loaded(tmp_path, f"options.new = 1\n{COMPLETE}", muddler=["one", "two"])
    assert (config.project, config.assigned) == ("2", {})


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("parallel = 0", "ValueError: options.parallel: invalid value 0; must be a number from 1 to 1,000,000"),
        ("parallel = '8'", "ValueError: options.parallel: invalid value '8'; must be a whole number"),
        ("retries = True", "ValueError: options.retries: invalid value True; must be a whole number"),
        ("kill_first = None", "ValueError: options.kill_first: invalid value None; must be True or False"),
        ("ssh_user = ''", "ValueError: options.ssh_user: invalid value ''; must be a non-empty string"),
        ("ssh_pass = 7", "ValueError: options.ssh_pass: invalid value of type int; must be a non-empty string"),
        ("screen = 'a/b'", "ValueError: options.screen: invalid value 'a/b'; must have 1 to 80 letters"),
        ("screen = None", "ValueError: options.screen: invalid value None; must have 1 to 80 letters"),
        ("on_exit = 'explode'", "ValueError: options.on_exit: invalid value 'explode'; must be one of leave, stop"),
        (
            "log_level = 'LOUD'",
            "ValueError: options.log_level: invalid value 'LOUD'; must be one of DEBUG, INFO, WARNING, ERROR",
        ),
        ("kil_first = 1", "AttributeError: unknown option options.kil_first; did you mean options.kill_first?"),
        ("muddler = ['x']", "AttributeError: options.muddler: cannot be assigned; give --muddler on the command line"),
        ("params = {}", "AttributeError: options.params: cannot be assigned; give --set on the command line"),
        ("command = 'run'", "AttributeError: options.command: cannot be assigned"),
        ("config_dir = 'x'", "AttributeError: options.config_dir: cannot be assigned; choose another name"),
    ],
)
def test_invalid_assignment_is_an_error_at_its_line(tmp_path: Path, assignment: str, message: str) -> None:
    assert refused(tmp_path, f"\noptions.{assignment}\n{COMPLETE}").startswith(f"FOLDER/cfg.py:2: {message}")
    write(tmp_path / "muddlers/m.py", f"def muddle(config):\n    options.{assignment}\n")
    assert refused(tmp_path, muddler=["m"]).startswith(f"FOLDER/muddlers/m.py:2: {message}")


def test_assigned_options_are_checked_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--on-exit stop: cannot be combined"):
        effective(tmp_path, f"options.on_exit = 'stop'\noptions.keep_going = True\n{COMPLETE}")


@pytest.mark.parametrize("command", ["status", "plan", None])
def test_config_reads_its_command(tmp_path: Path, command: str | None) -> None:
    text = f"config.project = repr(options.command)\n{COMPLETE}"
    assert loaded(tmp_path, text, command=command).project == repr(command)
