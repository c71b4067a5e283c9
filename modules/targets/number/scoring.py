"""How numbers are judged: by the distance between answer and right one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.quality import fairness, intervals
from modules.quality.intervals import LEVEL, RESAMPLES, Interval, interval
from modules.quality.predictions import Predictions
from modules.quality.scoring import Scoring
from modules.quality.settings import FairnessSettings
from modules.targets.number.metrics import metrics_of, parts_of, scores
from modules.targets.number.target import HIGH, LOW, NUMBER, Number

import numpy as np

_POINTS = 2_000  # of the rows, in a plot
_BINS = 41  # of the residuals
_SEED = 17


class NumberScoring(Scoring):
    """Of a target of kind `number`."""

    titles: Mapping[str, str] = {"rmse": "RMSE", "mae": "MAE", "r2": "R²"}

    def answered(self, served: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """`predicted`, float64 `[rows]`, and the ends of its interval, `low` and `high`, where there is one."""
        ends = {name: np.asarray(served[name], np.float64) for name in (LOW, HIGH) if name in served}
        return {"predicted": np.asarray(served[NUMBER], np.float64), **ends}

    def scores(self, truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
        """Root of the mean squared error, mean absolute error, and R²."""
        return scores(truth, predicted)

    def intervals(
        self,
        truth: np.ndarray,
        predicted: np.ndarray,
        *,
        resamples: int = RESAMPLES,
        level: float = LEVEL,
        seed: int = 0,
    ) -> dict[str, Interval]:
        """The bootstrap of the rows.

        Args:
            truth: float `[rows]`.
            predicted: float `[rows]`.
            resamples: draws.
            level: of confidence.
            seed: of the draws.
        """
        samples = metrics_of(intervals.resampled_means(parts_of(truth, predicted), resamples=resamples, seed=seed))
        return {
            name: interval(value, samples[name], level=level) for name, value in self.scores(truth, predicted).items()
        }

    def differences(
        self,
        truth: np.ndarray,
        one: np.ndarray,
        other: np.ndarray,
        *,
        resamples: int = RESAMPLES,
        level: float = LEVEL,
        seed: int = 0,
    ) -> dict[str, Interval]:
        """The bootstrap of the rows, both models on the same resamples.

        Args:
            truth: float `[rows]`.
            one: float `[rows]`.
            other: float `[rows]`.
            resamples: draws.
            level: of confidence.
            seed: of the draws.
        """
        parts = [parts_of(truth, predicted) for predicted in (one, other)]
        drawn = intervals.resampled_means(np.hstack(parts), resamples=resamples, seed=seed)
        first, second = (metrics_of(half) for half in np.split(drawn, 2, axis=1))
        mine, theirs = (self.scores(truth, predicted) for predicted in (one, other))
        return {name: interval(mine[name] - theirs[name], first[name] - second[name], level=level) for name in mine}

    def gaps(
        self,
        truth: np.ndarray,
        predicted: np.ndarray,
        slices: Mapping[str, Sequence[str]],
        settings: FairnessSettings,
    ) -> dict[str, Any]:
        """Of both errors.

        Args:
            truth: float `[rows]`.
            predicted: float `[rows]`.
            slices: by slice column, the value of each row.
            settings: the section `evaluator.fairness`.
        """
        measured, parts = self.target.gaps, parts_of(truth, predicted)
        columns = {}
        for column, values in slices.items():
            of_row, found = np.asarray(values), {}
            for number, value in enumerate(sorted(set(values))):
                rows = parts[of_row == value]
                # A seed of its own for each slice: the same draws everywhere would move all slices together.
                drawn = intervals.resampled_means(rows, resamples=settings.resamples, seed=settings.seed + number)
                one, samples = metrics_of(rows.mean(axis=0)), metrics_of(drawn)
                found[str(value)] = fairness.Slice(
                    len(rows), {name: float(one[name]) for name in measured}, {name: samples[name] for name in measured}
                )
            columns[column] = fairness.of_column(
                found, settings, lower_is_better=self.target.lower_is_better, most=np.inf
            )
        return {"rows": len(truth), "min_rows": settings.min_rows, "level": settings.level, "columns": columns}

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
