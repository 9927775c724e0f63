"""The options that `--help` lists for each command."""

import re

import pytest
from fabric import Config, Executor
from fabric.main import Fab
from invoke.collection import Collection

import fabfile
from tests.support.names import COMMANDS

OWN = {
    "attach": {"--component"},
    "run": {"--collect", "--to", "--follow", "-f", "--json"},
    "exec": {"--command", "--timeout", "--json"},
    "kill": {"--json"},
    "screen": {"--json"},
    "sync": {"--json"},
    "start": {"--json"},
    "collect": {"--to"},
    "doctor": {"--json", "--install", "--yes", "-y"},
    "config": {"--json", "--diff"},
    "plan": {"--json"},
    "status": {"--json", "--watch", "-w"},
    "wait": {"--timeout", "--json"},
    "stop": {"--grace", "--json"},
    "restart": {"--grace", "--json"},
    "logs": {"--follow", "-f", "--lines", "-n", "--raw", "--since", "--timestamps", "-t"},
    "report": {"--from", "--output", "-o", "--overwrite"},
}


def test_commands_share_their_options(capsys: pytest.CaptureFixture[str]) -> None:
    program = Fab(namespace=Collection.from_module(fabfile), executor_class=Executor, config_class=Config)
    helps = {}
    for command in COMMANDS:
        program.run(["fab", command, "--help"], exit=False)
        helps[command] = capsys.readouterr().out.partition("Options:")[2]
    line = re.compile(r"^  (?:(-\w)(?: STRING| INT)?, )?(--[\w\[\]-]+)", re.MULTILINE)
    options = {command: {name for names in line.findall(text) for name in names} for command, text in helps.items()}
    shared = {"", "-c", "-m", "-u", "-p", "-l", "-a", "--config", "--muddler", "--user", "--pass", "--log-level"}
    shared |= {"--limit", "--parallel", "--host-keys", "--screen", "--[no-]kill", "--[no-]zombie", "--[no-]always-copy"}
    shared |= {"--extra-args", "--arg-parser", "--[no-]terminate", "--on-exit", "--[no-]keep-going", "--max-failures"}
    shared |= {"--retries", "--io-timeout", "--[no-]replace", "--set"}
    assert {command: found - shared for command, found in options.items()} == {c: OWN.get(c, set()) for c in COMMANDS}
    assert all(found >= shared for found in options.values())
