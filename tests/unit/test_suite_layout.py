"""The test suite: test modules stand alone, and each lies in the folder of its kind."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.checkout import ROOT

TESTS = ROOT / "tests"
# `conftest` is for pytest alone: its fixtures are not imported.
NOT_FOR_IMPORT = ("test_", "conftest")


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
