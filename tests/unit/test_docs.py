"""The documentation: generated tables are complete, quoted messages exist, and links outside the site work.

The strict build of the site, in `./dev lint`, checks the links between its pages.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

import fabfile
from docs import hooks
from fabfile.cli import exit_codes
from fabfile.cli.reference import tables
from fabfile.components.status import State
from rr_config.component import ATTRIBUTES
from tests.support.checkout import ROOT

COMMANDS = tables.commands_in(vars(fabfile))

PAGES = sorted((ROOT / "docs").rglob("*.md"))
OUTSIDE_THE_SITE = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "bench/README.md")
# Messages whose words come from Invoke, argparse or the kernel.
FROM_OTHERS = (
    "--extra-args: unrecognized arguments",
    "connection refused",
    "Can't find any collection named",
    "No module named 'fabfile.runner'; 'fabfile' is not a package",
)


def markers() -> list[str]:
    """Return the names of all tables that pages include."""
    return [name for page in PAGES for name in tables.MARKER.findall(page.read_text())]


def test_tables_list_every_declaration() -> None:
    for option in tables.shared_options(COMMANDS):
        assert f"`--{option.names[0]}" in tables.generated("options", COMMANDS)
    for name in ATTRIBUTES:
        assert f"| [`{name}`]" in tables.generated("attributes", COMMANDS)
    for state in State:
        assert f"| `{state}` | " in tables.generated("states", COMMANDS)
    for code in (exit_codes.FAILED, exit_codes.WRONG, exit_codes.INTERRUPTED):
        assert f"| `{code}` | " in tables.generated("exit codes", COMMANDS)
    for name in COMMANDS:
        assert f"| [`{name}`](#fab-{name}) | " in tables.generated("commands", COMMANDS)


def test_pages_include_every_table() -> None:
    with_own_options = {f"options of {name}" for name in COMMANDS if tables.own_options(name, COMMANDS)}
    assert set(markers()) == {*tables.TABLES, *with_own_options}


def test_marker_becomes_its_table() -> None:
    page = hooks.on_page_markdown("before\n\n<!-- generated: options of wait -->\n\nafter")
    assert re.search(r"^before\n\n\| Option \| Meaning \|\n.*`--timeout N`.*\n\nafter$", page, re.DOTALL)


def test_unknown_table_fails_the_build() -> None:
    with pytest.raises(KeyError, match="nonsense"):
        tables.generated("nonsense", COMMANDS)


def test_options_show_names_and_values() -> None:
    found = {option.names[0]: tables.option_names(option) for option in tables.shared_options(COMMANDS)}
    assert found["config"] == "`-c`, `--config PATH`"
    assert found["kill"] == "`--kill`, `--no-kill`"
    assert found["parallel"] == "`--parallel N`"
    assert found["on-exit"] == "`--on-exit leave|stop`"


def test_vertical_line_begins_no_cell() -> None:
    assert tables.table(["a"], [["x|y `x|y`"]]) == "| a |\n| --- |\n| x\\|y `x|y` |"


def test_broken_links_fail_the_build(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    links = ["#nonsense", "nonsense.md", "/index/"]  # no anchor, no page, not relative
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("# Home\n" + "".join(f"[link]({link})\n" for link in links))
    folders = {"docs_dir": str(tmp_path / "docs"), "site_dir": str(tmp_path / "site")}
    settings: dict[str, Any] = {"strict": True, "plugins": [], "hooks": [], "nav": ["index.md"]}
    with pytest.raises(Abort):
        build(load_config(str(ROOT / "mkdocs.yml"), **folders, **settings))
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == len(links)
    for link in links:
        assert any(f"'{link}'" in warning for warning in warnings), link


def program_texts() -> Iterator[str]:
    """Yield every string of the program, and every script for hosts."""
    for folder in ("fabfile", "rr_config", "muddlers"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
        yield from (path.read_text().replace('\\"', '"') for path in (ROOT / folder).rglob("*.sh"))


def quoted_parts() -> list[str]:
    """Return the fixed parts of the messages that are headings of errors.md, without values (`…`, capitals)."""
    headings = re.findall(r"^### `(.*)`$", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    parts = [part.strip(" :;,.()") for heading in headings for part in re.split(r"…|[A-Z]{4,}", heading)]
    return [part for part in parts if part and part not in FROM_OTHERS]


def test_documented_messages_exist() -> None:
    # A settings file is named before its section, and the section is a value of its own.
    texts = "\n".join([*program_texts(), "fabric.yaml/remote_runner"])
    parts = quoted_parts()
    assert len(parts) > 100
    assert [part for part in parts if part not in texts] == []


def slugs(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", OUTSIDE_THE_SITE)
def test_links_outside_the_site_work(name: str) -> None:
    page = ROOT / name
    for target in re.findall(r"\]\(([^)]*)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        assert not anchor or anchor in slugs(linked), target


@pytest.mark.parametrize("name", OUTSIDE_THE_SITE)
def test_files_named_outside_the_site_exist(name: str) -> None:
    top = r"(?:docs|fabfile|rr_config|tests|bench|example|muddlers)"
    for path in re.findall(rf"`({top}/[\w./-]*)`", (ROOT / name).read_text()):
        assert (ROOT / path.replace("NAME", "wait")).exists(), path


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 1200


def test_readme_lists_every_command() -> None:
    rows = re.findall(r"^\| `fab (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == list(COMMANDS)


def test_pictures_load_nothing_from_the_web() -> None:
    for picture in (ROOT / "docs").glob("*.svg"):
        addresses = set(re.findall(r"https?://[^\s\"<>]+", picture.read_text()))
        assert addresses <= {"http://www.w3.org/2000/svg", "https://www.textualize.io"}, picture
