"""From which probability on each label is answered: the threshold with the largest F1 on the eval split."""

from __future__ import annotations

import numpy as np

_HALF = 0.5


def best_thresholds(truth: np.ndarray, probabilities: np.ndarray) -> list[float]:
    """Chooses for each label by itself.

    A threshold lies in the middle between two rows, so that rounding on another machine moves no row of eval.

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
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order].astype(np.float64)
    f1 = 2 * np.cumsum(right[order]) / (right.sum() + np.arange(1, len(ranked) + 1))
    below = np.append(ranked[1:], 0.0)
    between = np.flatnonzero(ranked > below)  # rows of equal probability are answered alike
    found = (ranked[between] + below[between]) / 2
    best = found[f1[between] >= f1[between].max() - 1e-12]
    # Of a float32 that is rounded up, a row just above would be lost.
    return float(max(np.float32(best[np.abs(best - _HALF).argmin()]), np.finfo(np.float32).tiny))
