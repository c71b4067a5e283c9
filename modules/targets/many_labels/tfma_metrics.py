"""Metrics of several labels a row, which TFMA lacks: of the labels that are answered, whatever each one's threshold.

Named in an `EvalConfig` by class name and this module; see https://www.tensorflow.org/tfx/model_analysis/metrics.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modules.targets.many_labels.metrics import metrics_of  # settles Keras 2 before TFMA imports TensorFlow

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util

_COUNTS = "_label_set_counts"  # TFMA keeps what begins so to itself


class Average(metric_types.Metric):
    """One number of all labels."""

    def __init__(self, name: str, labels: int) -> None:
        """Args: `name`, which of `modules.targets.many_labels.metrics.metrics_of`; `labels`, how many."""
        super().__init__(metric_util.merge_per_key_computations(_average), name=name, labels=labels)


class OfLabel(metric_types.Metric):
    """One label's precision or recall."""

    def __init__(self, name: str, score: str, label: int, labels: int) -> None:
        """Args: `score`, `precision` or `recall`; `label`, its id; `labels`, how many there are."""
        super().__init__(
            metric_util.merge_per_key_computations(_of_label), name=name, score=score, label=label, labels=labels
        )


def _average(
    name: str,
    labels: int,
    eval_config: Any = None,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    def result(found: dict[str, Any]) -> float:
        value = found[name]
        return float(value.mean() if np.ndim(value) else value)

    return _derived(name, result, labels, eval_config, model_name, output_name, example_weighted)


def _of_label(
    name: str,
    score: str,
    label: int,
    labels: int,
    eval_config: Any = None,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    def result(found: dict[str, Any]) -> float:
        return float(found[score][label])

    return _derived(name, result, labels, eval_config, model_name, output_name, example_weighted)


def _derived(
    name: str, result: Any, labels: int, eval_config: Any, model_name: str, output_name: str, example_weighted: bool
) -> metric_types.MetricComputations:
    """A metric of the counts, which TFMA gathers once for all of them."""
    key = metric_types.MetricKey(name, model_name, output_name, example_weighted=example_weighted)
    counts = metric_types.MetricKey(_COUNTS, model_name, output_name, example_weighted=example_weighted)
    gathered = metric_types.MetricComputation(
        keys=[counts], preprocessors=None, combiner=_Combiner(counts, eval_config, example_weighted, labels)
    )

    def derive(metrics: dict[metric_types.MetricKey, Any]) -> dict[metric_types.MetricKey, float]:
        return {key: result(metrics_of(metrics[counts]))}

    return [gathered, metric_types.DerivedMetricComputation(keys=[key], result=derive)]


class _Combiner(beam.CombineFn):
    """Sums over rows, see `modules.targets.many_labels.metrics.parts_of`."""

    def __init__(self, key: metric_types.MetricKey, eval_config: Any, example_weighted: bool, labels: int) -> None:
        self._key, self._eval_config, self._example_weighted = key, eval_config, example_weighted
        self._labels = labels

    def create_accumulator(self) -> np.ndarray:
        return np.zeros(3 * self._labels + 2)

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
        right, answered = (np.ravel(value) > 0.5 for value in (label, prediction))
        size = self._labels
        accumulator[:size] += right & answered
        accumulator[size : 2 * size] += right
        accumulator[2 * size : 3 * size] += answered
        accumulator[-2:] += float(np.array_equal(right, answered)), 1.0
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[np.ndarray]) -> np.ndarray:
        return np.sum(list(accumulators), axis=0)

    def extract_output(self, accumulator: np.ndarray) -> dict[metric_types.MetricKey, np.ndarray]:
        return {self._key: accumulator}
