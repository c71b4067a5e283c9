"""Accuracy and macro-F1 of predicted label ids, overall and by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

CALIBRATION_BINS = 15  # equal ones of the predicted label's probability


def score(
    labels: np.ndarray, predictions: np.ndarray, slices: Mapping[str, Sequence[str]], num_classes: int
) -> dict[str, Any]:
    """Scores predictions.

    Args:
        labels: true label ids, int `[rows]`.
        predictions: predicted label ids, int `[rows]`.
        slices: by slice column, the value of each row.
        num_classes: labels; a class that is neither true nor predicted in a slice counts as F1 0, as TFMA does.

    Returns:
        `{"rows", "accuracy", "macro_f1", "slices": {"column:value": {"rows", "accuracy", "macro_f1"}}}`.

    Raises:
        ValueError: there are no rows.
    """
    if not len(labels):
        raise ValueError("there are no rows to score; check the split sizes")
    result = _scores(labels, predictions, num_classes)
    result["slices"] = {}
    for column, values in slices.items():
        array = np.asarray(values)
        for value in sorted(set(values)):
            chosen = array == value
            result["slices"][f"{column}:{value}"] = _scores(labels[chosen], predictions[chosen], num_classes)
    return result


def _scores(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> dict[str, Any]:
    classes = list(range(num_classes))
    return {
        "rows": len(labels),
        "accuracy": float(accuracy_score(labels, predictions)),
        "macro_f1": float(f1_score(labels, predictions, labels=classes, average="macro", zero_division=0.0)),
    }
