"""`modules.targets.one_label.target`: ids, weights and answers."""

from __future__ import annotations

import modules  # noqa: F401
from modules.targets import kinds
from modules.targets.one_label.target import OneLabel

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

LABELS = ["bad", "good", "mixed"]


def test_the_answer_is_the_most_probable_label_beside_all_probabilities() -> None:
    probabilities = tf.constant([[0.2, 0.7, 0.1], [0.5, 0.1, 0.4]])
    answer = OneLabel(labels=LABELS).answers()(probabilities)
    assert [label.decode() for label in answer["label"].numpy()] == ["good", "bad"]
    np.testing.assert_array_equal(answer["probabilities"], probabilities)


def test_a_section_is_read_and_a_repeated_label_is_refused() -> None:
    target = kinds.read({"kind": "one_label", "column": "mood", "labels": LABELS})
    assert (target.column, target.names, target.outputs(target.names)) == ("mood", LABELS, 3)
    with pytest.raises(ValidationError, match="holds a name twice"):
        OneLabel(labels=["a", "a"])


def test_labels_are_weighed_by_how_often_they_occur() -> None:
    target = OneLabel(labels=LABELS)
    assert target.class_weights(np.array([0, 0, 0, 1]), "balanced") == {0: 4 / 9, 1: 4 / 3, 2: 1.0}
    assert target.class_weights(np.array([0, 1]), "none") is None
    with pytest.raises(ValueError, match="negative"):
        target.class_weights(np.array([0, -1]), "none")


def test_every_bound_of_a_gate_has_a_metric() -> None:
    ranking = OneLabel(labels=LABELS[:2], positive=LABELS[1], queries={"column": "user"})
    measured = {
        name for target in (OneLabel(labels=LABELS), ranking) for part, _ in target.metric_specs() for name in part
    }
    assert set(OneLabel.bounded) <= measured
    assert set(OneLabel.watched) == {metric.name for metric in OneLabel(labels=LABELS).metrics()}
    assert OneLabel(labels=LABELS).objective == "macro_f1"
