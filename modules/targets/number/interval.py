"""How wide an interval around an answer has to be: split conformal prediction.

Source: Lei et al. 2018, "Distribution-Free Predictive Inference for Regression", https://arxiv.org/abs/1604.04173.
Rows that a model was not fitted to tell how far off it is; the interval reaches as far as so large a share of them
needs, and a little more for their being few. It holds for rows like them. The best epoch was chosen on the same rows,
so the share is measured on `test` and told beside the one that was asked for.
"""

from __future__ import annotations

import math

from modules.machine.progress import tell

import numpy as np


def half_width(truth: np.ndarray, predicted: np.ndarray, coverage: float) -> float | None:
    """How far the interval reaches to either side.

    Args:
        truth: right answers, float `[rows]`.
        predicted: answers, float `[rows]`.
        coverage: share of rows that it is to hold.

    Returns:
        The distance; None where there are too few rows for so large a share, which is told.
    """
    distances = np.sort(np.abs(np.asarray(truth, np.float64) - np.asarray(predicted, np.float64).reshape(-1)))
    needed = math.ceil((len(distances) + 1) * coverage)
    if needed > len(distances):
        fewest = math.ceil(coverage / (1.0 - coverage) - 1e-9)
        tell(
            f"no interval: target.coverage of {coverage:g} needs {fewest} rows on eval, and there are {len(distances)}"
        )
        return None
    return float(distances[needed - 1])
