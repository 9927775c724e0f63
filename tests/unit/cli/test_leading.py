"""Options in front of the command."""

from typing import Any

import pytest
from fabric.main import Fab
from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.parser.context import ParserContext

import fabfile
from fabfile.__main__ import Program
from fabfile.cli.leading import CommandParser
from fabfile.cli.settings import read_options

CONTEXTS = Collection.from_module(fabfile).to_contexts()
# The options of Fabric in both programs.
OF_FAB = [*Fab().core_args(), *Fab().task_args()]
OF_REMOTE_RUNNER = Program(namespace=Collection.from_module(fabfile)).core_args()
BOTH = pytest.mark.parametrize("arguments", [OF_FAB, OF_REMOTE_RUNNER], ids=["fab", "remote-runner"])


def parsed(arguments: list[Any], line: str) -> list[ParserContext]:
    return [*CommandParser(CONTEXTS, ParserContext(args=arguments)).parse_argv(line.split())]


@BOTH
@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("--limit web status", "limit", "web"),
        ("--limit=web status", "limit", "web"),
        ("--limit web status --limit db", "limit", "db"),
        ("-m a -m b run -m c", "muddler", ["a", "b", "c"]),
        ("-c cfg.py run", "config_file", "cfg.py"),
        ("--config=cfg.py -u me run", "config_file", "cfg.py"),
        ("-c cfg.py run -c other.py", "config_file", "other.py"),
        ("-p secret run", "ssh_pass", "secret"),
        ("--no-kill run", "kill_first", False),
        ("--kill run --no-kill", "kill_first", False),
        ("--no-zombie screen", "no_zombie", True),
        ("--extra-args --no-kill run", "extra_args", "--no-kill"),
        ("--parallel 3 --log-level debug run", "parallel", 3),
        ("--log-level debug run -c cfg.py -t 5", "log_level", "DEBUG"),
    ],
)
def test_leading_option_is_read(arguments: list[Any], line: str, name: str, value: object) -> None:
    *_, command = parsed(arguments, line)
    assert getattr(read_options(command.as_kwargs, {}), name) == value


@BOTH
def test_every_command_gets_leading_options(arguments: list[Any]) -> None:
    _, kill, sync = parsed(arguments, "--screen s -c cfg.py kill sync -c b.py")
    kinds = [(each.name, each.args["screen"].value, each.args["config"].value) for each in (kill, sync)]
    assert kinds == [("kill", "s", "cfg.py"), ("sync", "s", "b.py")]


@BOTH
def test_options_of_fabric_may_stand_between(arguments: list[Any]) -> None:
    core, command = parsed(arguments, "--limit web -S file -t 5 -i a -i b status -i c")
    assert (core.args["S"].value, core.args["t"].value, core.args["i"].value) == ("file", 5, ["c"])
    assert command.args["limit"].value == "web"
    core, _ = parsed(arguments, "--limit web -i a -i b -f x.yaml -e status")
    values = (core.args["i"].value, core.args["config"].value, core.args["echo"].value)
    assert values == (["a", "b"], "x.yaml", True)


@BOTH
def test_help_follows_leading_options(arguments: list[Any]) -> None:
    for line, asked in (("-m x --help", True), ("-m x --help run", "run"), ("-m x run --help", "run")):
        assert parsed(arguments, line)[0].args["help"].value == asked


@BOTH
@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "--raw logs",
            "--raw: unknown in front of a command; put it after the command, for example: logs --raw",
        ),
        ("-n 5 logs", "-n: unknown in front of a command; put it after the command, for example: logs -n"),
        ("--limt x status", "unknown option --limt; did you mean --limit?"),
        ("--limit x status y", "status: cannot combine patterns with --limit; give one of them"),
        ("-m", "--muddler: missing value; see: remote-runner --list"),
        ("--parallel x run", "--parallel 'x': must be a whole number"),
    ],
)
def test_wrong_leading_option_is_reported(arguments: list[Any], line: str, message: str) -> None:
    with pytest.raises(Exit) as caught:
        parsed(arguments, line)
    assert (caught.value.code, caught.value.message) == (2, message)


def test_program_frees_names_of_our_options() -> None:
    names = {name for argument in OF_REMOTE_RUNNER for name in argument.names}
    assert not names & {"c", "config", "p"}
    assert {"f", "pty", "l", "S"} <= names


@BOTH
@pytest.mark.parametrize(
    "line",
    ["run -t", "run -c cfg.py -t", "run -t -c cfg.py", "run -t x", "run -t wait", "-c cfg.py wait -t", "status -tv"],
)
def test_short_terminate_names_both_meanings(arguments: list[Any], line: str) -> None:
    with pytest.raises(Exit) as caught:
        parsed(arguments, line)
    command = next(word for word in line.split() if word in ("run", "wait", "status"))
    assert caught.value.code == 2
    assert caught.value.message == f"{command} -t: ambiguous; give --terminate, or --connect-timeout N"


@BOTH
@pytest.mark.parametrize("line", ["run -t 5", "run -c a -t 5 -m b", "run --connect-timeout 5", "-t 5 run", "run -t=5"])
def test_number_behind_short_option_is_a_timeout(arguments: list[Any], line: str) -> None:
    core, _ = parsed(arguments, line)
    assert core.args["t"].value == 5


@BOTH
def test_logs_keep_their_short_option(arguments: list[Any]) -> None:
    core, command = parsed(arguments, "logs -t -n 5 web")
    assert (command.args["timestamps"].value, core.args["t"].value) == (True, None)
