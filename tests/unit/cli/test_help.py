"""The texts of `--help` and `--list`: commands and options by their use."""

import re

import pytest
from fabric import Config, Executor
from invoke.collection import Collection

import fabfile
from fabfile.__main__ import Program
from fabfile.cli.help import COMMANDS as GROUPS
from fabfile.cli.help import columns
from fabfile.cli.settings import read_options
from rr_config.command_line.options import OPTIONS
from tests.support.names import COMMANDS

BY_STATE = ("--failed", "--state")
OWN = {
    "attach": {"--component"},
    "run": {"--collect", "--to", "--follow", "-f", "--json", "--verbose", "-v"},
    "clean": {"--files", "--all", "--yes", "-y", "--json", "--verbose", "-v"},
    "exec": {"--command", "--timeout", "--json"},
    "kill": {"--json", "--verbose", "-v"},
    "screen": {"--json", "--verbose", "-v"},
    "sync": {"--json", "--verbose", "-v"},
    "start": {"--json", "--verbose", "-v"},
    "collect": {"--to", "--verbose", "-v", *BY_STATE},
    "doctor": {"--json", "--install", "--yes", "-y"},
    "config": {"--json", "--diff"},
    "plan": {"--json"},
    "status": {"--json", "--watch", "-w", "--all", "--sort", "--group", *BY_STATE},
    "wait": {"--timeout", "--json", "--verbose", "-v"},
    "stop": {"--grace", "--json", "--verbose", "-v", *BY_STATE},
    "restart": {"--grace", "--json", "--verbose", "-v", *BY_STATE},
    "logs": {"--follow", "-f", "--lines", "-n", "--raw", "--since", "--timestamps", "-t", *BY_STATE},
    "report": {"--from", "--output", "-o", "--overwrite", "--table", "--trace"},
    "sweep": {
        *{"--over", "--repeats", "--to", "--seed", "--retry-failed", "--mixed", "--time-limit"},
        *{"--json", "--verbose", "-v"},
    },
}
CONFIG = {"--set", "--config", "-c", "--muddler", "-m", "--arg-parser", "-a", "--extra-args", "--limit"}
CONNECTION = {"--user", "-u", "--pass", "-p", "--host-keys", "--transport", "--parallel", "--retries", "--io-timeout"}
ON_HOSTS = {*CONFIG, *CONNECTION, "--screen", "--log-level", "-l"}
MAY_FAIL = {"--keep-going", "--max-failures"}
# The shared options that have an effect in some commands only.
BEHAVIOUR = {
    "run": {
        "--kill",
        "--zombie",
        "--replace",
        "--always-copy",
        "--delete",
        "--relay",
        "--terminate",
        "--on-exit",
        "--sample",
        *MAY_FAIL,
    },
    "sweep": {
        *{"--zombie", "--replace", "--always-copy", "--delete", "--relay", "--terminate", "--on-exit", "--keep-going"},
        "--sample",
    },
    "plan": {"--kill", "--replace", "--always-copy", "--delete", "--relay"},
    "screen": {"--zombie", "--replace", *MAY_FAIL},
    "sync": {"--always-copy", "--delete", "--relay", "--replace", *MAY_FAIL},
    "start": {"--on-exit", "--replace", "--sample", *MAY_FAIL},
    "restart": {"--on-exit", "--replace", "--sample", *MAY_FAIL},
    "wait": {"--on-exit", "--replace", "--terminate", *MAY_FAIL},
    "kill": {"--replace"},
    "clean": {*MAY_FAIL},
    "stop": {"--replace"},
    "doctor": {"--always-copy"},
}
WITHOUT_HOSTS = {
    "config": {*CONFIG, "--user", "-u", "--log-level", "-l"},
    "muddlers": {"--config", "-c", "--log-level", "-l"},
    "init": {"--log-level", "-l"},
    "docs": {"--log-level", "-l"},
    "compare": {"--json", "--log-level", "-l"},
}
LINE = re.compile(r"^  (?:(-\w), )?(--[\w\[\]-]+)", re.MULTILINE)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the output of `remote-runner`."""
    commands = Collection.from_module(fabfile)
    program = Program(name="remote-runner", namespace=commands, executor_class=Executor, config_class=Config)
    program.run(["remote-runner", *words], exit=False)
    return capsys.readouterr().out


def options(text: str) -> set[str]:
    return {name.replace("[no-]", "") for names in LINE.findall(text) for name in names if name}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_options_with_an_effect(capsys: pytest.CaptureFixture[str], command: str) -> None:
    own, _, others = shown(capsys, command, "--help").partition("Config and components:\n")
    expected = OWN.get(command, set()) - {"--component", "--command"}  # which the usage shows
    if command in WITHOUT_HOSTS and command != "config":
        assert options(own + others) == WITHOUT_HOSTS[command]
        return
    assert options(own) == expected
    assert options(others) == WITHOUT_HOSTS.get(command, ON_HOSTS) | BEHAVIOUR.get(command, set())


def test_help_may_stand_before_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "--help", "logs") == shown(capsys, "logs", "--help") == shown(capsys, "-h", "logs")


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("run", "run [OPTION...]"),
        ("logs", "logs [PATTERN...] [OPTION...]"),
        ("attach", "attach COMPONENT [OPTION...]"),
        ("init", "init [FILE] [OPTION...]"),
        ("exec", "exec COMMAND [OPTION...]"),
    ],
)
def test_usage_shows_words(capsys: pytest.CaptureFixture[str], command: str, usage: str) -> None:
    assert shown(capsys, "--help", command).startswith(f"Usage: remote-runner {usage}\n\n")


@pytest.mark.parametrize("word", ["--help", "--list"])
def test_commands_have_groups(capsys: pytest.CaptureFixture[str], word: str) -> None:
    text = shown(capsys, word)
    assert re.findall(r"^(\S.*):$", text, re.MULTILINE)[: len(GROUPS)] == [*GROUPS]
    found = re.findall(r"^  (\w+) ", text, re.MULTILINE)
    assert sorted(found) == COMMANDS
    assert ("--ssh-config" in text) == (word == "--help")
    assert "--pty" not in text and "--echo" not in text


def test_help_is_shown_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys) == shown(capsys, "--help")


def test_every_command_has_one_group() -> None:
    assert sorted(name for names in GROUPS.values() for name in names if name in COMMANDS) == COMMANDS


def test_declared_commands_exist() -> None:
    for option in OPTIONS:
        assert {*option.commands, *option.not_for} <= {*COMMANDS}
        assert not (option.commands and option.not_for)


def test_option_without_effect_is_accepted() -> None:
    context = Collection.from_module(fabfile).to_contexts()
    assert [each.name for each in context if "--always-copy" not in each.flags] == []
    assert read_options({"always_copy": True}, {}).always_copy


def test_columns_wrap_long_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    assert columns([("a", "one two three four five six seven"), ("long-name", "b")], 4) == (
        "  a     one two three four five six seven\n  long-name\n        b\n"
    )
