"""Metrics of several labels a row, which TFMA lacks: of the labels that are answered, whatever each one's threshold.

Named in an `EvalConfig` by class name and this module; see https://www.tensorflow.org/tfx/model_analysis/metrics.
"""

from __future__ import annotations

from typing import Any

from modules.quality.tfma.rows import RowCombiner
from modules.targets.many_labels.metrics import metrics_of

import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util

_COUNTS = "_label_set_counts"  # TFMA keeps what begins so to itself


class LabelSetAverage(metric_types.Metric):
    """One number of all labels."""

    def __init__(self, name: str, labels: int) -> None:
        """Args: `name`, which of `modules.targets.many_labels.metrics.metrics_of`; `labels`, how many."""
        super().__init__(metric_util.merge_per_key_computations(_average), name=name, labels=labels)


class LabelSetLabel(metric_types.Metric):
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


class _Combiner(RowCombiner):
    """Sums over rows, see `modules.targets.many_labels.metrics.parts_of`."""

    def __init__(self, key: metric_types.MetricKey, eval_config: Any, example_weighted: bool, labels: int) -> None:
        super().__init__(key, eval_config, example_weighted)
        self._labels = labels

    def create_accumulator(self) -> np.ndarray:
        return np.zeros(3 * self._labels + 2)

    def added(self, accumulator: np.ndarray, right: np.ndarray, answered: np.ndarray) -> np.ndarray:
        there, given = right > 0.5, answered > 0.5
        size = self._labels
        accumulator[:size] += there & given
        accumulator[size : 2 * size] += there
        accumulator[2 * size : 3 * size] += given
        accumulator[-2:] += float(np.array_equal(there, given)), 1.0
        return accumulator

    def extract_output(self, accumulator: np.ndarray) -> dict[metric_types.MetricKey, np.ndarray]:
        return {self.key: accumulator}
