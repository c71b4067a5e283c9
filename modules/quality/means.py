"""The bootstrap of metrics that are functions of means over the rows, such as a mean squared error.

Resamples of the rows are needed of such a metric only through the means of some numbers of each row. They are drawn row
by row as long as that is quick; of more rows the means are normally distributed to far below the width of an interval,
and are drawn from that distribution, which costs the same for any number of them.
"""

from __future__ import annotations

from modules.quality.scores import Floats

import numpy as np
from scipy import sparse

_WORK = 2_000_000_000  # rows times resamples times numbers of a row, above which the normal distribution is taken
_FEW = 64  # numbers of a row, for their joint distribution is a table of their squares
_AT_ONCE = 4_000_000  # rows times resamples in memory: 32 MB


def resampled(values: np.ndarray | sparse.csr_array, *, resamples: int, seed: int) -> Floats:
    """Means over resamples of the rows.

    Args:
        values: of each row, float `[rows, numbers]`; at least one row. Many numbers of which most are 0: sparse.
        resamples: how many.
        seed: of the draws; the same seed gives the same resamples, whatever the numbers are.

    Returns:
        float64 `[resamples, numbers]`.
    """
    rng, (rows, numbers) = np.random.default_rng(seed), values.shape
    if rows * resamples * numbers > _WORK and numbers <= _FEW and isinstance(values, np.ndarray):
        center = values.mean(axis=0)
        spread = np.atleast_2d(np.cov(values, rowvar=False, bias=True)) / rows
        return rng.multivariate_normal(center, spread, size=resamples, method="svd")
    found = np.empty((resamples, numbers))
    some = max(1, _AT_ONCE // rows)
    for start in range(0, resamples, some):
        count = min(some, resamples - start)
        drawn = rng.integers(0, rows, (count, rows)) + np.arange(count)[:, np.newaxis] * rows
        counts = np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows)
        found[start : start + count] = counts @ values / rows
    return found
