"""Scores of numbers: what is counted of each row, and the metrics that follow from the means."""

from __future__ import annotations

from modules.quality.scores import Floats, r_squared

import numpy as np


def scores(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Root of the mean squared error, mean absolute error, and R².

    Args:
        truth: float `[rows]`; at least one row.
        predicted: float `[rows]`.
    """
    return {name: float(value) for name, value in metrics_of(parts_of(truth, predicted).mean(axis=0)).items()}


def parts_of(truth: np.ndarray, predicted: np.ndarray) -> Floats:
    """What of each row the metrics are means of: squared and absolute error, the right answer and its square.

    Args:
        truth: float `[rows]`.
        predicted: float `[rows]`.

    Returns:
        float64 `[rows, 4]`.
    """
    right = np.asarray(truth, np.float64)
    errors = np.asarray(predicted, np.float64) - right
    centered = right - right.mean()  # so that no digits are lost where numbers are far from 0
    return np.stack([errors**2, np.abs(errors), centered, centered**2], axis=1)


def metrics_of(found: np.ndarray) -> dict[str, Floats]:
    """The metrics of means of `parts_of`, of one or of many.

    Args:
        found: `[..., 4]`.

    Returns:
        `rmse`, `mae` and `r2`, `[...]`.
    """
    squared, absolute, mean, square = np.moveaxis(found, -1, 0)
    return {"rmse": np.sqrt(squared), "mae": absolute, "r2": r_squared(squared, square - mean**2)}
