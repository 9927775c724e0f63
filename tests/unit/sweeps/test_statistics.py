"""Statistics of repeated runs, on data with a known truth."""

import random
from itertools import combinations

import pytest

from fabfile.sweeps.statistics import LEAST, comparisons, p_values, summary


def sample(chance: random.Random, mean: float, count: int) -> list[float]:
    """Return numbers with a noise of 10 %."""
    return [chance.gauss(mean, mean / 10) for _ in range(count)]


def test_summary_has_median_and_interval() -> None:
    found = summary([3, 1, 2, 10])
    assert (found.count, found.median, found.mean, found.quartiles) == (4, 2.5, 4, (1.75, 4.75))
    assert found.interval is None, "too few for a confidence of 95 %"
    assert summary([3, 1, 2, 10, 5, 4]).interval == (1, 10)
    assert summary([2.0] * 6).interval == (2, 2)
    assert summary([1e308, 1e308]).mean == 1e308


def test_interval_contains_the_truth() -> None:
    chance = random.Random(1)
    hits = 0
    for count in (6, 8, 12):
        for _ in range(200):
            low, high = summary(sample(chance, 100, count)).interval or (0, 0)
            hits += low <= 100 <= high
    assert hits / 600 >= 0.95


def test_no_effect_is_rarely_found() -> None:
    chance = random.Random(2)
    pages = 0
    for _ in range(1000):
        pairs = [(sample(chance, 5, 8), sample(chance, 5, 8)) for _ in range(3)]
        pages += min(p_values(pairs)) < 0.05
    assert pages <= 50, "at most 5 % of pages after the correction"


def test_equal_numbers_are_no_effect() -> None:
    """Of all ways to share out these numbers, at most 5 % may look like an effect."""
    numbers = [1.0, 1, 1, 2, 2, 2, 3, 3]
    shares = [set(chosen) for chosen in combinations(range(8), 4)]
    pairs = [([numbers[i] for i in own], [numbers[i] for i in range(8) if i not in own]) for own in shares]
    assert sum(p_values([pair])[0] < 0.05 for pair in pairs) <= 0.05 * len(pairs)


def test_effect_of_20_percent_is_found() -> None:
    """With 12 runs a side and a noise of 10 %, among four comparisons on a page."""
    chance = random.Random(3)
    found = 0
    for _ in range(100):
        pairs = [(sample(chance, 5, 12), sample(chance, 5 * ratio, 12)) for ratio in (1.2, 1, 1, 1)]
        first = comparisons(pairs)[0]
        assert first is not None
        assert 1.0 < first.ratio < 1.45
        assert first.interval[0] <= first.ratio <= first.interval[1]
        found += first.is_effect
    assert found >= 90


def test_few_runs_are_not_compared() -> None:
    enough, few = [1.0, 2, 3, 4], [1.0, 2, 3]
    assert len(enough) == LEAST
    zeros = [0.0] * 5
    first, second, third, fourth = comparisons([(enough, few), (few, enough), (zeros, enough), (enough, enough)])
    assert (first, second, third) == (None, None, None)
    assert fourth is not None
    assert (fourth.ratio, fourth.p, fourth.is_effect) == (1, 1, False)
    apart = ([1.0, 2, 3, 4], [11.0, 12, 13, 14])
    alone, *two = comparisons([apart])[0], *comparisons([apart, apart])
    assert alone is not None and alone.is_effect
    assert all(each is not None and each.p is None and not each.is_effect for each in two), "2 x 2.9 % is above 5 %"


def test_p_values_are_corrected_by_holm() -> None:
    low, high = list(range(1, 11)), list(range(100, 110))
    (alone,) = comparisons([(low, high)])
    many = comparisons([(low, high), *[(low, low)] * 9])
    assert alone is not None and many[0] is not None
    assert many[0].p == pytest.approx(10 * (alone.p or 0))
