"""Statistics of repeated runs, by SciPy: a summary of one cell, and the comparison of two.

Runs of one cell are few, and their numbers are seldom normal. So the interval of a median uses order statistics, that
of a ratio the bootstrap, and comparisons use ranks. Fewer than four runs on a side are not compared.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import attrs

LEAST = 4  # runs on each side of a comparison
MOST_EXACT = 60  # runs on both sides together; more take too long
CONFIDENCE = 0.95
ALPHA = 0.05
RESAMPLES = 2000
SEED = 1  # the same numbers always give the same interval

Numbers = Sequence[float]


@attrs.frozen
class Summary:
    """The numbers of one cell: how many, median, mean, quartiles, and the interval of the median.

    The interval lies between two of the numbers, and has a confidence of at least 95 % for any distribution (order
    statistics). Fewer than six numbers have none: even the range of five contains the median in only 93.75 % of cases.
    """

    count: int
    median: float
    mean: float
    quartiles: tuple[float, float]
    interval: tuple[float, float] | None


@attrs.frozen
class Comparison:
    """The ratio of two medians, with its bootstrap interval, and the corrected p-value of a rank test.

    `p` is None if there are so few numbers that no difference could be significant among so many tests.
    """

    ratio: float
    interval: tuple[float, float]
    p: float | None

    @property
    def is_effect(self) -> bool:
        """Return whether the difference is significant at 5 % after the correction."""
        return self.p is not None and self.p < ALPHA


def summary(numbers: Numbers) -> Summary:
    """Return the summary of at least one finite number."""
    import numpy

    low, high = (float(each) for each in numpy.quantile(numbers, (0.25, 0.75)))
    mean = math.fsum(number / len(numbers) for number in numbers)  # the sum itself may overflow
    return Summary(len(numbers), statistics.median(numbers), mean, (low, high), _interval(numbers))


def _interval(numbers: Numbers) -> tuple[float, float] | None:
    from scipy.stats import quantile_test

    if len(numbers) < 6:
        return None
    found = quantile_test(numbers, p=0.5).confidence_interval(CONFIDENCE)
    return float(found.low), float(found.high)


def comparisons(pairs: Sequence[tuple[Numbers, Numbers]]) -> list[Comparison | None]:
    """Return for each pair how the second differs from the first.

    It is None with fewer than four numbers on a side. It is also None if the first has a number that is not positive,
    because a ratio has no meaning then.
    """
    tested = [number for number, (before, after) in enumerate(pairs) if _is_comparable(before, after)]
    found: list[Comparison | None] = [None] * len(pairs)
    for number, p in zip(tested, p_values([pairs[number] for number in tested]), strict=True):
        before, after = pairs[number]
        ratio = statistics.median(after) / statistics.median(before)
        is_enough = least_p(len(before), len(after)) * len(tested) < ALPHA
        found[number] = Comparison(ratio, _bootstrapped([before, after], _ratios), p if is_enough else None)
    return found


def least_p(before: int, after: int) -> float:
    """Return the smallest p-value that a rank test of so many numbers can have: without any overlap."""
    return 2 / math.comb(before + after, after)


def _is_comparable(before: Numbers, after: Numbers) -> bool:
    return min(len(before), len(after)) >= LEAST and min(before) > 0


def p_values(pairs: Sequence[tuple[Numbers, Numbers]]) -> list[float]:
    """Return the p-value of each pair by the two-sided test of Mann and Whitney.

    They are corrected for the number of tests by the method of Holm: the chance of any p-value below 5 % is at most 5 %
    if there is no effect.
    """
    return _holm([_p_value(before, after) for before, after in pairs])


def _p_value(before: Numbers, after: Numbers) -> float:
    """Return the p-value before the correction. It is exact for few numbers, also if some are equal.

    The normal approximation of SciPy finds up to 9 % false effects there.
    """
    from scipy.stats import mannwhitneyu, rankdata

    if len(before) + len(after) > MOST_EXACT:
        return float(mannwhitneyu(before, after, alternative="two-sided").pvalue)
    doubled = [round(2 * rank) for rank in rankdata([*before, *after])]  # equal numbers share ranks such as 1.5
    return _share_as_far(doubled, len(before))


def _share_as_far(ranks: Sequence[int], count: int) -> float:
    """Return the share of choices of `count` ranks whose sum is as far from the mean sum as that of the first ones."""
    import numpy

    ways = numpy.zeros((count + 1, sum(ranks) + 1))  # numbers of choices, by how many ranks they have and by their sum
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, :-rank].copy()
    mean = count * sum(ranks) / len(ranks)
    is_far = abs(numpy.arange(ways.shape[1]) - mean) >= abs(sum(ranks[:count]) - mean)
    return float(ways[count, is_far].sum() / ways[count].sum())


def _holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values after the correction of Holm (1979)."""
    corrected = [1.0] * len(p_values)
    most = 0.0
    ranked = sorted(range(len(p_values)), key=lambda number: p_values[number])
    for rank, number in enumerate(ranked):
        most = max(most, min(1.0, p_values[number] * (len(p_values) - rank)))
        corrected[number] = most
    return corrected


def _ratios(before: Any, after: Any, axis: int) -> Any:
    import numpy

    with numpy.errstate(over="ignore"):
        return numpy.median(after, axis=axis) / numpy.median(before, axis=axis)


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
