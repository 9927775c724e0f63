"""`remote-runner docs`: every page of the documentation, with its tables."""

import os
import re

import pytest

import fabfile
from fabfile.cli.reference.man import man_pages
from fabfile.cli.reference.tables import commands_in, with_tables
from fabfile.ui.pages import PAGES, page_text, title, topics
from fabfile.ui.views import show_page
from rr_config import ConfigError


class Output:
    """Keeps what is shown."""

    shown = ""

    def text(self, text: str) -> None:
        self.shown += text


def test_every_page_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """As text, and formatted. No topic has two pages, and no page lacks its tables or an included file."""
    found, commands = topics(), commands_in(vars(fabfile))
    assert sorted(found.values()) == sorted(PAGES.rglob("*.md")) and len(found) > 20
    for topic, page in found.items():
        text = with_tables(page_text(topic), commands)
        assert text.startswith(f"# {title(page)}\n")
        assert "<!-- generated" not in text and "--8<--" not in text
        for is_terminal in (False, True):
            monkeypatch.setattr("sys.stdout.isatty", lambda is_terminal=is_terminal: is_terminal)
            monkeypatch.setattr("fabfile.ui.terminal.screen_size", lambda stream: os.terminal_size((80, 24)))
            output = Output()
            show_page(output, text)  # type: ignore[arg-type]  # it has what is needed
            assert (output.shown == text) is not is_terminal
            assert not is_terminal or not re.search(r"\]\((?!https?:)|<!--", output.shown.replace("`", ""))
    assert "--always-copy" in with_tables(page_text("commands"), commands)


def test_man_pages_are_current() -> None:
    folder = PAGES / "man"
    written = {page.name: page.read_text() for page in folder.iterdir()}
    assert written == man_pages(commands_in(vars(fabfile))), "run: ./dev man"


def test_unknown_topic_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"^docs: unknown topic 'swep'; did you mean sweeps\?$"):
        page_text("swep")
    with pytest.raises(ConfigError, match=r"^docs: unknown topic '\.\./x'; must be one of architecture, "):
        page_text("../x")
