"""`modules.targets.one_label.scoring`: the same numbers as TFMA's, overall and by slice."""

from __future__ import annotations

import modules  # noqa: F401
from modules.quality import scoring
from modules.targets.one_label.target import OneLabel

import numpy as np
import pytest

JUDGE = scoring.of(OneLabel(labels=["bad", "good"]))


def test_scores_overall_and_by_slice() -> None:
    labels, predictions = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    found = JUDGE.scored(labels, predictions, {"source": ["web", "web", "shop", "shop"]})
    assert (found["rows"], found["accuracy"]) == (4, 0.75)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert list(found["slices"]) == ["source:shop", "source:web"]
    # In `shop` class 0 is neither true nor predicted: it counts with 0, as TFMA counts it.
    assert found["slices"]["source:shop"] == {"rows": 2, "accuracy": 1.0, "macro_f1": 0.5}
    assert found["slices"]["source:web"]["accuracy"] == 0.5


def test_several_slice_columns_are_kept_apart() -> None:
    found = JUDGE.scored(np.array([0, 1]), np.array([0, 1]), {"a": ["x", "y"], "b": ["x", "x"]})
    assert {name: part["rows"] for name, part in found["slices"].items()} == {"a:x": 1, "a:y": 1, "b:x": 2}


def test_without_slices_there_are_none() -> None:
    assert JUDGE.scored(np.array([1]), np.array([1]), {})["slices"] == {}


def test_nothing_to_score_is_an_error_and_not_a_perfect_score() -> None:
    with pytest.raises(ValueError, match="no rows to score"):
        JUDGE.scored(np.array([], int), np.array([], int), {})


def test_scores_are_plain_numbers_for_json() -> None:
    found = JUDGE.scored(np.array([0, 1]), np.array([1, 1]), {})
    assert all(type(value) in (int, float, dict) for value in found.values())
