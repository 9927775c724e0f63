"""The test suite: test modules stand alone, names are short, and each promise in the docs has a test."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from statistics import median

from tests.support.checkout import ROOT

TESTS = ROOT / "tests"
# `conftest` is for pytest alone: its fixtures are not imported.
NOT_FOR_IMPORT = ("test_", "conftest")
MEDIAN_NAME, LONGEST_NAME = 35, 55


def imported_modules(path: Path) -> Iterator[str]:
    """Yield the full name of each module, or name in a module, that a file imports."""
    package = ".".join(path.relative_to(ROOT).parent.parts).split(".")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def is_test_module(name: str) -> bool:
    """Whether the name is that of a test module, or of something in one."""
    parts = name.split(".")
    return parts[0] == "tests" and any(part.startswith(NOT_FOR_IMPORT) for part in parts)


def test_nothing_imports_test_modules() -> None:
    folders = [ROOT / name for name in ("tests", "bench", "fuzz")]
    paths = [ROOT / "tasks.py", *(path for folder in folders for path in folder.rglob("*.py"))]
    wrong = [f"{path}: {name}" for path in paths for name in imported_modules(path) if is_test_module(name)]
    assert wrong == []


def test_test_modules_are_in_unit_or_hosts() -> None:
    folders = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")}
    assert folders == {"unit", "hosts"}
    assert {path.name for path in TESTS.glob("*.py")} == {"__init__.py", "conftest.py"}


def test_unit_tests_use_no_hosts() -> None:
    of_hosts = {"lab", "session_farm", "prefork", "untouched"}
    wrong = []
    for path in (TESTS / "unit").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and of_hosts & {each.arg for each in node.args.args}:
                wrong.append(f"{path}::{node.name}")
    assert wrong == []


@cache
def functions(path: Path) -> list[str]:
    """Return the names of the tests in a file."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return [node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def name_problems(names: Iterable[str]) -> list[str]:
    """Return how names of tests are too long."""
    names = list(names)
    problems = [f"{name}: longer than {LONGEST_NAME} characters" for name in names if len(name) > LONGEST_NAME]
    middle = median(map(len, names))
    if middle > MEDIAN_NAME:
        problems.append(f"median of the names: {middle}, more than {MEDIAN_NAME} characters")
    return problems


def test_names_are_short_and_unique_in_their_file() -> None:
    found = {path: functions(path) for path in TESTS.rglob("test_*.py")}
    assert name_problems(name for names in found.values() for name in names) == []
    assert [path for path, names in found.items() if len(set(names)) < len(names)] == []


def test_long_names_are_noticed() -> None:
    assert name_problems(["x" * 35, "x" * 55]) == ["median of the names: 45.0, more than 35 characters"]
    assert name_problems(["x" * 3, "x" * 56, "x" * 35]) == [f"{'x' * 56}: longer than 55 characters"]


def unknown_tests(row: str) -> tuple[int, list[str]]:
    """Return how many tests a line of the docs names, and the ones that do not exist.

    `::NAME` is in the file before it in the same line.
    """
    named, unknown, file = 0, [], ""
    for path, name in re.findall(r"`([\w/.]*)::(\w+)`", row):
        file = path or file
        named += 1
        if not (ROOT / file).is_file() or name not in functions(ROOT / file):
            unknown.append(f"{file}::{name}")
    return named, unknown


def test_each_promise_names_tests_that_exist() -> None:
    lines = (ROOT / "docs/reliability.md").read_text().partition("## Limits")[0].splitlines()
    promises = [line for line in lines if line.startswith("- **")]
    rows = [line for line in lines if line.startswith("    Tests: ")]
    assert len(promises) == len(rows) > 50
    for row in rows:
        named, unknown = unknown_tests(row)
        assert (named > 0 or "`./dev soak`" in row, unknown) == (True, []), row


def test_unknown_test_in_docs_is_noticed() -> None:
    own = "tests/unit/test_suite_layout.py"
    row = f"    Tests: `{own}::test_unit_tests_use_no_hosts`, `::test_gone`, `tests/gone.py::test_gone`"
    assert unknown_tests(row) == (3, [f"{own}::test_gone", "tests/gone.py::test_gone"])
