"""Metrics of one's own for TFMA that add something up over the rows: what each of them needs to be one.

See https://www.tensorflow.org/tfx/model_analysis/metrics.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFMA imports TensorFlow)

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util


class RowCombiner(beam.CombineFn, abc.ABC):
    """Numbers that are added up row by row; an accumulator is float64, of what shape its class says."""

    def __init__(self, key: metric_types.MetricKey, eval_config: Any, example_weighted: bool) -> None:
        """Args: `key` of the metric, with its model and output; TFMA's configuration, and whether rows have weights."""
        self.key, self._eval_config, self._example_weighted = key, eval_config, example_weighted

    @abc.abstractmethod
    def create_accumulator(self) -> np.ndarray:
        """What no rows add up to."""

    @abc.abstractmethod
    def added(self, accumulator: np.ndarray, right: np.ndarray, answered: np.ndarray) -> np.ndarray:
        """The accumulator with one more row.

        Args:
            accumulator: may be changed.
            right: what the row's label is, flat.
            answered: what the model gives, flat.
        """

    def add_input(self, accumulator: np.ndarray, element: metric_types.StandardMetricInputs) -> np.ndarray:
        """Beam's hook."""
        label, prediction, _ = next(
            metric_util.to_label_prediction_example_weight(
                element,
                eval_config=self._eval_config,
                model_name=self.key.model_name,
                output_name=self.key.output_name,
                example_weighted=self._example_weighted,
                flatten=False,
                require_single_example_weight=True,
            )
        )
        return self.added(accumulator, np.ravel(label), np.ravel(prediction))

    def merge_accumulators(self, accumulators: Iterable[np.ndarray]) -> np.ndarray:
        """Beam's hook; sums, where a class knows nothing else."""
        return np.sum(list(accumulators), axis=0)


def computations(combiner: type[RowCombiner]) -> Callable[..., metric_types.MetricComputations]:
    """What TFMA computes of a metric that is one number of all rows.

    Args:
        combiner: its `extract_output` gives the number under its `key`.
    """

    def made(
        name: str,
        eval_config: Any = None,
        model_name: str = "",
        output_name: str = "",
        example_weighted: bool = False,
    ) -> metric_types.MetricComputations:
        key = metric_types.MetricKey(name, model_name, output_name, example_weighted=example_weighted)
        adding = combiner(key, eval_config, example_weighted)
        return [metric_types.MetricComputation(keys=[key], preprocessors=None, combiner=adding)]

    return made
