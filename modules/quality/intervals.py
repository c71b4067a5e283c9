"""Bootstrap confidence intervals of accuracy, plain and balanced, and of macro-F1, alone and of two models' difference.

All are functions of the confusion matrix. Rows drawn with replacement give a matrix whose cells follow the
multinomial distribution with the observed shares, so the cells are drawn instead of the rows: the same bootstrap, and
a thousand draws cost the same for a hundred rows as for a million. The interval is the percentile one.

Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapters 6 and 13.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from modules.quality.scores import Floats, Ints, confusion, of_confusion, of_counts

import numpy as np
from scipy import sparse

RESAMPLES = 2000
LEVEL = 0.95
_MEASURED = ("accuracy", "balanced_accuracy", "macro_f1")
# Rows times resamples times numbers of a row, above which their means are drawn from the normal distribution.
_WORK = 2_000_000_000
_FEW = 64  # numbers of a row, for their joint distribution is a table of their squares
_ROWS_AT_ONCE = 4_000_000  # rows times resamples in memory: 32 MB
_VALUES_AT_ONCE = 4_000_000  # of resampled counts: 32 MB


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


def resampled_metrics(table: Ints, *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Floats]:
    """`of_confusion` of each of the tables that `resample` draws without a prior, but without holding them all.

    Args:
        table: a confusion matrix, `[classes, classes]`, true by predicted id.
        resamples: how many.
        seed: of the draws.

    Returns:
        As `modules.quality.scores.of_confusion`, with a leading axis `[resamples]`.
    """
    true, predicted = np.nonzero(table)
    found = _Cells(table[true, predicted], true, len(table)).metrics(resamples, seed, predicted)
    return {name: values[0] for name, values in found.items()}


def resampled_means(values: np.ndarray | sparse.csr_array, *, resamples: int, seed: int) -> Floats:
    """Means over resamples of the rows, for metrics that are functions of such means, as a mean squared error is.

    They are drawn row by row as long as that is quick; of more rows the means are normally distributed to far below the
    width of an interval, and are drawn from that distribution, which costs the same for any number of them.

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
    some = max(1, _ROWS_AT_ONCE // rows)
    for start in range(0, resamples, some):
        count = min(some, resamples - start)
        drawn = rng.integers(0, rows, (count, rows)) + np.arange(count)[:, np.newaxis] * rows
        counts = np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows)
        found[start : start + count] = counts @ values / rows
    return found


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
    """Accuracy, balanced accuracy and macro-F1 with their intervals.

    Args:
        labels: true label ids, int `[rows]`.
        predicted: predicted label ids, int `[rows]`.
        num_classes: labels.
        resamples: draws.
        level: of confidence.
        seed: of the draws.

    Returns:
        `accuracy`, `balanced_accuracy` and `macro_f1`.

    Raises:
        ValueError: there are no rows.
    """
    table = confusion(labels, predicted, num_classes)
    return _intervals(of_confusion(table), resampled_metrics(table, resamples=resamples, seed=seed), level)


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
        `accuracy`, `balanced_accuracy` and `macro_f1`: one minus other. An interval without 0 is a significant
        difference at that level.

    Raises:
        ValueError: there are no rows, or not as many of one as of the other.
    """
    if not len(labels) == len(one) == len(other):
        raise ValueError(f"{len(labels)} labels, {len(one)} and {len(other)} predictions: equally many needed")
    if not len(labels):
        raise ValueError("there are no rows to compare on")
    # Only the combinations of true, one and other that occur: a table of all would have classes ** 3 cells.
    rows = np.stack([np.asarray(values, np.int64) for values in (labels, one, other)])
    (true, *answers), counts = np.unique(rows, axis=1, return_counts=True)
    cells = _Cells(counts, true, num_classes)
    return _intervals(
        _difference(cells.of(counts[np.newaxis], *answers)),
        _difference(cells.metrics(resamples, seed, *answers)),
        level,
    )


class _Cells:
    """Combinations of a true label and some models' answers, each with the number of its rows.

    Args:
        counts: rows of each combination, int64 `[cells]`.
        true: its true label id.
        classes: labels.
    """

    def __init__(self, counts: Ints, true: Ints, classes: int) -> None:
        self.counts, self.true, self.classes = counts, true, classes

    def metrics(self, resamples: int, seed: int, *answers: Ints) -> dict[str, Floats]:
        """Metrics of resampled counts, float64 `[answers, resamples, ...]`; `answers` are label ids `[cells]` each."""
        found = [self.of(drawn, *answers) for drawn in _draws(self.counts, resamples, seed)]
        return {name: np.concatenate([part[name] for part in found], axis=1) for name in found[0]}

    def of(self, drawn: Ints, *answers: Ints) -> dict[str, Floats]:
        """The same of given counts, `[samples, cells]`."""
        actual = self._by_class(drawn, self.true)
        found = [
            of_counts(self._by_class(drawn * (ids == self.true), self.true), actual, self._by_class(drawn, ids))
            for ids in answers
        ]
        return {name: np.stack([one[name] for one in found]) for name in found[0]}

    def _by_class(self, drawn: Ints, ids: Ints) -> Ints:
        """Sums of the counts by class, `[samples, classes]`."""
        places = (np.arange(len(ids)), ids)
        indicator = sparse.csr_array((np.ones(len(ids), np.int64), places), shape=(len(ids), self.classes))
        return drawn @ indicator


def _draws(counts: Ints, resamples: int, seed: int) -> Iterator[Ints]:
    """Resampled counts, int64 `[some, cells]` at a time: the same numbers as all at once."""
    rng, total = np.random.default_rng(seed), int(counts.sum())
    some = max(1, _VALUES_AT_ONCE // max(1, len(counts)))
    for start in range(0, resamples, some):
        yield rng.multinomial(total, counts / total, size=min(some, resamples - start))


def _difference(found: Mapping[str, Floats]) -> dict[str, Floats]:
    return {name: found[name][0] - found[name][1] for name in _MEASURED}


def _intervals(values: Mapping[str, Floats], samples: Mapping[str, Floats], level: float) -> dict[str, Interval]:
    return {name: interval(np.asarray(values[name]).item(), samples[name], level=level) for name in _MEASURED}
