"""`util.measure`: valid arguments, and the message for each invalid one."""

import re
from typing import Any

import pytest

from rr_config import Component
from rr_config.util import numbered
from rr_config.values.measures import Measure, measure


def test_measure_keeps_its_arguments() -> None:
    assert measure(log="p99=([0-9]+)", unit="ms") == Measure(log="p99=([0-9]+)", unit="ms")
    assert measure(csv="out.csv", column="rate", reduce="mean").file == "out.csv"
    assert measure(json="/srv/o.json", path="a.0").file == "/srv/o.json"
    assert measure(log="x").file is None


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "got no source; must be one of log=..., csv=... and json=..."),
        ({"log": "x", "csv": "y", "column": "z"}, "got log and csv; must be one of"),
        ({"log": ""}, "log='': must be a non-empty text without NUL"),
        ({"log": 5}, "log=5: must be a non-empty text"),
        ({"csv": "a\0b", "column": "x"}, r"csv='a\x00b': must be a non-empty text"),
        ({"log": "(a)(b)"}, "log='(a)(b)': must have at most one group; write others as (?:...)"),
        ({"log": "(a"}, "log='(a': invalid regular expression: missing )"),
        ({"csv": "o.csv"}, "csv='o.csv': needs column='...', the name of a column"),
        ({"json": "o.json"}, "json='o.json': needs path='...', for example total.ops"),
        ({"log": "x", "column": "rate"}, "column='rate': needs csv='...', the file"),
        ({"csv": "o.csv", "column": "x", "path": "a.b"}, "path='a.b': needs json='...', the file"),
        (
            {"csv": "~/o.csv", "column": "x"},
            "csv='~/o.csv': must be a path relative to base_dir, or absolute, without ~",
        ),
        ({"json": "out-*.json", "path": "x"}, "json='out-*.json': must be a path relative to base_dir"),
        ({"log": "x", "reduce": "p99"}, "reduce='p99': must be one of first, last, min, max, mean, median, sum, count"),
        ({"log": "x", "unit": "m\ns"}, r"unit='m\ns': must be printable"),
    ],
)
def test_invalid_measure_is_refused(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"util.measure: {problem}")):
        measure(**arguments)


def test_copies_have_measures_of_their_own() -> None:
    rate = measure(csv="out-%n.csv", column="rate")
    job = Component(name="job", executable="job", host="h", start_index=1, measures={"rate": rate})
    assert numbered(job, 2).measures == {"rate": measure(csv="out-2.csv", column="rate")}
    assert job.measures == {"rate": rate}
