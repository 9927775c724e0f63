"""Statistics of repeated runs, by SciPy: a summary of one cell, and the comparison of two.

Runs of one cell are few, and their numbers are seldom normal. So intervals come from the bootstrap, and comparisons use
ranks. No comparison is made with fewer than four runs on a side.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import attrs

LEAST = 4  # runs on each side of a comparison
CONFIDENCE = 0.95
RESAMPLES = 2000
SEED = 1  # the same numbers always give the same interval

Numbers = Sequence[float]


@attrs.frozen
class Summary:
    """The numbers of one cell: how many, median, mean, quartiles, and the interval of the median.

    The interval is that of a bootstrap with a confidence of 95 %. It is None with fewer than two numbers.
    """

    count: int
    median: float
    mean: float
    quartiles: tuple[float, float]
    interval: tuple[float, float] | None


@attrs.frozen
class Comparison:
    """The ratio of two medians, with its bootstrap interval, and the corrected p-value of a rank test."""

    ratio: float
    interval: tuple[float, float]
    p: float

    @property
    def is_effect(self) -> bool:
        """Return whether the difference is significant at 5 % after the correction."""
        return self.p < 1 - CONFIDENCE


def summary(numbers: Numbers) -> Summary:
    """Return the summary of at least one finite number."""
    import numpy

    low, median, high = (float(each) for each in numpy.quantile(numbers, (0.25, 0.5, 0.75)))
    interval = _bootstrapped([numbers], _medians) if len(numbers) > 1 else None
    return Summary(len(numbers), median, math.fsum(numbers) / len(numbers), (low, high), interval)


def comparisons(pairs: Sequence[tuple[Numbers, Numbers]]) -> list[Comparison | None]:
    """Return for each pair how the second differs from the first.

    It is None with fewer than four numbers on a side. It is also None if the first has a number that is not positive,
    because a ratio has no meaning then.
    """
    tested = [number for number, (before, after) in enumerate(pairs) if _is_comparable(before, after)]
    found: list[Comparison | None] = [None] * len(pairs)
    for number, p in zip(tested, p_values([pairs[number] for number in tested]), strict=True):
        before, after = pairs[number]
        ratio = summary(after).median / summary(before).median
        found[number] = Comparison(ratio, _bootstrapped([before, after], _ratios), p)
    return found


def _is_comparable(before: Numbers, after: Numbers) -> bool:
    return min(len(before), len(after)) >= LEAST and min(before) > 0


def p_values(pairs: Sequence[tuple[Numbers, Numbers]]) -> list[float]:
    """Return the p-value of each pair by the two-sided test of Mann and Whitney.

    They are corrected for the number of tests by the method of Holm: the chance of any p-value below 5 % is at most 5 %
    if there is no effect.
    """
    return _holm([_p_value(before, after) for before, after in pairs])


def _p_value(before: Numbers, after: Numbers) -> float:
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(before, after, alternative="two-sided").pvalue)


def _holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values after the correction of Holm (1979)."""
    corrected = [1.0] * len(p_values)
    most = 0.0
    ranked = sorted(range(len(p_values)), key=lambda number: p_values[number])
    for rank, number in enumerate(ranked):
        most = max(most, min(1.0, p_values[number] * (len(p_values) - rank)))
        corrected[number] = most
    return corrected


def _medians(numbers: Any, axis: int) -> Any:
    import numpy

    return numpy.median(numbers, axis=axis)


def _ratios(before: Any, after: Any, axis: int) -> Any:
    return _medians(after, axis) / _medians(before, axis)


def _bootstrapped(samples: Sequence[Numbers], statistic: Callable[..., Any]) -> tuple[float, float]:
    """Return the percentile interval of a statistic of independent samples."""
    import numpy
    from scipy.stats import bootstrap

    found = bootstrap(
        tuple(numpy.asarray(each, dtype=float) for each in samples),
        statistic,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        vectorized=True,
        rng=numpy.random.default_rng(SEED),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
