"""The metric of numbers that TFMA lacks: R², the share of the spread that is explained.

Named in an `EvalConfig` by class name and this module; see https://www.tensorflow.org/tfx/model_analysis/metrics.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from modules.quality.scores import r_squared
from modules.quality.tfma.rows import RowCombiner, computations

import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util


class RSquared(metric_types.Metric):
    """One minus the mean squared error over the variance of the right answers."""

    def __init__(self, name: str = "r2") -> None:
        """Args: `name` of the metric."""
        super().__init__(metric_util.merge_per_key_computations(computations(_Combiner)), name=name)


class _Combiner(RowCombiner):
    """Rows, mean, sum of squares around it, and of squared errors: float64 `[4]`, merged without losing digits.

    Source of the merge: Chan et al. 1979, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances".
    """

    def create_accumulator(self) -> np.ndarray:
        return np.zeros(4)

    def added(self, accumulator: np.ndarray, right: np.ndarray, answered: np.ndarray) -> np.ndarray:
        number, error = float(right[0]), float(right[0]) - float(answered[0])
        return _merged(accumulator, np.array([1.0, number, 0.0, error**2]))

    def merge_accumulators(self, accumulators: Iterable[np.ndarray]) -> np.ndarray:
        return functools.reduce(_merged, accumulators, self.create_accumulator())

    def extract_output(self, accumulator: np.ndarray) -> dict[metric_types.MetricKey, float]:
        rows, _, spread, errors = accumulator
        return {self.key: float(r_squared(errors / rows, spread / rows)) if rows else float("nan")}


def _merged(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    rows = one[0] + other[0]
    if not rows:
        return one
    distance = other[1] - one[1]
    mean = one[1] + distance * other[0] / rows
    spread = one[2] + other[2] + distance**2 * one[0] * other[0] / rows
    return np.array([rows, mean, spread, one[3] + other[3]])
