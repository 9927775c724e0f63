"""Times in words."""

import pytest

from fabfile.util.text import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (185, "3 min 5 s"), (7200, "2 h"), (93784, "1 d 2 h"), (-3, "0 s")],
)
def test_times_have_two_largest_units(seconds: int, text: str) -> None:
    assert duration(seconds) == text
