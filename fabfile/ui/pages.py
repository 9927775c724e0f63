"""The pages of the documentation for a terminal. The package contains them; a checkout has them in `docs`."""

import re
from pathlib import Path

from rr_config import ConfigError
from rr_config.likeness import hint

PACKAGE = Path(__file__).parents[1]
PAGES = PACKAGE / "pages" if (PACKAGE / "pages").is_dir() else PACKAGE.parent / "docs"
FIRST = "index"  # the page about the other pages
# A page may be a file at the top of the project.
INCLUDED = re.compile(r'--8<-- "(.+)"\n')
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def topics() -> dict[str, Path]:
    """Return the page of each topic, such as `config` or `sweeps`."""
    paths = [*PAGES.glob("*.md"), *PAGES.glob("how-to/*.md")]
    return {path.stem: path for path in sorted(paths, key=lambda path: path.stem)}


def title(page: Path) -> str:
    """Return the first heading of a page."""
    found = TITLE.search(_text(page))
    return found[1] if found else page.stem


def page_text(topic: str) -> str:
    """Return the text of the page about a topic. Raise ConfigError for an unknown topic."""
    found = topics()
    if topic not in found:
        every = f"must be one of {', '.join(found)}"
        raise ConfigError(f"docs: unknown topic {topic!r}; {hint(topic, found, every)}")
    return _text(found[topic])


def _text(page: Path) -> str:
    return INCLUDED.sub(lambda match: _included(match[1]), page.read_text("utf-8"))


def _included(name: str) -> str:
    folder = PAGES if (PAGES / name).is_file() else PAGES.parent
    return (folder / name).read_text("utf-8")
