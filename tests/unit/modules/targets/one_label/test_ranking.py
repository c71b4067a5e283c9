"""`modules.targets.one_label.ranking`: the numbers of Keras, and nothing where there is no row."""

from __future__ import annotations

import modules  # noqa: F401
from modules.targets.one_label import ranking
from modules.targets.one_label.target import OneLabel

import numpy as np
import pytest
import tf_keras

RARE = OneLabel(labels=["ham", "spam"], positive="spam", min_precision=0.6)


def rows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = (rng.random(count) < 0.1).astype(np.int64)
    spam = np.clip(rng.normal(0.3 + 0.2 * truth, 0.12), 0.001, 0.999).astype(np.float32)
    return truth, np.stack([1 - spam, spam], axis=1)


def test_area_and_recall_are_those_of_keras() -> None:
    truth, probabilities = rows(800, 1)
    found = ranking.scores(RARE, truth, probabilities)
    area = tf_keras.metrics.AUC(curve="PR", num_thresholds=10_000)
    recall = tf_keras.metrics.RecallAtPrecision(0.6, num_thresholds=10_000)
    for metric in (area, recall):
        metric.update_state(truth, probabilities[:, 1])
    assert found["pr_auc"] == pytest.approx(float(area.result()), abs=2e-3)
    assert found["recall_at_precision"] == pytest.approx(float(recall.result()), abs=0.02)
    assert 0.3 < found["pr_auc"] < 0.95


def test_without_a_positive_label_it_is_the_mean_over_the_labels() -> None:
    truth, probabilities = rows(300, 2)
    both = [
        ranking.scores(OneLabel(labels=["ham", "spam"], positive=name), truth, probabilities)["pr_auc"]
        for name in ("ham", "spam")
    ]
    found = ranking.scores(OneLabel(labels=["ham", "spam"]), truth, probabilities)
    assert found["pr_auc"] == pytest.approx(np.mean(both))
    assert both[0] > 0.95 > both[1], "the frequent label is found by anybody"


def test_a_slice_without_the_label_says_nothing_of_it() -> None:
    truth, probabilities = np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8]])
    found = ranking.scored(RARE, truth, probabilities, {"source": ["a", "a", "b"]})
    assert found == {
        "pr_auc": 1.0, "recall_at_precision": 1.0,
        "slices": {"source:a": {}, "source:b": {"pr_auc": 1.0, "recall_at_precision": 1.0}},
    }  # fmt: skip


def test_a_report_gets_a_curve_and_the_intervals_of_the_label_that_is_looked_for() -> None:
    truth, probabilities = rows(600, 3)
    found = ranking.details(RARE, truth, probabilities)
    assert (found["label"], found["min_precision"]) == ("spam", 0.6)
    assert found["pr_auc"]["low"] < found["pr_auc"]["value"] < found["pr_auc"]["high"]
    [(label, curve)] = found["curves"].items()
    assert label == "spam"
    assert len(curve["recall"]) == len(curve["precision"]) <= 200
    assert curve["recall"][-1] == 1.0
    assert curve["precision"][-1] == pytest.approx(truth.mean(), abs=1e-4)
    assert found == ranking.details(RARE, truth, probabilities), "the same each time"
    many = OneLabel(labels=[str(number) for number in range(12)])
    assert ranking.details(many, np.arange(12), np.eye(12))["curves"] == {}, "a page of a dozen curves shows none"
