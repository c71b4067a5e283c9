"""Judging answers by metrics that are functions of means over the rows, such as a mean squared error or a micro-F1."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from modules.quality import fairness, intervals
from modules.quality.intervals import LEVEL, RESAMPLES, Interval, interval
from modules.quality.scores import Floats, means_of
from modules.quality.scoring import Scoring
from modules.quality.settings import FairnessSettings

import numpy as np
from scipy import sparse

Parts: TypeAlias = np.ndarray | sparse.csr_array


class MeansScoring(Scoring):
    """A kind of target says what is counted of each row, and what follows from the means of that."""

    # The largest gap that there can be between two slices.
    largest_gap: ClassVar[float] = 1.0

    @abc.abstractmethod
    def parts(self, truth: np.ndarray, predicted: np.ndarray) -> Parts:
        """What is counted of each row, float64 `[rows, numbers]`; sparse where most of many numbers are 0.

        Args:
            truth: as of `scores`.
            predicted: as of `scores`.
        """

    @abc.abstractmethod
    def of_means(self, means: Floats) -> dict[str, Floats]:
        """What `titles` names, `[...]`.

        Args:
            means: of `parts`, or of resamples of them, `[..., numbers]`.
        """

    def scores(self, truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
        """See `Scoring`."""
        return {name: float(value) for name, value in self.of_means(means_of(self.parts(truth, predicted))).items()}

    def intervals(
        self,
        truth: np.ndarray,
        predicted: np.ndarray,
        *,
        resamples: int = RESAMPLES,
        level: float = LEVEL,
        seed: int = 0,
    ) -> dict[str, Interval]:
        """The bootstrap of the rows, of which only the means are drawn.

        Args:
            truth: as of `scores`.
            predicted: as of `scores`.
            resamples: draws.
            level: of confidence.
            seed: of the draws.
        """
        parts = self.parts(truth, predicted)
        drawn = self.of_means(intervals.resampled_means(parts, resamples=resamples, seed=seed))
        found = self.of_means(means_of(parts))
        return {name: interval(float(value), drawn[name], level=level) for name, value in found.items()}

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
        """Likewise, both models on the same resamples.

        Args:
            truth: as of `scores`.
            one: answers of the one.
            other: answers of the other to the same rows.
            resamples: draws.
            level: of confidence.
            seed: of the draws.
        """
        parts = [self.parts(truth, predicted) for predicted in (one, other)]
        drawn = intervals.resampled_means(_beside(parts), resamples=resamples, seed=seed)
        mine, theirs = (self.of_means(half) for half in np.split(drawn, 2, axis=1))
        first, second = (self.of_means(means_of(part)) for part in parts)
        return {
            name: interval(float(first[name]) - float(second[name]), mine[name] - theirs[name], level=level)
            for name in first
        }

    def gaps(
        self,
        truth: np.ndarray,
        predicted: np.ndarray,
        slices: Mapping[str, Sequence[str]],
        settings: FairnessSettings,
    ) -> dict[str, Any]:
        """See `Scoring`; all that it names must be among `titles`.

        Args:
            truth: as of `scores`.
            predicted: as of `scores`.
            slices: by slice column, the value of each row.
            settings: the section `evaluator.fairness`.
        """
        parts, measured = self.parts(truth, predicted), self.target.gaps
        columns = {}
        for column, values in slices.items():
            of_row, found = np.asarray(values), {}
            for number, value in enumerate(sorted(set(values))):
                rows = parts[np.flatnonzero(of_row == value)]
                one, samples = self.of_means(means_of(rows)), {}
                if rows.shape[0] >= settings.min_rows:
                    # A seed of its own for each slice: the same draws everywhere would move all slices together.
                    seed = settings.seed + number
                    drawn = self.of_means(intervals.resampled_means(rows, resamples=settings.resamples, seed=seed))
                    samples = {name: drawn[name] for name in measured}
                found[str(value)] = fairness.Slice(
                    rows.shape[0], {name: float(one[name]) for name in measured}, samples
                )
            columns[column] = fairness.of_column(
                found, settings, lower_is_better=self.target.lower_is_better, most=self.largest_gap
            )
        return {"rows": len(truth), "min_rows": settings.min_rows, "level": settings.level, "columns": columns}


def _beside(parts: Sequence[Parts]) -> Parts:
    return sparse.hstack(parts, format="csr") if sparse.issparse(parts[0]) else np.hstack(parts)
