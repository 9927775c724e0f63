"""Measure the rows and print them: `inv bench`, or `python -m bench.measure`.

The contenders take turns (ours, peer, ours, peer, and so on), so that other load on the machine affects all of them.
Each run is a whole process. The benchmark stops if a run produces a wrong result. It prints medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
from rich.console import Console
from rich.table import Table

from .contender import OURS, Contender
from .field import ROOT, Field, delayed, field
from .peers import set_up
from .rows import Row, rows

UNITS = {"wall": "s", "cpu": "s", "memory": "MB"}
# Users have compiled modules in a cache, so contenders get one as well.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
console = Console(stderr=True)


@attrs.frozen
class Measured:
    """The figures of each run of each contender (see `figures_of`), compared with ours."""

    row: Row
    runs: dict[str, list[dict[str, float]]]

    def medians_of(self, figure: str) -> dict[str, float]:
        """Return the median of one figure for each contender."""
        return {name: statistics.median(each[figure] for each in runs) for name, runs in self.runs.items()}

    @property
    def medians(self) -> dict[str, float]:
        """Return the median for each contender of the figure that the row compares."""
        return self.medians_of(self.row.figure)

    @property
    def best_peer(self) -> float | None:
        """Return the median of the best peer in `row.against`, or None if there is none."""
        return min((self.medians[name] for name in self.row.against), default=None)

    @property
    def limit(self) -> float:
        """Return the highest value that is allowed for ours."""
        return self.row.times * (self.best_peer or 0) + self.row.plus

    @property
    def is_within(self) -> bool:
        """Return whether ours is within the limit."""
        return self.medians[OURS] <= self.limit

    def as_json(self) -> dict[str, Any]:
        """Return all values in a form that JSON can represent."""
        row = self.row
        return {
            **{"name": row.name, "work": row.work, "figure": row.figure, "unit": UNITS[row.figure]},
            **{"runs": self.runs, "medians": self.medians, "against": list(row.against)},
            "cores_busy": {
                name: self.medians_of("all_cpu")[name] / wall for name, wall in self.medians_of("wall").items()
            },
            **{"times": row.times, "plus": row.plus, "limit": self.limit, "within": self.is_within},
            "ratio": self.medians[OURS] / self.best_peer if self.best_peer else None,
        }


def measure(row: Row, on: Field, runs: int) -> Measured:
    """Run the contenders of a row in turn, `runs` times after one warm-up run."""
    contenders = row.contenders(on)
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    for number in range(runs + 1):
        for name, contender in contenders.items():
            console.print(f"{row.name}: {name}, run {number} of {runs}", style="dim")
            figures = figures_of(contender)
            if number:
                taken[name].append(figures)
    for contender in contenders.values():
        contender.clean_up()
    return Measured(row, taken)


def figures_of(contender: Contender) -> dict[str, float]:
    """Run a contender once and return its figures.

    They are elapsed seconds (`wall`), its CPU seconds (`cpu`), CPU seconds of the whole machine (`all_cpu`), and peak
    `memory` in MB. Raises SystemExit if the command fails, and AssertionError if its result is wrong.
    """
    contender.prepare()
    busy, begin = busy_seconds(), time.perf_counter()
    pipe = subprocess.PIPE
    with subprocess.Popen(
        contender.command, cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        all_cpu = busy_seconds() - busy
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{contender.command}: exit status {process.returncode}\n{said.decode(errors='replace')}")
    contender.check()
    cpu = used.ru_utime + used.ru_stime
    return {"wall": wall, "cpu": cpu, "all_cpu": all_cpu, "memory": used.ru_maxrss * 1024 / 1e6}


def busy_seconds() -> float:
    """Return the CPU seconds of this machine since boot: proc(5), `cpu` of /proc/stat."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def table(results: Iterable[Measured]) -> Table:
    """Return a table of the results."""
    shown = Table("row", "work", "ours", "peers", "ratio", "limit", "result")
    for each in results:
        row, medians = each.row, each.medians
        unit = UNITS[row.figure]
        peers = ", ".join(f"{name} {value:.2f} {unit}" for name, value in medians.items() if name != OURS)
        bound = f"{row.times} x" if not row.plus else f"{each.limit:.2f} {unit}"
        ratio = f"{medians[OURS] / each.best_peer:.2f}" if each.best_peer else ""
        verdict = "[green]within[/]" if each.is_within else "[red]over[/]"
        shown.add_row(row.name, row.work, f"{medians[OURS]:.2f} {unit}", peers, ratio, bound, verdict)
    return shown


def chosen(only: str | None, slow_peers: bool) -> list[tuple[Row, bool]]:
    """Return the rows to measure, each with a flag that says whether hosts are far.

    Raises SystemExit if `only` is not the name of a row.
    """
    near = [(row, False) for row in rows(slow_peers)]
    far = [(attrs.evolve(row, name=f"{row.name}-far"), True) for row, _ in near if row.can_be_far]
    wanted = [(row, is_far) for row, is_far in near + far if only in (None, row.name)]
    if not wanted:
        raise SystemExit(f"--only {only}: unknown row; must be one of {', '.join(row.name for row, _ in near + far)}")
    return wanted


def main() -> int:
    """Measure, print a table, and write the results as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.measure")
    parser.add_argument("--only", help="measure one row; NAME-far measures it with latency")
    parser.add_argument("--runs", type=int, default=5, help="number of runs of each contender (default: 5)")
    parser.add_argument("--json", type=Path, default=ROOT / "bench.json", help="results file (default: bench.json)")
    parser.add_argument("--slow-peers", action="store_true", help="also measure Ansible and pyinfra (takes minutes)")
    options = parser.parse_args()
    wanted = chosen(options.only, options.slow_peers)
    set_up(options.slow_peers)
    results = []
    for row, is_far in wanted:
        with field(row.hosts) as near:
            if is_far:
                with delayed(near) as far:
                    results.append(measure(row, far, options.runs))
            else:
                results.append(measure(row, near, options.runs))
        console.print(table(results[-1:]))
    Console().print(table(results))
    options.json.write_text(json.dumps([each.as_json() for each in results], indent=1) + "\n")
    return 0 if all(each.is_within for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
