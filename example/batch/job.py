#!/usr/bin/env python3
"""job.py INPUT: write the mean of the numbers in a file to mean.csv. INPUT is relative to this program."""

import sys
import time
from pathlib import Path

results = Path("mean.csv")
results.unlink(missing_ok=True)  # a failed job has no results of an earlier run

path = Path(__file__).parent / sys.argv[1]
numbers = [float(line) for line in path.read_text().splitlines()]
time.sleep(0.5)  # stands for some work
mean = sum(numbers) / len(numbers)
results.write_text(f"{path.stem},{mean}\n")
print(f"mean of {len(numbers)} numbers: {mean}")
