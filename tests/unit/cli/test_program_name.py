"""Messages show the program that the user has called."""

import ast
import re
import sys
from collections.abc import Iterator

import pytest

from fabfile.cli.own_options import OWN_OPTIONS
from fabfile.remote.script import load
from rr_config.command_line.options import OPTIONS
from rr_config.program import program
from tests.support.checkout import ROOT

COMMAND = re.compile(r"\bfab [a-z-]")


@pytest.mark.parametrize(
    ("called", "expected"),
    [
        ("/usr/bin/fab", "fab"),
        ("fab", "fab"),
        ("/x/remote-runner", "remote-runner"),
        ("/x/fabfile/__main__.py", "remote-runner"),
        ("sweep.py", "remote-runner"),
        ("", "remote-runner"),
    ],
)
def test_name_follows_the_call(monkeypatch: pytest.MonkeyPatch, called: str, expected: str) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    assert program() == expected
    script = load("attach", session="s").sent_by().decode()
    assert f"controller_program={expected}\n" in script
    assert 'use: $controller_program logs"' in script
    helps = [option.help_text for option in (*OPTIONS, *OWN_OPTIONS)]
    assert not any("{program}" in text for text in helps)
    assert sum(f"`{expected} " in text for text in helps) == 2


def message_texts() -> Iterator[tuple[str, str]]:
    """Yield the texts of the program that a user may see: no docstrings and no comments."""
    for folder in ("fabfile", "rr_config"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text())
            statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in statements:
                    yield f"{path}:{node.lineno}", node.value
        for path in (ROOT / folder).rglob("*.sh"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if not line.lstrip().startswith("#"):
                    yield f"{path}:{number}", line


def test_no_message_contains_fab() -> None:
    texts = [*message_texts()]
    assert len(texts) > 1000
    assert [f"{place}: {text}" for place, text in texts if COMMAND.search(text)] == []
