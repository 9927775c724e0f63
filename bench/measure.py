"""Times rows and shows them: `python -m bench.measure [--only NAME] [--runs N] [--json FILE]`.

Contenders run in turn (ours, peer, ours, peer, …), each as a whole process, so that what else the machine
does falls on all alike; a run whose result is wrong ends the bench. What is shown are medians.
"""

import argparse
import json
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

from .field import ROOT, field, relayed
from .rows import Contender, Row, rows

OURS = "ours"
HOSTS = 50
console = Console(stderr=True)


@attrs.frozen
class Measured:
    """The seconds of each contender's runs, and how ours compares."""

    name: str
    work: str
    seconds: dict[str, list[float]]
    bound: float
    against: tuple[str, ...]

    @property
    def medians(self) -> dict[str, float]:
        """The median of each contender, in seconds."""
        return {name: statistics.median(runs) for name, runs in self.seconds.items()}

    @property
    def ratio(self) -> float:
        """The median of ours over that of the fastest peer that counts."""
        return self.medians[OURS] / min(self.medians[name] for name in self.against)

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        values = {"medians": self.medians, "ratio": self.ratio, "within": self.ratio <= self.bound}
        return attrs.asdict(self) | values


def measure(row: Row, runs: int) -> Measured:
    """Run the contenders of a row in turn, after one run each that does not count."""
    contenders = {OURS: row.ours, **row.peers}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(runs + 1):
        for name, contender in contenders.items():
            console.print(f"{row.name}: {name}, run {number} of {runs}", style="dim")
            taken = timed(contender)
            if number:
                seconds[name].append(taken)
    for contender in contenders.values():
        contender.clean_up()
    return Measured(row.name, row.work, seconds, row.bound, row.against)


def timed(contender: Contender) -> float:
    """One run, in seconds; AssertionError or CalledProcessError where it does not do what it should."""
    contender.prepare()
    begin = time.perf_counter()
    done = subprocess.run(contender.command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    taken = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{contender.command}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    contender.check()
    return taken


def table(results: Iterable[Measured]) -> Table:
    """What was measured, for a person."""
    shown = Table("row", "work", "ours", "peers", "ratio", "at most", "")
    for each in results:
        medians = each.medians
        peers = ", ".join(f"{name} {value:.2f} s" for name, value in medians.items() if name != OURS)
        verdict = "[green]within[/]" if each.ratio <= each.bound else "[red]over[/]"
        shown.add_row(
            each.name, each.work, f"{medians[OURS]:.2f} s", peers, f"{each.ratio:.2f}", f"{each.bound}", verdict
        )
    return shown


def main() -> int:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(prog="inv bench")
    parser.add_argument("--only", help="the rows whose names begin so")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, default=ROOT / "bench.json")
    options = parser.parse_args()
    results = []
    with field(HOSTS) as direct, relayed(direct) as far:
        wanted = [*rows(direct), *rows(far, "-relay")]
        wanted = [row for row in wanted if not options.only or row.name.startswith(options.only)]
        for row in wanted:
            results.append(measure(row, options.runs))
            console.print(table(results[-1:]))
    Console().print(table(results))
    options.json.write_text(json.dumps([each.as_json() for each in results], indent=1))
    return 0 if all(each.ratio <= each.bound for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
