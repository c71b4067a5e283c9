"""`modules.targets.one_label.probe`: a head that is fitted to an encoder's vectors answers as its linear model does."""

from __future__ import annotations

from modules.targets.one_label import probe

import numpy as np
import pytest


def rows(labels: int, each: int, *, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors around a centre for each label, far from the origin and of another scale."""
    random = np.random.default_rng(seed)
    answers = np.repeat(np.arange(labels), each)
    centres = np.random.default_rng(7).normal(size=(labels, 12))
    return 40.0 + 5.0 * (centres[answers] + noise * random.normal(size=(len(answers), 12))), answers


def accuracy(weights: list[np.ndarray], vectors: np.ndarray, answers: np.ndarray) -> float:
    kernel, bias = weights
    return float(((vectors @ kernel + bias).argmax(axis=1) == answers).mean())


@pytest.mark.parametrize("labels", [2, 5])
def test_a_few_rows_of_each_label_are_enough_where_vectors_tell_them_apart(labels: int) -> None:
    weights, chosen = probe.fit(*rows(labels, 8, noise=0.5), labels, balanced=False, seed=1)
    assert [part.shape for part in weights] == [(12, labels), (labels,)]
    assert accuracy(weights, *rows(labels, 200, noise=0.5, seed=2)) > 0.9
    assert chosen["strength"] in probe.STRENGTHS
    again, _ = probe.fit(*rows(labels, 8, noise=0.5), labels, balanced=False, seed=1)
    assert all(np.array_equal(one, other) for one, other in zip(weights, again, strict=True))


def test_a_label_without_rows_is_never_answered_and_one_of_a_single_row_is() -> None:
    vectors, answers = rows(4, 8, noise=0.2)
    there = answers != 2
    weights, _ = probe.fit(vectors[there], answers[there], 4, balanced=False, seed=1)
    assert 2 not in (vectors @ weights[0] + weights[1]).argmax(axis=1)
    kept = there | (np.arange(len(answers)) == 16)
    weights, _ = probe.fit(vectors[kept], answers[kept], 4, balanced=True, seed=1)
    assert accuracy(weights, vectors[answers == 2], answers[answers == 2]) > 0.5
    weights, _ = probe.fit(vectors[answers == 1], answers[answers == 1], 4, balanced=False, seed=1)
    assert accuracy(weights, vectors[answers == 1], answers[answers == 1]) == 1.0


def test_rare_labels_weigh_as_much_where_that_is_asked_for() -> None:
    vectors, answers = rows(2, 60, noise=3.0)
    some = np.concatenate([np.flatnonzero(answers == 0), np.flatnonzero(answers == 1)[:6]])
    found = [probe.fit(vectors[some], answers[some], 2, balanced=balanced, seed=1)[0] for balanced in (False, True)]
    rare = [accuracy(weights, vectors[answers == 1], answers[answers == 1]) for weights in found]
    assert rare[0] < rare[1]
