"""Usage curves: means of samples in equal steps, sums by component name, and the files that hold samples."""

from pathlib import Path

import pytest

from fabfile.reporting.chart import SCREENFUL
from fabfile.reporting.history import ComponentHistory
from fabfile.reporting.html import page
from fabfile.reporting.report import from_folder
from fabfile.reporting.samples import Sample, Samples, Series, read_samples
from fabfile.reporting.usage_chart import MOST_CURVES, STEPS, components, hosts, means, usage
from tests.support.results import component, results

HEAD = "time,cpu_cores,memory_bytes,processes\n"


def history(label: str) -> ComponentHistory:
    return ComponentHistory(**component(label, "ready"))


def constant(cpu: float, begin: int = 0, end: int = STEPS) -> Series:
    return [Sample(second, cpu, 2e6) for second in range(begin, end + 1)]


def test_curve_has_means_of_samples() -> None:
    """A sample covers the time since the one before, whether that is more or less than a step."""
    series = [Sample(10, 1, 0), Sample(11, 3, 0), Sample(20, 0.5, 0), Sample(20.5, 0, 0), Sample(21, 1, 0)]
    curve = means(series, 1, 0, STEPS)
    assert curve[8:23] == [None, 1, 3, *[0.5] * 9, 0.5, None, None]
    assert means(series[1:], 1, 0, STEPS, started=8)[7:12] == [None, 3, 3, 3, 0.5], "since the start of the component"
    assert means(series[:1], 1, 0, STEPS, started=8)[7:11] == [None, 1, 1, None]
    late = means(series[:2], 1, 0, STEPS, started=12)
    assert late[8:11] == [None, 1, 3], "the clock of the host was set"
    assert means(series, 1, 0, 0) == means([], 1, 0, 60) == [None] * STEPS


def test_many_components_are_summed_by_name() -> None:
    count = SCREENFUL // 10 + 1
    found = [history(f"node{host}/{name}") for name in "abcdefghij" for host in range(count)]
    samples = {each.label: constant(ord(each.name) - 96, begin=100) for each in found}
    curves = components(found, Samples(components=samples), 0, STEPS)
    assert list(curves) == [*"jihgfed", "3 others"]
    cpu, memory = curves["j"]
    assert (cpu[98], cpu[200], memory[200]) == (None, 10 * count, 2 * count)
    assert curves["3 others"][0][200] == (1 + 2 + 3) * count


def test_many_hosts_are_a_band() -> None:
    few = {f"node{number}": constant(number) for number in range(MOST_CURVES)}
    assert list(hosts(Samples(few), 0, STEPS)) == list(few)
    curves = hosts(Samples(few | {"big": constant(63)}), 0, STEPS)
    assert {name: own[0][9] for name, own in curves.items()} == {
        "largest of 8": 63,
        "mean of 8": 10.5,
        "smallest of 8": 0,
    }


def test_report_shows_curves_of_samples_only(tmp_path: Path) -> None:
    folder = results(tmp_path, components=[component("node1/<b>", "ended", started=10, ended=20, folder="node1/x")])
    run, outputs = from_folder(folder)
    found = [ComponentHistory(**each) for each in run["components"]]
    assert usage(found, read_samples(found, folder), 10, 20) is None
    assert 'id="usage"' not in page(run, outputs) and "<h2>Usage" not in page(run, outputs)
    (folder / "node1/x").mkdir(parents=True, exist_ok=True)
    row = "1970-01-01T00:00:12.50Z,1.5,1000000,1\n"
    (folder / "node1/x/usage.csv").write_text(f"{HEAD}{row}nonsense\n\n1970-01-01T00:00:13Z,nan,1,1\n,,,\n{row[:30]}")
    (folder / "node1/usage.csv").write_text("\0")
    samples = read_samples(found, folder)
    assert samples == Samples(components={"node1/<b>": [Sample(12.5, 1.5, 1e6)]})
    text = page(run, outputs, samples=samples)
    assert 'id="usage"' in text and "</i>node1/&lt;b&gt;" in text
    assert "CPU of components" in text and "CPU of hosts" not in text


@pytest.mark.parametrize("place", ["node1/x/usage.csv", "node1/usage.csv"])
def test_samples_elsewhere_are_not_read(tmp_path: Path, place: str) -> None:
    (tmp_path / "usage.csv").write_text(f"{HEAD}1970-01-01T00:00:12Z,1,1,1\n")
    (tmp_path / "results" / place).parent.mkdir(parents=True)
    (tmp_path / "results" / place).symlink_to(tmp_path / "usage.csv")
    found = [ComponentHistory(**component("node1/x", "ended", folder="node1/x"))]
    assert read_samples(found, tmp_path / "results") == Samples()
