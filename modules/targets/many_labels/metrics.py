"""Scores of several labels a row: what is counted of each row, and the metrics that follow from the counts.

What would be a division by zero is 0, as of one label (`modules.quality.scores`).
"""

from __future__ import annotations

from modules.quality.scores import Floats, means_of, of_counts

import numpy as np
from scipy import sparse

AVERAGES = ("macro_f1", "micro_f1", "subset_accuracy")


def scores(truth: np.ndarray, answered: np.ndarray) -> dict[str, float]:
    """Macro-F1, micro-F1, and the share of rows that are right in every label.

    Args:
        truth: 1 for each label of a row, `[rows, labels]`; at least one row.
        answered: 1 for each label that is answered, likewise.
    """
    found = metrics_of(means_of(parts_of(truth, answered)))
    return {name: float(found[name]) for name in AVERAGES}


def parts_of(truth: np.ndarray, answered: np.ndarray) -> sparse.csr_array:
    """What is counted of each row: hits, right and answered labels, each by label; whether all are right; and 1.

    Args:
        truth: 1 for each label of a row, `[rows, labels]`.
        answered: 1 for each label that is answered, likewise.

    Returns:
        `[rows, 3 * labels + 2]`, sparse, for a row has few of many labels.
    """
    right, given = truth > 0, answered > 0
    exact = (right == given).all(axis=1)[:, np.newaxis]
    parts = [sparse.csr_array(part) for part in (right & given, right, given, exact, np.ones_like(exact))]
    return sparse.hstack(parts, format="csr").astype(np.float64)


def metrics_of(counts: np.ndarray) -> dict[str, Floats]:
    """The metrics of sums or means of `parts_of`, of one or of many.

    Args:
        counts: `[..., 3 * labels + 2]`.

    Returns:
        `macro_f1`, `micro_f1` and `subset_accuracy`, `[...]`, and by label `precision`, `recall` and `f1`,
        `[..., labels]`.
    """
    found = np.asarray(counts, np.float64)
    hits, actual, answered = np.split(found[..., :-2], 3, axis=-1)
    by_label = of_counts(hits, actual, answered)
    together = of_counts(*(part.sum(axis=-1, keepdims=True) for part in (hits, actual, answered)))
    return {
        "macro_f1": by_label["macro_f1"],
        "micro_f1": together["f1"][..., 0],
        "subset_accuracy": found[..., -2] / found[..., -1],
        **{name: by_label[name] for name in ("precision", "recall", "f1")},
    }
