"""Hooks of the documentation site: MkDocs calls them."""

from typing import Any

import fabfile
from fabfile.cli.reference.tables import commands_in, with_tables


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the markers of a page by their tables."""
    return with_tables(markdown, commands_in(vars(fabfile)))
