"""Candidates for TAB, from a command line."""

from collections.abc import Sequence

import pytest
from fabric.main import Fab
from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.parser.context import ParserContext

import fabfile
from fabfile.cli.completion import cursor_at, limits, offered, single_names, split, states
from fabfile.cli.leading import CommandParser
from rr_config import Component
from rr_config.command_line.declarations import Values

FABRIC = Fab()
PARSER = CommandParser(
    Collection.from_module(fabfile).to_contexts(),
    initial=ParserContext(args=FABRIC.core_args() + FABRIC.task_args()),
)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", [""]),
        ("fab", ["fab"]),
        ("fab ", ["fab", ""]),
        ("fab run  -c ", ["fab", "run", "-c", ""]),
        ("fab my\\ file", ["fab", "my file"]),
        ("fab my\\", ["fab", "my"]),
        ("fab 'my file' \"my", ["fab", "my file", "my"]),
        ("fab 'say \"hi", ["fab", 'say "hi']),
        ("fab \"it's", ["fab", "it's"]),
        ("fab # !x", ["fab", "#", "!x"]),
    ],
)
def test_line_is_split_as_in_a_shell(line: str, words: list[str]) -> None:
    assert split(line) == words


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", Values.COMMAND),  # by Invoke's own script for zsh
        ("fab ", Values.COMMAND),
        ("/some/where/fab ru", Values.COMMAND),
        ("fab -S x ", Values.COMMAND),
        ("fab --echo ru", Values.COMMAND),
        ("fab --help ", Values.COMMAND),
        ("fab kill -c x sy", Values.COMMAND),
        ("fab kill x", Values.COMMAND),
        ("fab -S ", Values.PATH),
        ("fab --ssh-config=", Values.PATH),
        ("fab -f ", Values.PATH),
        ("fab -i a -i ", Values.PATH),
        ("fab -r ", Values.PATH),
        ("fab run -i ", Values.PATH),
        ("fab run -c ", Values.PATH),
        ("fab run --config=x", Values.PATH),
        ("fab run -c x -c ", Values.PATH),
        ("fab -c ", Values.PATH),
        ("fab -m a --config=x", Values.PATH),
        ("fab -c x ru", Values.COMMAND),
        ("fab -c x -m ", Values.MUDDLER),
        ("fab -c x --limit=", Values.LIMIT),
        ("fab -c x run --limit ", Values.LIMIT),
        ("fab -c x logs ", Values.LIMIT),
        ("fab --limit x -S ", Values.PATH),
        ("fab run -a ", Values.PATH),
        ("fab collect --to ", Values.PATH),
        ("fab report --from ", Values.PATH),
        ("fab report -o ", Values.PATH),
        ("fab run -m ", Values.MUDDLER),
        ("fab run -m a --muddler=b", Values.MUDDLER),
        ("fab kill --limit ", Values.LIMIT),
        ("fab attach ", Values.COMPONENT),
        ("fab attach -c x -S y we", Values.COMPONENT),
        ("fab attach web ru", Values.COMMAND),
        ("fab init ", Values.PATH),
        ("fab init a.py ru", Values.COMMAND),
        ("fab logs ", Values.LIMIT),
        ("fab restart -c x we", Values.LIMIT),
        ("fab stop web -l INFO d", Values.LIMIT),
        ("fab collect --limit x d", ()),
        ("fab logs --state ", Values.STATE),
        ("fab status --state=failed,", Values.STATE),
        ("fab kill --limit='a b,", Values.LIMIT),
        ("fab kill -c x sync --limit a", Values.LIMIT),
        ("fab run -l ", ("DEBUG", "INFO", "WARNING", "ERROR")),
        ("fab run --on-exit=", ("leave", "stop")),
        ("fab run --host-keys ", ("accept-new", "strict")),
        ("fab --print-completion-script ", ("bash", "fish", "zsh")),
        ("fab -F ", ("flat", "json", "nested")),
        ("fab run --screen ", ()),
        ("fab run --extra-args --limit", ()),
        ("fab -H ", ()),
    ],
)
def test_candidates_follow_from_the_line(line: str, expected: Values | Sequence[str]) -> None:
    assert offered(cursor_at(line, PARSER)) == expected


def test_attach_offers_unique_names() -> None:
    pairs = [("web", "h"), ("db", "h"), ("db", "g")]
    components = [Component(name=name, host=host, executable="x", start_index=1) for name, host in pairs]
    assert single_names("", components) == ["web", "h/db", "g/db"]
    assert single_names("h/", components) == ["h/web", "h/db", "g/db"]


@pytest.mark.parametrize(
    ("line", "some", "others"),
    [
        ("fab -", {"-S", "--ssh-config", "--list", "--limit", "-m"}, {"--follow"}),
        ("fab -c x -", {"-S", "--list", "--limit", "-m"}, {"--follow"}),
        ("fab run ", {"-c", "--config", "--kill", "--no-kill", "--to"}, {"-S", "--raw", "--no-collect"}),
        ("fab run -c x --limit y --", {"--limit", "--no-zombie"}, {"--hosts"}),
        ("fab run -m", {"-m"}, {"-S"}),
        (
            "fab kill logs -",
            {"--follow", "-f", "-n"},
            {"--to", "--always-copy", "--no-kill", "--terminate", "--on-exit"},
        ),
        ("fab config -c x -", {"--diff", "-u"}, {"--pass", "-p", "--parallel"}),
        ("fab logs web --", {"--follow", "--limit"}, {"--to"}),
        ("fab attach -", {"--limit", "-c"}, {"--to"}),
    ],
)
def test_options_are_those_of_the_command(line: str, some: set[str], others: set[str]) -> None:
    names = set(offered(cursor_at(line, PARSER)))  # type: ignore[arg-type]
    assert names >= some
    assert not names & others


@pytest.mark.parametrize("line", ["fab --no-such ", "fab run --parallel ", "fab nothing ", "fab run -c x nothing "])
def test_invalid_line_has_no_candidates(line: str) -> None:
    with pytest.raises(Exit):
        cursor_at(line, PARSER)


@pytest.mark.parametrize(
    ("line", "word", "before"),
    [
        ("fab run --limit a", "a", ""),
        ("fab run --limit=a", "a", "--limit="),
        ("fab run --limit=a=b", "a=b", "--limit="),
        ("fab run --limit", "--limit", ""),
        ("fab run --kill=a", "--kill=a", ""),
        ("fab run -c 'my file", "my file", ""),
    ],
)
def test_option_name_stays_before_value(line: str, word: str, before: str) -> None:
    place = cursor_at(line, PARSER)
    assert (place.word, place.before) == (word, before)


@pytest.mark.parametrize(
    ("word", "starts"), [("", ""), ("we", ""), ("!", "!"), ("!no", "!"), ("a,", "a,"), ("a,b", "a,"), ("!a,!", "!a,!")]
)
def test_limit_offers_names_and_hosts(word: str, starts: str) -> None:
    components = [
        Component(name="web", host="node1"),
        Component(name="db", host="me@node2:22"),
        Component(name="db", host="node1"),
    ]
    assert limits(word, components) == [starts + name for name in ("web", "node1", "db", "node2")]


def test_states_are_completed_after_a_comma() -> None:
    assert {"failed", "lost", "running"} < set(states(""))
    assert "failed,lost" in states("failed,l")
