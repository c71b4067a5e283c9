"""Accuracy, balanced accuracy, precision, recall and macro-F1, from one formula: that of the confusion matrix.

What would be a division by zero is 0, as in TFMA, so a class that is neither true nor predicted lowers an average.
Training has Keras' own streaming metric for it (`modules.targets.one_label.keras_metrics`); a test holds the two
together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from scipy import sparse

SHOWN = ("accuracy", "macro_f1")
SHOWN_OF_RARE = ("accuracy", "balanced_accuracy", "macro_f1")  # where one label of two is looked for
CALIBRATION_BINS = 15  # equal ones of the predicted label's probability
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def score(
    labels: np.ndarray,
    predictions: np.ndarray,
    slices: Mapping[str, Sequence[str]],
    num_classes: int,
    metrics: Sequence[str] = SHOWN,
) -> dict[str, Any]:
    """Scores predictions.

    Args:
        labels: true label ids, int `[rows]`.
        predictions: predicted label ids, int `[rows]`.
        slices: by slice column, the value of each row.
        num_classes: labels; a class that is neither true nor predicted in a slice counts as F1 0, as TFMA does.
        metrics: some of those that `of_confusion` gives a number for.

    Returns:
        `{"rows", "accuracy", "macro_f1", "slices": {"column:value": {"rows", "accuracy", "macro_f1"}}}`, or other
        `metrics` in place of these two.

    Raises:
        ValueError: there are no rows.
    """
    if not len(labels):
        raise ValueError("there are no rows to score; check the split sizes")
    result = _scores(labels, predictions, num_classes, metrics)
    result["slices"] = {}
    for column, values in slices.items():
        array = np.asarray(values)
        for value in sorted(set(values)):
            chosen = array == value
            result["slices"][f"{column}:{value}"] = _scores(labels[chosen], predictions[chosen], num_classes, metrics)
    return result


def confusion(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> Ints:
    """The confusion matrix, int64 `[classes, classes]`, true by predicted id.

    Args:
        labels: true label ids, int `[rows]`.
        predicted: predicted label ids, int `[rows]`.
        num_classes: labels.

    Raises:
        ValueError: there are no rows, or not as many of one as of the other.
    """
    if not len(labels) or len(labels) != len(predicted):
        raise ValueError(f"{len(labels)} labels and {len(predicted)} predictions: equally many, at least one, needed")
    cells = np.asarray(labels, np.int64) * num_classes + np.asarray(predicted, np.int64)
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def of_confusion(tables: np.ndarray, unanswered: ArrayLike = 0) -> dict[str, Floats]:
    """Metrics of one or of many confusion matrices.

    Args:
        tables: counts or weights `[..., classes, classes]`, true by predicted id.
        unanswered: by true id, `[..., classes]`, rows that got no prediction: wrong ones, of no predicted class.

    Returns:
        `accuracy`, `balanced_accuracy` (mean recall of the classes that have rows) and `macro_f1`, float64 `[...]`, and
        by class `precision`, `recall` and `f1`, `[..., classes]`.
    """
    right = np.diagonal(tables, axis1=-2, axis2=-1).astype(np.float64)
    return of_counts(right, tables.sum(axis=-1) + np.asarray(unanswered), tables.sum(axis=-2))


def means_of(parts: np.ndarray | sparse.csr_array) -> Floats:
    """Means over the rows, float64 `[numbers]`.

    Args:
        parts: `[rows, numbers]`, of at least one row.
    """
    return np.asarray(parts.sum(axis=0), np.float64).reshape(-1) / parts.shape[0]


def of_counts(right: np.ndarray, actual: np.ndarray, predicted: np.ndarray) -> dict[str, Floats]:
    """Metrics from the counts of each class, which is all that a confusion matrix is asked for.

    Args:
        right: rows of the class that got it, `[..., classes]`.
        actual: rows of the class.
        predicted: rows that got it.

    Returns:
        As `of_confusion`.
    """
    right = right.astype(np.float64)
    f1, recall = _ratio(2 * right, actual + predicted), _ratio(right, actual)
    return {
        "accuracy": _ratio(right.sum(axis=-1), actual.sum(axis=-1)),
        "balanced_accuracy": _ratio(recall.sum(axis=-1), (np.asarray(actual) > 0).sum(axis=-1)),
        "macro_f1": f1.mean(axis=-1),
        "precision": _ratio(right, predicted),
        "recall": recall,
        "f1": f1,
    }


def r_squared(squared_errors: ArrayLike, variances: ArrayLike) -> Floats:
    """One minus the mean squared error over the variance of the right answers, of one or of many.

    Args:
        squared_errors: mean ones, `[...]`.
        variances: of the right answers, `[...]`; where there is none, an error counts as 0 and none as 1.
    """
    errors, spread = np.asarray(squared_errors, np.float64), np.asarray(variances, np.float64)
    there = spread > 0
    return np.where(there, 1.0 - errors / np.where(there, spread, 1.0), np.where(errors > 0, 0.0, 1.0))


def _scores(labels: np.ndarray, predictions: np.ndarray, num_classes: int, metrics: Sequence[str]) -> dict[str, Any]:
    found = of_confusion(confusion(labels, predictions, num_classes))
    return {"rows": len(labels), **{name: float(found[name]) for name in metrics}}


def _ratio(above: np.ndarray, below: np.ndarray) -> Floats:
    return np.divide(above, below, out=np.zeros(np.shape(above), np.float64), where=np.asarray(below) > 0)
