"""Single values of the settings of a host. A caller may have given settings that no reader has checked."""

from collections.abc import Mapping
from typing import Any

FLAGS = {"yes": True, "true": True, "no": False, "false": False}


def number(settings: Mapping[str, Any], keyword: str, usual: int) -> int:
    """Return a whole number, or `usual` if it is unset or no number."""
    value = str(settings.get(keyword.lower(), ""))
    return int(value) if value.isdecimal() else usual


def flag(settings: Mapping[str, Any], keyword: str, usual: bool) -> bool:
    """Return a flag, or `usual` if it is unset or no flag."""
    return FLAGS.get(str(settings.get(keyword.lower(), "")).lower(), usual)
