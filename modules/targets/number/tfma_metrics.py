"""The metric of numbers that TFMA lacks: R², the share of the spread that is explained.

Named in an `EvalConfig` by class name and this module; see https://www.tensorflow.org/tfx/model_analysis/metrics.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from modules.quality.scores import r_squared  # settles Keras 2 before TFMA imports TensorFlow

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util


class RSquared(metric_types.Metric):
    """One minus the mean squared error over the variance of the right answers."""

    def __init__(self, name: str = "r2") -> None:
        """Args: `name` of the metric."""
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name)


def _computations(
    name: str,
    eval_config: Any = None,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    key = metric_types.MetricKey(name, model_name, output_name, example_weighted=example_weighted)
    combiner = _Combiner(key, eval_config, example_weighted)
    return [metric_types.MetricComputation(keys=[key], preprocessors=None, combiner=combiner)]


class _Combiner(beam.CombineFn):
    """Rows, mean, sum of squares around it, and of squared errors: float64 `[4]`, merged without losing digits.

    Source of the merge: Chan et al. 1979, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances".
    """

    def __init__(self, key: metric_types.MetricKey, eval_config: Any, example_weighted: bool) -> None:
        self._key, self._eval_config, self._example_weighted = key, eval_config, example_weighted

    def create_accumulator(self) -> np.ndarray:
        return np.zeros(4)

    def add_input(self, accumulator: np.ndarray, element: metric_types.StandardMetricInputs) -> np.ndarray:
        label, prediction, _ = next(
            metric_util.to_label_prediction_example_weight(
                element,
                eval_config=self._eval_config,
                model_name=self._key.model_name,
                output_name=self._key.output_name,
                example_weighted=self._example_weighted,
                flatten=False,
                require_single_example_weight=True,
            )
        )
        right, answered = (float(np.ravel(value)[0]) for value in (label, prediction))
        return _merged(accumulator, np.array([1.0, right, 0.0, (right - answered) ** 2]))

    def merge_accumulators(self, accumulators: Iterable[np.ndarray]) -> np.ndarray:
        return functools.reduce(_merged, accumulators, self.create_accumulator())

    def extract_output(self, accumulator: np.ndarray) -> dict[metric_types.MetricKey, float]:
        rows, _, spread, errors = accumulator
        return {self._key: float(r_squared(errors / rows, spread / rows)) if rows else float("nan")}


def _merged(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    rows = one[0] + other[0]
    if not rows:
        return one
    distance = other[1] - one[1]
    mean = one[1] + distance * other[0] / rows
    spread = one[2] + other[2] + distance**2 * one[0] * other[0] / rows
    return np.array([rows, mean, spread, one[3] + other[3]])
