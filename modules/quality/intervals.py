"""Bootstrap confidence intervals of accuracy and macro-F1, alone and of the difference of two models.

Both metrics are functions of the confusion matrix. Rows drawn with replacement give a matrix whose cells follow the
multinomial distribution with the observed shares, so the cells are drawn instead of the rows: the same bootstrap, and
a thousand draws cost the same for a hundred rows as for a million. The interval is the percentile one.

Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapters 6 and 13.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from modules.quality.scores import Floats, Ints, confusion, of_confusion

import numpy as np

RESAMPLES = 2000
LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Interval:
    """A metric with its confidence interval.

    Attributes:
        value: on all rows.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """As JSON values."""
        return dataclasses.asdict(self)


def resample(table: Ints, *, resamples: int = RESAMPLES, seed: int = 0, prior: Floats | None = None) -> Ints:
    """Draws tables of counts as the bootstrap of the rows behind a table would.

    Args:
        table: counts of rows, of any shape.
        resamples: how many.
        seed: of the draws; the same seed gives the same tables.
        prior: rows, or parts of rows, to add to the counts before their shares are taken. Without any, a cell that is
            empty by chance stays empty in every draw, and a slice without an error seems to be known exactly.

    Returns:
        int64 `[resamples, *table.shape]`, each with the table's total.
    """
    total = int(table.sum())
    weights = (table if prior is None else table + prior).ravel()
    drawn = np.random.default_rng(seed).multinomial(total, weights / weights.sum(), size=resamples)
    return drawn.reshape(resamples, *table.shape)


def interval(value: float, samples: np.ndarray, *, level: float = LEVEL) -> Interval:
    """The percentile interval of a metric.

    Args:
        value: on all rows.
        samples: the metric on each resample, float `[resamples]`.
        level: share of the samples inside.
    """
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(value), float(low), float(high))


def metric_intervals(
    labels: np.ndarray,
    predicted: np.ndarray,
    num_classes: int,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Interval]:
    """Accuracy and macro-F1 with their intervals.

    Args:
        labels: true label ids, int `[rows]`.
        predicted: predicted label ids, int `[rows]`.
        num_classes: labels.
        resamples: draws.
        level: of confidence.
        seed: of the draws.

    Returns:
        `accuracy` and `macro_f1`.

    Raises:
        ValueError: there are no rows.
    """
    table = confusion(labels, predicted, num_classes)
    return _intervals(of_confusion(table), of_confusion(resample(table, resamples=resamples, seed=seed)), level)


def paired_intervals(
    labels: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    num_classes: int,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Interval]:
    """How much better one model is than another on the same rows, with intervals.

    Both models see the same resample each time, so what they have in common cancels out.

    Args:
        labels: true label ids, int `[rows]`.
        one: label ids that one model predicts, int `[rows]`.
        other: label ids that the other predicts for the same rows in the same order.
        num_classes: labels.
        resamples: draws.
        level: of confidence.
        seed: of the draws.

    Returns:
        `accuracy` and `macro_f1`: one minus other. An interval without 0 is a significant difference at that level.

    Raises:
        ValueError: there are no rows, or not as many of one as of the other.
    """
    pairs = np.asarray(one, np.int64) * num_classes + np.asarray(other, np.int64)
    if not len(labels) == len(one) == len(other):
        raise ValueError(f"{len(labels)} labels, {len(one)} and {len(other)} predictions: equally many needed")
    cells = np.asarray(labels, np.int64) * num_classes**2 + pairs
    # [true, one, other]
    joint = np.bincount(cells, minlength=num_classes**3).reshape(num_classes, num_classes, num_classes)
    if not joint.sum():
        raise ValueError("there are no rows to compare on")
    drawn = resample(joint, resamples=resamples, seed=seed)
    return _intervals(_difference(joint), _difference(drawn), level)


def _difference(joint: Ints) -> dict[str, Floats]:
    one, other = of_confusion(joint.sum(axis=-1)), of_confusion(joint.sum(axis=-2))
    return {name: one[name] - other[name] for name in ("accuracy", "macro_f1")}


def _intervals(values: Mapping[str, Floats], samples: Mapping[str, Floats], level: float) -> dict[str, Interval]:
    return {name: interval(float(values[name]), samples[name], level=level) for name in ("accuracy", "macro_f1")}
