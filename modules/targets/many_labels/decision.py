"""From which probability on each label is answered: the threshold with the largest F1 on the eval split."""

from __future__ import annotations

from modules.quality.thresholds import candidates

import numpy as np

_HALF = 0.5


def best_thresholds(truth: np.ndarray, probabilities: np.ndarray) -> list[float]:
    """Chooses for each label by itself.

    Args:
        truth: 1 for each label of a row, `[rows, labels]`.
        probabilities: of a model, float32 `[rows, labels]`.

    Returns:
        By label a number in 0 … 1: of those that do equally well the one nearest to one half, which is also that of a
        label without a row.
    """
    return [_best(right > 0, scores) for right, scores in zip(truth.T, probabilities.T, strict=True)]


def _best(right: np.ndarray, scores: np.ndarray) -> float:
    if not right.any():
        return _HALF
    thresholds, counts = candidates(right, scores)
    f1 = 2 * counts["right"] / (counts["positive"] + counts["answered"])
    best = thresholds[f1 >= f1.max() - 1e-12]
    return float(best[np.abs(best - _HALF).argmin()])
