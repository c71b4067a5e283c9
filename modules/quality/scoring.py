"""How answers are kept and judged: what a target brings for the nodes behind the training, as `scoring` of its parts.

A kind of target derives a class of its own from `Scoring`; whoever evaluates, reports or writes a card asks that.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modules.quality.intervals import LEVEL, RESAMPLES, Interval, interval
from modules.quality.settings import FairnessSettings
from modules.targets.base import Target

import numpy as np

if TYPE_CHECKING:
    from modules.quality.predictions import Predictions


class Scoring(abc.ABC):
    """How answers to the rows of a split are judged against the right ones."""

    # What `scores` gives, in the order in which it is shown, with what a person calls it.
    titles: Mapping[str, str]

    def __init__(self, target: Target) -> None:
        """Args: `target`, the section of the task."""
        self.target = target

    @abc.abstractmethod
    def answered(self, served: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The columns of `predictions.parquet` that come from what a server answers.

        Args:
            served: by name, what the target's `answers` gave, `[rows, …]` each.

        Returns:
            `predicted`, int64 or float64 `[rows]`, comparable with the target's `truth`; and others, `[rows]` or
            `[rows, width]`, under names that are none of `split`, `text_hash`, `text` and `label`.
        """

    @abc.abstractmethod
    def scores(self, truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
        """The metrics that `titles` names.

        Args:
            truth: what the target's `truth` gave, `[rows]`; at least one row.
            predicted: as of `answered`.
        """

    def intervals(
        self,
        truth: np.ndarray,
        predicted: np.ndarray,
        *,
        resamples: int = RESAMPLES,
        level: float = LEVEL,
        seed: int = 0,
    ) -> dict[str, Interval]:
        """The same with intervals: the bootstrap of the rows, where a kind knows no faster way.

        Args:
            truth: as of `scores`.
            predicted: as of `scores`.
            resamples: draws.
            level: of confidence.
            seed: of the draws.
        """

        def of_rows(rows: Any) -> dict[str, float]:
            return self.scores(truth[rows], predicted[rows])

        return _bootstrapped(of_rows, len(truth), resamples=resamples, level=level, seed=seed)

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
        """The metrics of one model minus those of another, with paired intervals: both see the same resample.

        Args:
            truth: as of `scores`.
            one: answers of the one, as `predicted` of `scores`.
            other: answers of the other to the same rows.
            resamples: draws.
            level: of confidence.
            seed: of the draws.
        """

        def of_rows(rows: Any) -> dict[str, float]:
            first, second = (self.scores(truth[rows], predicted[rows]) for predicted in (one, other))
            return {name: first[name] - second[name] for name in first}

        return _bootstrapped(of_rows, len(truth), resamples=resamples, level=level, seed=seed)

    def scored(self, truth: np.ndarray, predicted: np.ndarray, slices: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The metrics of all rows and of each slice.

        Args:
            truth: as of `scores`.
            predicted: as of `scores`.
            slices: by slice column, the value of each row.

        Returns:
            `rows`, the metrics, and `slices`: the same by `column:value`.

        Raises:
            ValueError: there are no rows.
        """
        return scored(self.scores, truth, predicted, slices)

    def told(self, found: Predictions, row: int) -> dict[str, Any] | None:
        """What a server tells of its answer to a row, as JSON; None where a kind does not say.

        Args:
            found: a model's answers to a split.
            row: which of them.
        """
        return None

    def gaps(
        self,
        truth: np.ndarray,
        predicted: np.ndarray,
        slices: Mapping[str, Sequence[str]],
        settings: FairnessSettings,
    ) -> dict[str, Any]:
        """How far apart the slices of a column lie in what the target's `gaps` names.

        Args:
            truth: as of `scores`.
            predicted: as of `scores`.
            slices: by slice column, the value of each row.
            settings: the section `evaluator.fairness`.

        Returns:
            As `modules.quality.fairness.measure`; without columns where the target has no gaps.
        """
        return {"rows": len(truth), "min_rows": settings.min_rows, "level": settings.level, "columns": {}}

    def details(self, found: Predictions) -> dict[str, Any]:
        """What else a report shows of the answers to a split, as JSON values; `plots` of the target's parts draws it.

        Args:
            found: the answers.
        """
        return {}

    def card_details(self, found: Predictions) -> dict[str, Any]:
        """What else a model card says of the answers to a split, as JSON values.

        Args:
            found: the answers.
        """
        return {}


def of(target: Target) -> Scoring:
    """How answers to a target are judged.

    Args:
        target: of the task.

    Raises:
        ValueError: the kind does not say.
    """
    made = target.part("scoring")
    if made is None:
        raise ValueError(f"a target of kind {target.kind} does not say how it is judged: `scoring` of its parts")
    return made(target)


def scored(
    scores: Callable[[np.ndarray, np.ndarray], dict[str, float]],
    truth: np.ndarray,
    predicted: np.ndarray,
    slices: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Metrics of all rows and of each slice.

    Args:
        scores: as `Scoring.scores`.
        truth: right answers, `[rows]`.
        predicted: answers, `[rows]`.
        slices: by slice column, the value of each row.

    Returns:
        `rows`, the metrics, and `slices`: the same by `column:value`.

    Raises:
        ValueError: there are no rows.
    """
    if not len(truth):
        raise ValueError("there are no rows to score; check the split sizes")
    parts = {
        name: {"rows": int(rows.sum()), **scores(truth[rows], predicted[rows])}
        for name, rows in by_slice(slices).items()
    }
    return {"rows": len(truth), **scores(truth, predicted), "slices": parts}


def _bootstrapped(
    of_rows: Callable[[Any], dict[str, float]], count: int, *, resamples: int, level: float, seed: int
) -> dict[str, Interval]:
    """Values of all rows with their intervals, from resamples of the rows."""
    drawn = np.random.default_rng(seed).integers(0, count, (resamples, count))
    samples = [of_rows(rows) for rows in drawn]
    return {
        name: interval(value, np.array([sample[name] for sample in samples]), level=level)
        for name, value in of_rows(slice(None)).items()
    }


def by_slice(slices: Mapping[str, Sequence[str]]) -> dict[str, np.ndarray]:
    """Which rows are in which slice: by `column:value`, sorted within a column, bool `[rows]`.

    Args:
        slices: by slice column, the value of each row.
    """
    found: dict[str, np.ndarray] = {}
    for column, values in slices.items():
        of_row = np.asarray(values)
        found |= {f"{column}:{value}": of_row == value for value in sorted(set(values))}
    return found
