"""How several labels a row are judged: label by label, and as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.quality import fairness, intervals
from modules.quality.intervals import LEVEL, RESAMPLES, Interval, interval
from modules.quality.predictions import Predictions
from modules.quality.scores import Floats
from modules.quality.scoring import Scoring
from modules.quality.settings import FairnessSettings
from modules.targets.many_labels.metrics import means_of, metrics_of, parts_of, scores
from modules.targets.many_labels.target import DECISION, PROBABILITIES

import numpy as np


class ManyLabelsScoring(Scoring):
    """Of a target of kind `many_labels`."""

    titles: Mapping[str, str] = {
        "macro_f1": "macro-F1", "micro_f1": "micro-F1", "subset_accuracy": "rows right in every label",
    }  # fmt: skip

    def answered(self, served: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """`predicted`, int8 `[rows, labels]`, 1 for what is answered, and `probabilities`, float32 likewise."""
        predicted = (np.asarray(served[DECISION]) > 0).astype(np.int8)
        return {"predicted": predicted, PROBABILITIES: np.asarray(served[PROBABILITIES], np.float32)}

    def scores(self, truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
        """Macro-F1, micro-F1, and the share of rows that are right in every label."""
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
            truth: `[rows, labels]`.
            predicted: `[rows, labels]`.
            resamples: draws.
            level: of confidence.
            seed: of the draws.
        """
        parts = parts_of(truth, predicted)
        samples = self._metrics(intervals.resampled_means(parts, resamples=resamples, seed=seed))
        return {
            name: interval(float(value), samples[name], level=level)
            for name, value in self._metrics(means_of(parts)).items()
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
            truth: `[rows, labels]`.
            one: `[rows, labels]`.
            other: `[rows, labels]`.
            resamples: draws.
            level: of confidence.
            seed: of the draws.
        """
        sides = [parts_of(truth, predicted) for predicted in (one, other)]
        # The same seed draws the same rows.
        mine, theirs = (
            self._metrics(intervals.resampled_means(part, resamples=resamples, seed=seed)) for part in sides
        )
        first, second = (self._metrics(means_of(part)) for part in sides)
        return {
            name: interval(float(first[name] - second[name]), mine[name] - theirs[name], level=level)
            for name in self.titles
        }

    def gaps(
        self,
        truth: np.ndarray,
        predicted: np.ndarray,
        slices: Mapping[str, Sequence[str]],
        settings: FairnessSettings,
    ) -> dict[str, Any]:
        """Of the averages.

        Args:
            truth: `[rows, labels]`.
            predicted: `[rows, labels]`.
            slices: by slice column, the value of each row.
            settings: the section `evaluator.fairness`.
        """
        parts = parts_of(truth, predicted)
        columns = {}
        for column, values in slices.items():
            of_row, found = np.asarray(values), {}
            for number, value in enumerate(sorted(set(values))):
                rows = parts[np.flatnonzero(of_row == value)]
                # A seed of its own for each slice: the same draws everywhere would move all slices together.
                drawn = intervals.resampled_means(rows, resamples=settings.resamples, seed=settings.seed + number)
                one = {name: float(value) for name, value in self._metrics(means_of(rows)).items()}
                found[str(value)] = fairness.Slice(rows.shape[0], one, self._metrics(drawn))
            columns[column] = fairness.of_column(found, settings)
        return {"rows": len(truth), "min_rows": settings.min_rows, "level": settings.level, "columns": columns}

    def details(self, found: Predictions) -> dict[str, Any]:
        """`by_label`: rows and scores of each label; `several`: rows by number of right and of answered labels."""
        counts = {
            name: np.bincount((labels > 0).sum(axis=1)).tolist()
            for name, labels in (("right", found.label), ("answered", found.predicted))
        }
        return {"by_label": self._by_label(found), "several": counts}

    def card_details(self, found: Predictions) -> dict[str, Any]:
        """`by_label`: `rows`, `precision` and `recall` of each, and F1."""
        return {"by_label": self._by_label(found)}

    def _by_label(self, found: Predictions) -> dict[str, dict[str, float]]:
        scores = metrics_of(means_of(parts_of(found.label, found.predicted)))
        rows = (found.label > 0).sum(axis=0)
        return {
            label: {
                "rows": int(rows[index]),
                **{name: float(scores[name][index]) for name in ("precision", "recall", "f1")},
            }
            for index, label in enumerate(self.target.names)
        }

    def _metrics(self, found: np.ndarray) -> dict[str, Floats]:
        scores = metrics_of(found)
        return {name: scores[name] for name in self.titles}
