"""Words after a command: patterns of components after some, a hint after others."""

from typing import Any

import pytest
from invoke.exceptions import Exit
from invoke.parser.context import ParserContext
from invoke.parser.parser import Parser

import fabfile
from fabfile.cli.options import Command
from fabfile.cli.settings import read_options
from rr_config import Component, Config, ConfigError
from rr_config.command_line.options import OPTIONS
from rr_config.hosts.limit import limited

WITH_WORDS = ("collect", "logs", "restart", "status", "stop")


def parsed(line: str) -> list[ParserContext]:
    """Return the commands of a line."""
    tasks = [each for each in vars(fabfile).values() if isinstance(each, Command)]
    contexts = [ParserContext(task.name, args=task.get_arguments()) for task in tasks]
    return list(Parser(contexts, ParserContext()).parse_argv(line.split()))[1:]


def limit(line: str) -> Any:
    (context,) = parsed(line)
    return read_options(context.as_kwargs, {}).limit


def test_commands_with_words_are_declared() -> None:
    (declared,) = (option.words_after for option in OPTIONS if option.name == "limit")
    assert tuple(declared) == WITH_WORDS


@pytest.mark.parametrize("command", WITH_WORDS)
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("web", "web"),
        ("web db", "web,db"),
        ("web -c x db -l INFO n*/*", "web,db,n*/*"),
        ("-m a web", "web"),
        ("--no-kill web --kill !db", "web,!db"),
        ("status", "status"),
        ("a,b run", "a,b,run"),
        ("-c x", None),
    ],
)
def test_words_are_joined(command: str, words: str, expected: str | None) -> None:
    assert limit(f"{command} {words}") == expected


@pytest.mark.parametrize("line", ["logs web --limit db", "logs --limit db web", "stop a b --limit=db"])
def test_words_exclude_limit(line: str) -> None:
    with pytest.raises(Exit) as caught:
        parsed(line)
    command = line.partition(" ")[0]
    assert caught.value.code == 2
    assert caught.value.message == f"{command}: cannot combine patterns with --limit; give one of them"


def test_words_beat_fabric_yaml() -> None:
    (context,) = parsed("logs web")
    assert read_options(context.as_kwargs, {"limit": "db"}).limit == "web"


def test_words_end_the_line_of_commands() -> None:
    first, second = parsed("kill -c x logs sync -f")
    assert (first.name, second.name, second.args["limit"].value) == ("kill", "logs", "sync")
    assert second.args["follow"].value is True


@pytest.mark.parametrize(("line", "word"), [("stop wbe", "wbe"), ("logs web nowhere", "nowhere"), ("status !x", "x")])
def test_unmatched_word_is_reported_for_the_command(line: str, word: str) -> None:
    config = Config([Component(name="web", host="node1")])
    with pytest.raises(ConfigError) as caught:
        limited(config, limit(line))
    assert str(caught.value).startswith(f"{line.partition(' ')[0]}: '{word}' matches no component; ")


def test_words_that_exclude_all_are_reported() -> None:
    with pytest.raises(ConfigError, match=r"^logs: '!web' excludes every component"):
        limited(Config([Component(name="web", host="node1")]), limit("logs !web"))


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("run cfg.py", "run cfg.py: unknown command; to give the config file: remote-runner run --config cfg.py"),
        ("cfg.py", "cfg.py: unknown command; to give the config file: remote-runner run --config cfg.py"),
        ("start -l INFO a/b", "start a/b: unknown command; to give the config file: remote-runner start --config a/b"),
        (
            "kill pyproject.toml",
            "kill pyproject.toml: unknown command; to give the config file: remote-runner kill --config pyproject.toml",
        ),
    ],
)
def test_file_after_command_gets_a_hint(line: str, hint: str) -> None:
    with pytest.raises(Exit) as caught:
        parsed(line)
    assert (caught.value.code, caught.value.message) == (2, hint)
