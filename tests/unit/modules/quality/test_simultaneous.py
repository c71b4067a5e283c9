"""`modules.quality.simultaneous`: the interval of a gap holds the true one as often as it says, also where it is 0."""

from __future__ import annotations

from modules.quality import fairness
from modules.quality.settings import FairnessSettings, GapBound
from modules.quality.simultaneous import Compared, gap_interval

import numpy as np
import pytest

from benchmarks.ours.gap_coverage import coverage


@pytest.mark.parametrize(
    ("accuracies", "rows"), [((0.6, 0.6), 300), ((0.9,) * 5, 100), ((0.98,) * 5, 300), ((0.9, 0.85), 300)]
)
def test_the_interval_holds_the_true_gap_as_often_as_it_says(accuracies: tuple[float, ...], rows: int) -> None:
    found = coverage(accuracies, rows, repetitions=100, resamples=300)
    # 95 % is meant; of 100 repetitions, fewer than 89 would be chance once in a hundred times.
    assert found.held >= 0.89
    assert found.held_opportunity >= 0.89
    assert found.above <= 0.11


def test_equal_slices_do_not_cost_the_blessing_more_often_than_the_level_says() -> None:
    random = np.random.default_rng(5)
    bound = {"s": {"accuracy": GapBound(max_gap=0.0, decided_by="lower_end")}}
    refused = 0
    for seed in range(60):
        labels = random.integers(0, 2, 1000)
        predicted = np.where(random.random(1000) < 0.8, labels, 1 - labels)
        settings = FairnessSettings(resamples=300, seed=seed)
        measured = fairness.measure(labels, predicted, {"s": [str(i % 5) for i in range(1000)]}, ["a", "b"], settings)
        refused += bool(fairness.missed(measured, bound))
    assert refused <= 8, "one in twenty is meant"


def test_two_nearly_equal_slices_have_a_lower_end_of_zero() -> None:
    """Accuracies of 0.5926 and 0.5946 once had the interval 0.0010 … 0.0020."""
    labels = np.zeros(1480, int)
    predicted = np.ones(1480, int)
    predicted[:320], predicted[540 : 540 + 559] = 0, 0  # of 540 and of 940 rows
    slices = {"s": ["a"] * 540 + ["b"] * 940}
    gap = fairness.measure(labels, predicted, slices, ["x", "y"], FairnessSettings())["columns"]["s"]["gaps"][
        "accuracy"
    ]
    assert 0 < gap["value"] < 0.05
    assert gap["low"] == 0.0
    assert gap["high"] > 0.05


def test_slices_without_an_error_are_not_known_exactly() -> None:
    labels = np.array([0, 1] * 100)
    slices = {"s": ["a", "a", "b", "b"] * 50}
    gap = fairness.measure(labels, labels, slices, ["x", "y"], FairnessSettings())["columns"]["s"]["gaps"]["accuracy"]
    assert (gap["value"], gap["low"]) == (0.0, 0.0)
    assert 0.01 < gap["high"] < 0.1


def test_numbers_that_do_not_vary_have_an_interval_of_nothing() -> None:
    compared = Compared(np.array([0.5, 0.75]), np.array([[0.5] * 10, [0.75] * 10]), np.array([40, 40]))
    found = gap_interval([compared], level=0.95)
    assert (found.value, found.low, found.high) == (0.25, 0.25, 0.25)


def test_fewer_rows_behind_the_same_samples_make_it_wider() -> None:
    values, samples = np.array([0.5, 0.7]), np.random.default_rng(1).normal(0.6, 0.05, (2, 500))
    few, many = (gap_interval([Compared(values, samples, np.array([n, 900]))], level=0.95) for n in (10, 900))
    assert few.high - few.low > 1.1 * (many.high - many.low)


def test_a_small_bound_is_told_as_it_is() -> None:
    labels = np.array([0, 1] * 100)
    predicted = np.where(np.arange(200) % 3 == 0, 1 - labels, labels)
    slices = {"s": ["a" if i % 3 == 0 else "b" for i in range(200)]}
    measured = fairness.measure(labels, predicted, slices, ["x", "y"], FairnessSettings())
    [item] = fairness.missed(measured, {"s": {"accuracy": GapBound(max_gap=0.0001)}})
    assert item["bound"] == "at most 0.0001"
    assert "at most 0.0001 was asked for" in item["message"]
