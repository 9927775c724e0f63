"""Limits against hostile hosts: each has its reason, and is in use."""

import re
from pathlib import Path

from fabfile.util import limits

ROOT = Path(limits.__file__).parent.parent
LIMITS = [name for name in vars(limits) if name.isupper()]


def test_each_limit_has_a_reason() -> None:
    paragraphs = re.findall(r"((?:^# .*\n)+)((?:^\w+ = .*\n)+)", Path(limits.__file__).read_text(), re.MULTILINE)
    explained = [name for _, lines in paragraphs for name in re.findall(r"^\w+", lines, re.MULTILINE)]
    assert explained == LIMITS


def test_each_limit_is_in_use() -> None:
    modules = [path.read_text() for path in ROOT.rglob("*.py") if path.name != "limits.py"]
    assert [name for name in LIMITS if not any(re.search(rf"\b{name}\b", text) for text in modules)] == []
