"""Every threshold of a label's probability that makes a difference, and what it counts.

One sort of the rows and running sums give all of them at once. A threshold lies in the middle between two rows, so that
rounding on another machine moves no row to the other side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def candidates(positive: np.ndarray, scores: np.ndarray) -> tuple[NDArray[np.float32], dict[str, NDArray[np.int64]]]:
    """Every threshold that tells the rows apart in another way, and what it counts.

    Args:
        positive: whether a row has the label, bool `[rows]`.
        scores: probabilities of that label, float32 `[rows]`.

    Returns:
        Thresholds, float32 `[candidates]`, falling: a row is answered with the label where its score is as
        large or larger. By name, int64 `[candidates]`: `right`, positive rows among these, and `answered`, all of them;
        `positive` and `rows`, the same for every candidate.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # of each run of equal scores
    last = last[ranked[last] > 0] if ranked[0] > 0 else last  # no threshold takes in a row that scores 0
    above = ranked[last]
    below = np.append(above[1:], np.float32(0))
    middle = ((above.astype(np.float64) + below) / 2).astype(np.float32)
    # Two neighbours of float32 have nothing between them, and 0 is no threshold.
    thresholds = np.maximum(np.where(middle > below, middle, above), np.finfo(np.float32).tiny)
    right = np.cumsum(positive[order])[last]
    whole = np.ones(len(last), np.int64)
    counts = {
        "right": right, "answered": last + 1, "positive": whole * int(positive.sum()), "rows": whole * len(scores)
    }  # fmt: skip
    return thresholds, counts
