"""Samples of what hosts and components use, from /proc to a collection."""

import csv
import os
import sys
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from tests.support.collections import collections_in
from tests.support.lab import Lab

# It uses one core for 4 s, 50 MB of memory, 5 threads, and writes 20 MB. Then it ends.
PROGRAM = """
import threading, time
held = bytearray(b'x' * 50_000_000)
for _ in range(4):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
with open('written', 'wb', buffering=0) as file:
    for _ in range(20):
        file.write(held[:1_000_000])
end = time.process_time() + 4
while time.process_time() < end:
    pass
"""
ODD_NAME = "printf 'a) S\n(' >/proc/$$/comm; sleep 60 & wait"
CONFIG = f"""
config.add_component(Component(name="busy", host="node1", executable={sys.executable!r}, args=["-c", {PROGRAM!r}],
    start_index=1, base_dir="~", wait=True))
idle = util.literal({ODD_NAME!r})
config.add_component(Component(name="idle", host="node1", executable="/bin/sh", args=["-c", idle], start_index=1, base_dir="~"))
"""


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def numbers(rows: list[dict[str, str]], column: str) -> list[float]:
    return [float(row[column]) for row in rows]


def test_samples_show_known_use(lab: Lab) -> None:
    lab.config(CONFIG)
    assert lab.fab("run", "--collect", "--config", "cfg.py").returncode == 0
    (folder,) = collections_in(lab.folder / "results")
    busy, idle = (rows_of(folder / "node1" / name / "usage.csv") for name in ("busy", "idle"))
    host = rows_of(folder / "node1/usage.csv")
    times = [datetime.fromisoformat(row["time"]) for row in busy]
    assert times == sorted(times) and 3 <= len(times) <= 30
    assert abs(times[-1].timestamp() - (folder / "node1/busy/usage.csv").stat().st_mtime) < 2
    seconds = [(after - before).total_seconds() for before, after in pairwise(times)]
    used = sum(cores * own for cores, own in zip(numbers(busy[1:], "cpu_cores"), seconds, strict=True))
    assert 2 <= used <= 4.5
    assert max(numbers(busy, "cpu_cores")) <= 1.1
    assert 50e6 <= max(numbers(busy, "memory_bytes")) <= 130e6
    assert 20e6 <= sum(numbers(busy, "written_bytes")) <= 21e6
    assert (busy[-1]["processes"], busy[-1]["threads"]) == ("1", "5")
    assert (idle[-1]["processes"], idle[-1]["threads"], idle[-1]["cpu_cores"]) == ("2", "2", "0.000")
    assert "node1/idle  was ended by SIGTERM" in lab.run("stop").stdout
    cores = os.cpu_count() or 1
    assert {row["cpus"] for row in host} == {str(cores)}
    assert 0.5 <= max(numbers(host, "cpu_cores")) <= cores
    assert 50e6 < numbers(host, "memory_bytes")[-1] < numbers(host, "memory_total_bytes")[-1]
    lab.run("report")
    lab.run("report", "--from", folder, "--output", "collected.html")
    for name in ("report.html", "collected.html"):
        page = (lab.folder / name).read_text()
        assert page.count("</i>node1/busy") == 1 and "CPU of hosts" in page, name


def test_sampling_can_be_off(lab: Lab) -> None:
    lab.config(
        "config.add_component(Component(name='a', host='node1', executable='/bin/sleep', args=['2'],"
        " start_index=1, base_dir='~', wait=True))"
    )
    assert lab.fab("run", "--collect", "--sample", "0", "--config", "cfg.py").returncode == 0
    (folder,) = collections_in(lab.folder / "results")
    assert not list(folder.rglob("usage.csv"))
