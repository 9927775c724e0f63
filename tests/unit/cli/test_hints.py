"""Hints at the command or option that a misspelled one means."""

import pytest
from invoke.exceptions import Exit
from invoke.parser.context import ParserContext
from invoke.parser.parser import Parser

import fabfile
from fabfile.cli.options import Command
from fabfile.cli.patches.parser_patches import SYNONYMS
from tests.support.names import COMMANDS


def refusal(line: str) -> str:
    """Return the error message for a command line."""
    tasks = [each for each in vars(fabfile).values() if isinstance(each, Command)]
    contexts = [ParserContext(task.name, args=task.get_arguments()) for task in tasks]
    with pytest.raises(Exit) as caught:
        Parser(contexts, ParserContext()).parse_argv(line.split())
    assert caught.value.code == 2
    return str(caught.value.message)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ps", "unknown command ps; did you mean status?"),
        ("up -c cfg.py", "unknown command up; did you mean run?"),
        ("down", "unknown command down; did you mean kill?"),
        ("log", "unknown command log; did you mean logs?"),
        ("STATUS", "unknown command STATUS; did you mean status?"),
        ("kill statsu", "unknown command statsu; did you mean status?"),
        ("run --limt x", "unknown option --limt; did you mean --limit?"),
        ("logs --folow", "unknown option --folow; did you mean --follow?"),
        ("run --no-kil", "unknown option --no-kil; did you mean --no-kill?"),
        ("run --conf=x", "unknown option --conf; did you mean --config?"),
    ],
)
def test_similar_name_is_shown(line: str, expected: str) -> None:
    assert refusal(line) == expected


def test_option_of_another_tool_is_understood() -> None:
    assert refusal("logs --tail 5") == "unknown option --tail; did you mean --lines?"


@pytest.mark.parametrize(
    ("line", "start", "end"),
    [
        ("nonsense", "unknown command nonsense; see: ", " --list"),
        ("run nonsense", "unknown command nonsense; to choose components, give ", " --limit nonsense"),
        ("wait it's", "unknown command it's; to choose components, give ", """ --limit 'it'"'"'s'"""),
        (
            "exec uptime ls",
            "exec: unexpected word ls; put the whole command line ",
            " in quotes, for example: exec 'uptime -p'",
        ),
        ("status --zombi", "unknown option --zombi; see: ", " --help status"),
        ("run --qqq", "unknown option --qqq; see: ", " --help run"),
        ("stop -x", "unknown option -x; see: ", " --help stop"),
    ],
)
def test_other_name_gets_no_guess(line: str, start: str, end: str) -> None:
    message = refusal(line)
    assert message.startswith(start) and message.endswith(end)


def test_synonyms_are_no_commands() -> None:
    assert not set(SYNONYMS) & set(COMMANDS)
    assert set(SYNONYMS.values()) <= {*COMMANDS, "--help"}
