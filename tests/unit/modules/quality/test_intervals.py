"""Confidence intervals: the numbers of a bootstrap over rows, without drawing rows."""

from __future__ import annotations

from modules.quality import intervals
from modules.quality.scores import confusion, of_confusion

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 400)
    return labels, np.where(rng.random(400) < 0.8, labels, rng.integers(0, 3, 400))


def test_the_values_are_those_of_scikit_learn(rows) -> None:
    labels, predicted = rows
    found = intervals.metric_intervals(labels, predicted, 3)
    assert found["accuracy"].value == pytest.approx(accuracy_score(labels, predicted))
    assert found["macro_f1"].value == pytest.approx(f1_score(labels, predicted, average="macro"))


def test_the_interval_is_that_of_a_bootstrap_over_the_rows(rows) -> None:
    labels, predicted = rows
    found = intervals.metric_intervals(labels, predicted, 3, resamples=20_000)["accuracy"]
    hits = (labels == predicted).astype(float)
    expected = stats.bootstrap(
        (hits,), np.mean, n_resamples=20_000, method="percentile", vectorized=True, random_state=0
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.004)


def test_the_same_seed_gives_the_same_interval_and_fewer_rows_a_wider_one(rows) -> None:
    labels, predicted = rows
    once, again = (intervals.metric_intervals(labels, predicted, 3, seed=9) for _ in range(2))
    assert once == again
    few = intervals.metric_intervals(labels[:40], predicted[:40], 3)["macro_f1"]
    assert few.high - few.low > once["macro_f1"].high - once["macro_f1"].low


def test_a_class_that_never_occurs_counts_as_in_the_scores_of_the_evaluation() -> None:
    labels = predicted = np.array([0, 0, 1])
    found = intervals.metric_intervals(labels, predicted, 3)
    assert found["macro_f1"].value == pytest.approx(2 / 3)
    assert found["accuracy"].low == found["accuracy"].high == 1.0


def test_models_that_err_on_the_same_rows_differ_significantly_by_less_than_two_strangers(rows) -> None:
    labels, predicted = rows
    better = predicted.copy()
    better[np.flatnonzero(predicted != labels)[:6]] = labels[np.flatnonzero(predicted != labels)[:6]]
    gain = intervals.paired_intervals(labels, better, predicted, 3)["accuracy"]
    assert gain.value == pytest.approx(6 / 400)
    assert gain.low > 0
    apart = intervals.metric_intervals(labels, better, 3)["accuracy"]
    assert apart.low < accuracy_score(labels, predicted), "unpaired, the same gain would not be significant"
    same = intervals.paired_intervals(labels, predicted, predicted, 3)["macro_f1"]
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_a_pair_of_models_is_compared_as_if_rows_were_drawn(rows) -> None:
    labels, one = rows
    other = np.random.default_rng(8).permutation(one)
    found = intervals.paired_intervals(labels, one, other, 3, resamples=4000)["macro_f1"]
    rng, drawn = np.random.default_rng(1), []
    for _ in range(1000):
        some = rng.integers(0, len(labels), len(labels))
        both = [of_confusion(confusion(labels[some], answer[some], 3))["macro_f1"] for answer in (one, other)]
        drawn.append(both[0] - both[1])
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.01)


def test_a_thousand_labels_need_no_table_of_all_their_combinations() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 1000, 2000)
    one = np.where(rng.random(2000) < 0.7, labels, 0)
    other = np.where(rng.random(2000) < 0.5, labels, 0)
    found = intervals.paired_intervals(labels, one, other, 1000, resamples=200)
    assert found["accuracy"].value == pytest.approx(accuracy_score(labels, one) - accuracy_score(labels, other))
    assert found["macro_f1"].low > 0


def test_nothing_to_score_is_an_error() -> None:
    nothing = np.array([], int)
    with pytest.raises(ValueError, match="at least one"):
        intervals.metric_intervals(nothing, nothing, 2)
    with pytest.raises(ValueError, match="no rows"):
        intervals.paired_intervals(nothing, nothing, nothing, 2)
    with pytest.raises(ValueError, match="equally many"):
        intervals.paired_intervals(np.array([1]), np.array([1]), nothing, 2)
