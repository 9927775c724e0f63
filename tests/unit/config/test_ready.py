"""Conditions for readiness that are refused where they are written."""

import pytest

from rr_config import util


@pytest.mark.parametrize(
    "made",
    [
        lambda: util.port(0),
        lambda: util.port(65536),
        lambda: util.port("80"),  # type: ignore[arg-type]
        lambda: util.log("("),
        lambda: util.log(""),
        lambda: util.log("a\nb"),
        lambda: util.log(None),  # type: ignore[arg-type]
        lambda: util.command(" "),
        lambda: util.command(["true"]),  # type: ignore[arg-type]
        lambda: util.command("a\0"),
        lambda: util.ended(timeout=0),
        lambda: util.ended(timeout=float("inf")),
        lambda: util.port(80, timeout="1"),  # type: ignore[arg-type]
    ],
)
def test_invalid_ready_is_refused(made: object) -> None:
    with pytest.raises(ValueError, match=r"^util\.(port|log|command|ended)"):
        made()  # type: ignore[operator]
