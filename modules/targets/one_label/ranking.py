"""How well the probabilities rank: precision against recall over all thresholds, for labels that are rare.

Where one label of two is rare, accuracy says next to nothing and the area under the ROC curve little: a hundred false
alarms among ten thousand rows hardly move it. The area here is TFMA's and Keras': between two thresholds the counts are
interpolated, not the precision (Davis and Goadrich 2006, "The Relationship Between Precision-Recall and ROC Curves").
The intervals are those of the bootstrap, by weights of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.quality.intervals import LEVEL, RESAMPLES, interval
from modules.quality.scoring import by_slice
from modules.targets.one_label.target import OneLabel

import numpy as np
from numpy.typing import NDArray

RANKED = ("pr_auc", "recall_at_precision")
_DRAWN = 8  # labels at most that have a curve
_POINTS = 200  # of a curve that is drawn
_WEIGHTS = 4_000_000  # of rows in resamples at once: 32 MB
_ALL_WEIGHTS = 100_000_000  # of a split; with more rows there are fewer resamples
_FEWEST = 200  # resamples

Floats = NDArray[np.float64]


class Ranking:
    """The rows of a split, by one label's probability."""

    def __init__(self, positive: np.ndarray, scores: np.ndarray) -> None:
        """Sorts the rows.

        Args:
            positive: whether a row has the label, bool `[rows]`.
            scores: the label's probability, float `[rows]`.
        """
        self._order = np.argsort(-scores, kind="stable")
        ranked = scores[self._order]
        self._last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # of each run of equal scores
        self._positive = positive[self._order].astype(np.float64)
        self.thresholds = ranked[self._last]

    def curve(self) -> tuple[Floats, Floats]:
        """Recall and precision with each of `thresholds`, float64 `[thresholds]`."""
        right, answered = self._counts(np.ones((1, len(self._order))))
        return _ratio(right, right[:, -1:])[0], _ratio(right, answered)[0]

    def values(self, min_precision: float) -> dict[str, float]:
        """The metrics that `RANKED` names; NaN without a row that has the label.

        Args:
            min_precision: of `recall_at_precision`.
        """
        return {name: float(found[0]) for name, found in self._measured(np.ones((1, len(self._order))), min_precision)}

    def samples(self, min_precision: float, seed: int, *, of: int | None = None) -> dict[str, Floats]:
        """The same of resampled rows, float64 `[resamples]`.

        Args:
            min_precision: of `recall_at_precision`.
            seed: of the draws.
            of: rows that are drawn each time; as many as there are by default.
        """
        rows, rng = len(self._order), np.random.default_rng(seed)
        resamples = int(np.clip(_ALL_WEIGHTS // rows, _FEWEST, RESAMPLES))
        some = max(1, _WEIGHTS // rows)
        parts = []
        for start in range(0, resamples, some):
            drawn = rng.multinomial(of or rows, np.full(rows, 1 / rows), size=min(some, resamples - start))
            parts.append(dict(self._measured(drawn.astype(np.float64), min_precision)))
        return {name: np.concatenate([part[name] for part in parts]) for name in RANKED}

    def _counts(self, weights: Floats) -> tuple[Floats, Floats]:
        """Rows with the label, and all, that each threshold takes in, `[samples, thresholds]`."""
        return (np.cumsum(part, axis=1)[:, self._last] for part in (weights * self._positive, weights))  # type: ignore[return-value]

    def _measured(self, weights: Floats, min_precision: float) -> list[tuple[str, Floats]]:
        right, answered = self._counts(weights)
        total = right[:, -1]
        with np.errstate(divide="ignore", invalid="ignore"):  # without a row of the label: NaN
            area = _area(right, answered) / total
            recall = np.where(_ratio(right, answered) >= min_precision, right, 0).max(axis=1) / total
        return [("pr_auc", area), ("recall_at_precision", recall)]


def _area(right: Floats, answered: Floats) -> Floats:
    """Area under the curve times the rows with the label, `[samples]`; as Keras' `AUC.interpolate_pr_auc`."""
    right, answered = (np.pad(part, ((0, 0), (1, 0))) for part in (right, answered))
    more_right, more = np.diff(right, axis=1), np.diff(answered, axis=1)
    slope = _ratio(more_right, more)
    intercept = right[:, :-1] - slope * answered[:, :-1]
    both = (answered[:, :-1] > 0) & (answered[:, 1:] > 0)
    ratio = np.where(both, _ratio(answered[:, 1:], answered[:, :-1]), 1.0)
    area: Floats = (slope * (more_right + intercept * np.log(ratio))).sum(axis=1)
    return area


def _ratio(above: Floats, below: Floats) -> Floats:
    above, below = np.broadcast_arrays(above, below)
    return np.divide(above, below, out=np.zeros(above.shape), where=below > 0)


def of_labels(target: OneLabel) -> list[int]:
    """Ids of the labels that are ranked by: the positive one where there is one, else all.

    Args:
        target: of the task.
    """
    return list(range(len(target.labels))) if target.positive_id is None else [target.positive_id]


def scores(target: OneLabel, truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """The metrics that `RANKED` names: of the positive label, or the mean over those that have rows.

    Args:
        target: of the task.
        truth: label ids, int `[rows]`.
        probabilities: float `[rows, labels]`.
    """
    found = [
        Ranking(truth == label, probabilities[:, label]).values(target.min_precision)
        for label in of_labels(target)
        if (truth == label).any()
    ]
    return {name: float(np.mean([values[name] for values in found])) for name in RANKED} if found else {}


def scored(
    target: OneLabel, truth: np.ndarray, probabilities: np.ndarray, slices: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The same of all rows, and under `slices` of each slice.

    Args:
        target: of the task.
        truth: label ids, int `[rows]`.
        probabilities: float `[rows, labels]`.
        slices: by slice column, the value of each row.
    """
    parts = {name: scores(target, truth[rows], probabilities[rows]) for name, rows in by_slice(slices).items()}
    return {**scores(target, truth, probabilities), "slices": parts}


def details(target: OneLabel, truth: np.ndarray, probabilities: np.ndarray, *, seed: int = 0) -> dict[str, Any]:
    """What a report and a card show, as JSON values.

    Args:
        target: of the task.
        truth: label ids, int `[rows]`.
        probabilities: float `[rows, labels]`.
        seed: of the resamples.

    Returns:
        `label`, the positive one or None; `min_precision`; the metrics that `RANKED` names, of a positive label with
        their interval; and `curves` of few labels, by label (`recall`, `precision`, `share`: how many rows have it).
    """
    found: dict[str, Any] = {"label": target.positive, "min_precision": target.min_precision}
    values = scores(target, truth, probabilities)
    curves = {}
    few = of_labels(target)
    for label in few if len(few) <= _DRAWN else []:
        if not (truth == label).any():
            continue
        ranking = Ranking(truth == label, probabilities[:, label])
        recall, precision = ranking.curve()
        shown = np.unique(np.linspace(0, len(recall) - 1, _POINTS).astype(int))
        curves[target.labels[label]] = {
            "recall": recall[shown].round(5).tolist(),
            "precision": precision[shown].round(5).tolist(),
            "share": float((truth == label).mean()),
        }
        if target.positive is not None:
            samples = ranking.samples(target.min_precision, seed)
            kept = {name: drawn[np.isfinite(drawn)] for name, drawn in samples.items()}
            found |= {name: interval(values[name], kept[name], level=LEVEL).to_dict() for name in RANKED}
    means = {name: {"value": value} for name, value in values.items()}
    return {**means, **found, "curves": curves}
