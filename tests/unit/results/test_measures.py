"""Measures are read from collected files. A number that cannot be read is a problem, and never NaN."""

from pathlib import Path

import pytest

from fabfile.results.measures import Measured, measured
from rr_config import Component
from rr_config.values.measures import Measure, measure


def read(folder: Path, wanted: Measure, content: bytes = b"") -> Measured:
    """Return the measure after the output or the file was collected with that content."""
    job = Component(name="job", executable="job", host="h", start_index=1, measures={"it": wanted})
    path = folder / "h/job" / (f"results/{wanted.file}" if wanted.file else "output")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return measured(job, folder)["it"]


LOG = b"p99=7ms\nnoise\n\x1b[1mp99=\x1b[0m9ms p99=8ms\r\n"
CSV = b'\xef\xbb\xbfrate,name\n1.5,a\n2.5,"b\n"\n'
JSON = b'{"total": {"ops": 12, "runs": [{"ms": 3}, {"ms": 4.5}], "all": [1, 2, 6]}}'


@pytest.mark.parametrize(
    ("wanted", "content", "value"),
    [
        (measure(log=r"p99=(\d+)ms"), LOG, 8),
        (measure(log=r"p99=(\d+)ms", reduce="first"), LOG, 7),
        (measure(log=r"p99=(\d+)ms", reduce="median"), LOG, 8),
        (measure(log=r"p99=(\d+)ms", reduce="count"), LOG, 3),
        (measure(log=r"(?<=p99=)\d+"), LOG, 8),
        (measure(log=r"-?[0-9.]+e[+-]?\d+"), b"took -2.5e-3 s", -0.0025),
        (measure(csv="o.csv", column="rate", reduce="mean"), CSV, 2),
        (measure(csv="o.csv", column="rate", reduce="max"), CSV, 2.5),
        (measure(csv="o.csv", column="rate"), b"rate\r\n1\r\n3\r\n\r\n", 3),
        (measure(json="o.json", path="total.ops"), JSON, 12),
        (measure(json="o.json", path="total.runs.1.ms"), JSON, 4.5),
        (measure(json="o.json", path="total.all", reduce="sum"), JSON, 9),
        (measure(json="o.json", path="rate"), b'{"rate": "12.5"}', 12.5),
    ],
)
def test_measure_has_its_value(tmp_path: Path, wanted: Measure, content: bytes, value: float) -> None:
    assert read(tmp_path, wanted, content) == Measured(value)


@pytest.mark.parametrize(
    ("wanted", "content", "problem"),
    [
        (measure(log=r"p99=(\d+)"), b"nothing\n", "output: no number found"),
        (measure(log=r"p99=(\w+)"), b"p99=nan\n", "output: the match: nan is not a finite number"),
        (measure(log=r"p99=(\w+)"), b"p99=fast\n", "output: the match: 'fast' is not a number"),
        (measure(log=r"p99(=\d+)?"), b"p99\n", "output: the match: None is not a number"),
        (measure(csv="o.csv", column="rate"), b"", "o.csv: no column 'rate'; the header has no names"),
        (measure(csv="o.csv", column="rate"), b"a,b\n1,2\n", "o.csv: no column 'rate'; the header has a, b"),
        (measure(csv="o.csv", column="rate"), b"rate,rate\n1,2\n", "o.csv: the header has the column 'rate' 2 times"),
        (measure(csv="o.csv", column="b"), b"a,b\n1\n", "o.csv: line 2: None is not a number"),
        (measure(csv="o.csv", column="a"), b"a,b\n1,5,2\n", "o.csv: line 2: has more values than the header"),
        (measure(csv="o.csv", column="b"), b"a,b\n1,\n", "o.csv: line 2: '' is not a number"),
        (measure(csv="o.csv", column="b"), b"a,b\n1,inf\n", "o.csv: line 2: inf is not a finite number"),
        (measure(csv="o.csv", column="b"), b"a,b\n", "o.csv: no number found"),
        (measure(json="o.json", path="total.ops"), b"{", "o.json: Expecting property name enclosed in double quotes"),
        (measure(json="o.json", path="total.no"), JSON, "o.json: no 'no' in total"),
        (measure(json="o.json", path="total.runs.2"), JSON, "o.json: no '2' in total.runs"),
        (measure(json="o.json", path="x"), b'{"x": true}', "o.json: x: True is not a number"),
        (measure(json="o.json", path="x"), b'{"x": NaN}', "o.json: x: nan is not a finite number"),
        (measure(json="o.json", path="x"), b'{"x": {"y": 1}}', "o.json: x: {'y': 1} is not a number"),
        (measure(json="o.json", path="x"), b'{"x": []}', "o.json: no number found"),
        (measure(json="o.json", path="x", reduce="sum"), b'{"x": [1e308, 1e308]}', "o.json: the sum: too large"),
        (measure(json="o.json", path="x"), b"[" * 100_000, "o.json: nested too deeply"),
    ],
)
def test_unreadable_measure_is_a_problem(tmp_path: Path, wanted: Measure, content: bytes, problem: str) -> None:
    found = read(tmp_path, wanted, content)
    assert found.value is None
    assert (found.problem or "").startswith(problem)


def test_missing_file_is_a_problem(tmp_path: Path) -> None:
    job = Component(name="job", executable="job", host="h", start_index=1)
    job.measures = {"a": measure(log="x"), "b": measure(csv="sub/o.csv", column="x")}
    assert measured(job, tmp_path) == {
        "a": Measured(problem="output: no such file or directory"),
        "b": Measured(problem="sub/o.csv: no such file or directory"),
    }
