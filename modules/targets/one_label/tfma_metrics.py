"""Metrics that TFMA lacks: macro averages of what is answered, and the expected calibration error.

What is answered is the arg max of what the model gives under `prediction_key`: its probabilities, or where a threshold
decides, the decision itself.

Named in an `EvalConfig` by class name and this module; see https://www.tensorflow.org/tfx/model_analysis/metrics. A
name that TFMA or Keras has as well would be taken for theirs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from modules.quality.scores import CALIBRATION_BINS, of_confusion  # settles Keras 2 before TFMA imports TensorFlow
from modules.quality.tfma.rows import RowCombiner, computations
from modules.targets.one_label.target import PROBABILITIES

import numpy as np
from tensorflow_model_analysis.metrics import (
    metric_types,
    metric_util,
)
from tensorflow_model_analysis.metrics import (
    multi_class_confusion_matrix_metrics as confusion,
)


def macro_scores(matrix: dict[tuple[int, int], float], num_classes: int) -> dict[str, float]:
    """Macro averages from a confusion matrix.

    Args:
        matrix: rows by (true id, predicted id).
        num_classes: labels; one that never occurs counts with 0.

    Returns:
        `precision`, `recall` and `f1`.
    """
    found = _by_class(matrix, num_classes)
    return {name: float(found[name].mean()) for name in ("precision", "recall", "f1")}


def _by_class(matrix: dict[tuple[int, int], float], num_classes: int) -> dict[str, Any]:
    """As `modules.quality.scores.of_confusion`, of TFMA's form of the matrix."""
    table, unanswered = np.zeros((num_classes, num_classes)), np.zeros(num_classes)
    for (actual, predicted), count in matrix.items():
        if predicted >= 0:
            table[actual, predicted] += count
        else:
            unanswered[actual] += count
    return of_confusion(table, unanswered)


class _MatrixMetric(metric_types.Metric):
    """A number derived from TFMA's own multi-class confusion matrix: of one label, or the mean over the labels."""

    def __init__(self, score: str, num_classes: int, name: str, prediction_key: str, class_id: int | None) -> None:
        super().__init__(
            metric_util.merge_per_key_computations(_matrix_computations),
            score=score,
            num_classes=num_classes,
            name=name,
            prediction_key=prediction_key,
            class_id=class_id,
        )


class MacroF1(_MatrixMetric):
    """Unweighted mean of the classes' F1."""

    def __init__(self, num_classes: int, name: str = "macro_f1", prediction_key: str = "") -> None:
        """Args: `num_classes`, the number of labels; `prediction_key`, what the arg max is taken of."""
        super().__init__("f1", num_classes, name, prediction_key, None)


class MacroPrecision(_MatrixMetric):
    """Unweighted mean of the classes' precision."""

    def __init__(self, num_classes: int, name: str = "precision", prediction_key: str = "") -> None:
        """Args: `num_classes`, the number of labels; `prediction_key`, what the arg max is taken of."""
        super().__init__("precision", num_classes, name, prediction_key, None)


class MacroRecall(_MatrixMetric):
    """Unweighted mean of the classes' recall."""

    def __init__(self, num_classes: int, name: str = "recall", prediction_key: str = "") -> None:
        """Args: `num_classes`, the number of labels; `prediction_key`, what the arg max is taken of."""
        super().__init__("recall", num_classes, name, prediction_key, None)


class MeanRecall(_MatrixMetric):
    """Unweighted mean of the recall of those classes that occur."""

    def __init__(self, num_classes: int, name: str = "balanced_accuracy", prediction_key: str = "") -> None:
        """Args: `num_classes`, the number of labels; `prediction_key`, what the arg max is taken of."""
        super().__init__("balanced_accuracy", num_classes, name, prediction_key, None)


class ShareRight(_MatrixMetric):
    """Share of rows that got their label."""

    def __init__(self, num_classes: int, name: str = "accuracy", prediction_key: str = "") -> None:
        """Args: `num_classes`, the number of labels; `prediction_key`, what the arg max is taken of."""
        super().__init__("accuracy", num_classes, name, prediction_key, None)


class OfLabel(_MatrixMetric):
    """Precision or recall of one class."""

    def __init__(self, score: str, class_id: int, num_classes: int, name: str, prediction_key: str = "") -> None:
        """Names the metric.

        Args:
            score: `precision` or `recall`.
            class_id: of which class.
            num_classes: the number of labels.
            name: of the metric.
            prediction_key: what the arg max is taken of.
        """
        super().__init__(score, num_classes, name, prediction_key, class_id)


def _matrix_computations(
    score: str,
    num_classes: int,
    name: str,
    prediction_key: str = "",
    class_id: int | None = None,
    eval_config: Any = None,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    key = metric_types.MetricKey(name, model_name, output_name, example_weighted=example_weighted)
    computations = confusion.multi_class_confusion_matrices(
        thresholds=[0.0],  # the arg max always counts, however unsure
        name=f"{confusion.MULTI_CLASS_CONFUSION_MATRICES}{f'_{prediction_key}' if prediction_key else ''}",
        extract_label_prediction_and_weight=(
            _Answered(prediction_key) if prediction_key else metric_util.to_label_prediction_example_weight
        ),
        eval_config=eval_config,
        model_name=model_name,
        output_name=output_name,
        example_weighted=example_weighted,
    )
    matrices = computations[-1].keys[-1]

    def result(metrics: dict[metric_types.MetricKey, Any]) -> dict[metric_types.MetricKey, float]:
        matrix = {tuple(entry): count for entry, count in metrics[matrices].get(0.0, {}).items()}
        found = _by_class(matrix, num_classes)[score]
        return {key: float(found.mean() if class_id is None else found[class_id])}

    return [*computations, metric_types.DerivedMetricComputation(keys=[key], result=result)]


@dataclasses.dataclass(frozen=True)
class _Answered:
    """What a model answers with, in the place of its probabilities; a model that says nothing of it, by these."""

    key: str

    def __call__(
        self, inputs: metric_types.StandardMetricInputs, *, model_name: str = "", **options: Any
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        given = inputs.predictions
        answers = given[model_name] if model_name else given
        # The blessed model before this one may be from a time when the task had no threshold.
        if self.key in answers:
            answers = {**answers, PROBABILITIES: answers[self.key]}
            given = {**given, model_name: answers} if model_name else answers
            inputs = metric_types.StandardMetricInputs({**inputs, "predictions": given})
        found: Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]] = metric_util.to_label_prediction_example_weight(
            inputs, model_name=model_name, **options
        )
        return found


class CalibrationError(metric_types.Metric):
    """Expected calibration error of the predicted label's probability, in 15 equal bins.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", https://arxiv.org/abs/1706.04599.
    """

    def __init__(self, name: str = "calibration_error") -> None:
        """Args: `name` of the metric."""
        super().__init__(metric_util.merge_per_key_computations(computations(_CalibrationCombiner)), name=name)


class _CalibrationCombiner(RowCombiner):
    """Sums rows, confidence and hits per bin: an accumulator is float64 `[bins, 3]`."""

    def create_accumulator(self) -> np.ndarray:
        return np.zeros((CALIBRATION_BINS, 3))

    def added(self, accumulator: np.ndarray, right: np.ndarray, answered: np.ndarray) -> np.ndarray:
        best = int(np.argmax(answered))
        confidence = float(answered[best])
        hit = best == int(right[0])
        accumulator[min(int(confidence * CALIBRATION_BINS), CALIBRATION_BINS - 1)] += (1.0, confidence, hit)
        return accumulator

    def extract_output(self, accumulator: np.ndarray) -> dict[metric_types.MetricKey, float]:
        rows = accumulator[:, 0].sum()
        error = np.abs(accumulator[:, 2] - accumulator[:, 1]).sum() / rows if rows else float("nan")
        return {self.key: float(error)}


class NdcgAtTop(metric_types.Metric):
    """Mean over the queries of NDCG with a gain of 1 for each positive row; TFMA's own wants gains as a feature.

    Source: Järvelin & Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques", with log2(1 + place).
    """

    def __init__(self, top: int, positive: int, name: str = "ndcg_at_top") -> None:
        """Args: `top`, the places that count; `positive`, id of the label that is ranked by; `name` of the metric."""
        super().__init__(_query_computations, score="ndcg", top=top, positive=positive, name=name)


class RecallAtTop(metric_types.Metric):
    """Mean over the queries of the share of positive rows at the top; of as many as it holds where there are more."""

    def __init__(self, top: int, positive: int, name: str = "recall_at_top") -> None:
        """Args: `top`, the places that count; `positive`, id of the label that is ranked by; `name` of the metric."""
        super().__init__(_query_computations, score="recall", top=top, positive=positive, name=name)


def ranked_score(score: str, positive: np.ndarray, probabilities: np.ndarray, top: int) -> float | None:
    """How good the order of one query's rows is.

    Args:
        score: `ndcg` or `recall`.
        positive: whether a row has the positive label, bool `[rows]`.
        probabilities: of that label, float `[rows]`. What rows of one probability get is the mean over all orders of
            them, so that no order of the rows in a file pays.
        top: places that count.

    Returns:
        A number of 0 … 1; None without a positive row.
    """
    count = int(positive.sum())
    if not count:
        return None
    places = 1 / np.log2(np.arange(len(positive)) + 2) if score == "ndcg" else np.ones(len(positive))
    places[top:] = 0
    order = np.argsort(-probabilities, kind="stable")
    _, ties = np.unique(-probabilities[order], return_inverse=True)
    gains = np.bincount(ties, places) / np.bincount(ties)
    return float((gains[ties] * positive[order]).sum() / places[:count].sum())


def _query_computations(
    score: str,
    top: int,
    positive: int,
    name: str,
    eval_config: Any = None,
    model_names: list[str] | None = None,
    output_names: list[str] | None = None,
    example_weighted: bool = False,
    query_key: str = "",
) -> metric_types.MetricComputations:
    if not query_key:
        raise ValueError(f"{name} ranks the rows of a query; its specification needs a query_key")
    keys = [
        metric_types.MetricKey(name, model_name=model, output_name=output, example_weighted=example_weighted)
        for model in model_names or [""]
        for output in output_names or [""]
    ]
    return [
        metric_types.MetricComputation(
            keys=[key], preprocessors=None,
            combiner=_QueryCombiner(key, eval_config, example_weighted, score, top, positive),
        )
        for key in keys
    ]  # fmt: skip


class _QueryCombiner(RowCombiner):
    """Adds up the scores of queries, each of which TFMA hands over as one element: float64 `[2]`, sum and count."""

    def __init__(
        self, key: metric_types.MetricKey, eval_config: Any, example_weighted: bool, score: str, top: int, positive: int
    ) -> None:
        super().__init__(key, eval_config, example_weighted)
        self._score, self._top, self._positive = score, top, positive

    def create_accumulator(self) -> np.ndarray:
        return np.zeros(2)

    def added(self, accumulator: np.ndarray, right: np.ndarray, answered: np.ndarray) -> np.ndarray:
        probabilities = answered.reshape(len(right), -1)[:, self._positive]
        found = ranked_score(self._score, right == self._positive, probabilities, self._top)
        return accumulator if found is None else accumulator + np.array([found, 1.0])

    def extract_output(self, accumulator: np.ndarray) -> dict[metric_types.MetricKey, float]:
        total, queries = accumulator
        return {self.key: float(total / queries) if queries else float("nan")}
