"""The cells of a sweep: combinations, names of folders, and the order of runs."""

from pathlib import Path

import pytest

from fabfile.sweeps.cells import Cell, canonical, cells, check_names, in_order
from rr_config import Component, Config, ConfigError
from rr_config.values.measures import measure


def names(over: list[str]) -> list[str]:
    return [str(cell) for cell in cells(over)]


def test_cells_are_all_combinations(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b'\xef\xbb\xbfclients, mode\r\n1,fast\r\n\r\n8,"a,b"\r\n')
    rows = str(tmp_path / "rows.csv")
    assert names([]) == ["no parameter"]
    assert names(["a=1,2", "b=x=y"]) == ["a=1 b=x=y", "a=2 b=x=y"]
    assert names(["a="]) == ["a="]
    assert names([rows]) == ["clients=1 mode=fast", "clients=8 mode=a,b"]
    assert names([rows, "n=1,2"])[:2] == ["clients=1 mode=fast n=1", "clients=1 mode=fast n=2"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a\n", "must have a header with names of parameters, and a row for each combination"),
        ("", "must have a header with names"),
        ("a,a\n1,2\n", "the header names a parameter twice"),
        ("a,b\n1\n", "row 1 has 1 values; must have 2, as the header"),
        ("a\n1\n2,3\n", "row 2 has 2 values; must have 1"),
        ('a\n"1\n', "not a CSV file in UTF-8: unexpected end of data"),
        (b"a\n\xff\n", "not a CSV file in UTF-8: 'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_invalid_csv_file_is_refused(tmp_path: Path, content: str | bytes, problem: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as refused:
        cells([str(path)])
    assert str(refused.value).startswith(f"--over {path}: {problem}")


def test_one_parameter_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--over a=3: a is also in --over a=1,2; name a parameter once$"):
        cells(["a=1,2", "a=3"])
    with pytest.raises(ConfigError, match=r"--over no\.csv: no such file; must be NAME=VALUE,VALUE or a CSV file"):
        cells(["no.csv"])


def test_each_cell_has_its_own_folder() -> None:
    values = ["4", "", "a/b", "a%2Fb", "a,b=c", "..", "ü", "\udcff", "x" * 300, "x" * 299 + "y", "a b", "A", "a"]
    found = [Cell.of({"p": value}).name for value in values]
    assert len(set(found)) == len(values)
    assert found[:4] == ["p=4", "p=", "p=a%2Fb", "p=a%252Fb"]
    assert all(len(name) <= 200 and "/" not in name and name.isascii() for name in found)
    assert Cell.of({"a": "1", "b": "2"}).name != Cell.of({"a": "1,b=2"}).name


def test_order_of_parameters_makes_no_other_cell() -> None:
    assert [cell.name for cell in cells(["b=1", "a=2"])] == [cell.name for cell in cells(["a=2", "b=1"])] == ["a=2,b=1"]


def test_columns_have_different_names() -> None:
    job = Component(name="job", host="h", measures={"n": measure(log="n"), "seconds": measure(log="s")})
    with pytest.raises(ConfigError) as refused:
        check_names(["n", "repeat"], Config([job]))
    assert refused.value.problems == (
        "--over repeat: the name is a column of every table; rename the parameter",
        "h/job.measures.n: the name is also a parameter of --over; rename the measure",
        "h/job.measures.seconds: the name is a column of every table; rename the measure",
    )
    check_names(["m"], Config([Component(name="job", host="h", measures={"n": measure(log="n")})]))


def test_cells_have_parsed_values() -> None:
    given = cells(["n=08,1e1"])
    assert [str(cell) for cell in canonical(given, [{"n": 8.0, "m": 1}, {"n": 10.0, "m": 1}])] == ["n=8.0", "n=10.0"]
    with pytest.raises(ConfigError, match="--over: n=8: two combinations have these values; remove one"):
        canonical(cells(["n=8,08"]), [{"n": 8}, {"n": 8}])


def test_order_is_shuffled_by_the_seed() -> None:
    given = cells(["n=1,2,3,4,5,6"])
    runs = in_order(given, 3, seed=1)
    assert [run.repeat for run in runs] == [1] * 6 + [2] * 6 + [3] * 6
    orders = [[str(run.cell) for run in runs if run.repeat == repeat] for repeat in (1, 2, 3)]
    assert all(sorted(order) == [str(cell) for cell in given] for order in orders)
    assert orders[0] != orders[1]
    assert in_order(given, 5, seed=1)[:18] == runs, "more repeats keep the order of the first ones"
    assert in_order(given, 3, seed=2) != runs
