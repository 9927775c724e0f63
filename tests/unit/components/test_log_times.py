"""`--since`: a time, or a time ago."""

import re
from datetime import datetime

import pytest

from fabfile.components.output.log_times import Since, parse_since
from rr_config import ConfigError


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("90", Since(90, is_ago=True)),
        ("90s", Since(90, is_ago=True)),
        ("10m", Since(600, is_ago=True)),
        ("2h", Since(7200, is_ago=True)),
        ("1d", Since(86400, is_ago=True)),
        ("1970-01-02T00:00Z", Since(86400, is_ago=False)),
        ("1970-01-02T00:00:01.9+01:00", Since(82801, is_ago=False)),
        ("2026-11-25", Since(int(datetime(2026, 11, 25).timestamp()), is_ago=False)),
    ],
)
def test_since_is_an_age_or_a_time(text: str, since: Since) -> None:
    assert parse_since(text) == since


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1.5", "10 m", "1w", "10m5s", "25:00", "2026-13-01", "٣", "9" * 10, "$x"]
)
def test_invalid_since_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"--since {text!r}: invalid time; must be ")):
        parse_since(text)
