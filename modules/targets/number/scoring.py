"""How numbers are judged: by the distance between answer and right one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from modules.quality.means import MeansScoring
from modules.quality.predictions import Predictions
from modules.quality.scores import Floats
from modules.targets.number.metrics import metrics_of, parts_of
from modules.targets.number.target import HIGH, LOW, NUMBER, Number

import numpy as np

_POINTS = 2_000  # of the rows, in a plot
_BINS = 41  # of the residuals
_SEED = 17


class NumberScoring(MeansScoring):
    """Of a target of kind `number`."""

    largest_gap: ClassVar[float] = np.inf
    titles: Mapping[str, str] = {"rmse": "RMSE", "mae": "MAE", "r2": "R²"}

    def answered(self, served: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """`predicted`, float64 `[rows]`, and the ends of its interval, `low` and `high`, where there is one."""
        ends = {name: np.asarray(served[name], np.float64) for name in (LOW, HIGH) if name in served}
        return {"predicted": np.asarray(served[NUMBER], np.float64), **ends}

    def parts(self, truth: np.ndarray, predicted: np.ndarray) -> Floats:
        """Errors and right answers, see `modules.targets.number.metrics.parts_of`.

        Args:
            truth: float `[rows]`.
            predicted: float `[rows]`.
        """
        return parts_of(truth, predicted)

    def of_means(self, means: Floats) -> dict[str, Floats]:
        """Root of the mean squared error, mean absolute error, and R².

        Args:
            means: of `parts`, `[..., 4]`.
        """
        return metrics_of(means)

    def told(self, found: Predictions, row: int) -> dict[str, Any]:
        """`number`, and the ends of its interval, `low` and `high`, where there is one.

        Args:
            found: a model's answers to a split.
            row: which of them.
        """
        ends = {name: float(found.more[name][row]) for name in (LOW, HIGH) if name in found.more}
        return {NUMBER: float(found.predicted[row]), **ends}

    def details(self, found: Predictions) -> dict[str, Any]:
        """`points`, some rows' right and answered numbers; `residuals`, counts by distance; and the `interval`."""
        residuals = found.predicted - found.label
        order = np.random.default_rng(_SEED).permutation(len(found))[:_POINTS]
        counts, edges = np.histogram(residuals, bins=_BINS)
        return {
            "points": {"true": found.label[order].tolist(), "predicted": found.predicted[order].tolist()},
            "residuals": {"counts": counts.tolist(), "edges": edges.tolist(), "mean": float(residuals.mean())},
            "interval": self._interval(found),
        }

    def card_details(self, found: Predictions) -> dict[str, Any]:
        """`interval`: the share of rows that it was made for and the one that it holds, and its mean width."""
        measured = self._interval(found)
        return {"interval": measured} if measured else {}

    def _interval(self, found: Predictions) -> dict[str, Any] | None:
        if LOW not in found.more or not isinstance(self.target, Number):
            return None
        low, high = found.more[LOW], found.more[HIGH]
        return {
            "coverage": self.target.coverage,
            "measured": float(np.mean((low <= found.label) & (found.label <= high))),
            "width": float(np.mean(high - low)),
        }
