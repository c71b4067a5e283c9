"""How one label is judged: by the one that is answered, against the confusion matrix; and by the probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.quality import fairness, intervals
from modules.quality.intervals import LEVEL, RESAMPLES, Interval
from modules.quality.predictions import Predictions
from modules.quality.scores import CALIBRATION_BINS, SHOWN, SHOWN_OF_RARE, Ints, confusion, of_confusion, score
from modules.quality.scoring import Scoring
from modules.quality.settings import FairnessSettings
from modules.targets.base import Target
from modules.targets.one_label import ranking
from modules.targets.one_label.target import DECISION, PROBABILITIES, OneLabel

import numpy as np
from scipy import stats

_TITLES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro-F1"}


class LabelScoring(Scoring):
    """Of any target that has names and answers with a probability of each."""

    def __init__(self, target: Target) -> None:
        """Args: `target`, the section of the task; with a positive label, balanced accuracy is shown, too."""
        super().__init__(target)
        rare = isinstance(target, OneLabel) and target.positive is not None
        self.titles = {name: _TITLES[name] for name in (SHOWN_OF_RARE if rare else SHOWN)}

    def answered(self, served: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """`predicted`, label ids int64 `[rows]`, and `probabilities`, float32 `[rows, labels]`."""
        probabilities = np.asarray(served[PROBABILITIES], np.float32)
        decided = np.asarray(served.get(DECISION, probabilities))  # as the server decides, not as it might
        return {"predicted": decided.argmax(axis=1).astype(np.int64), PROBABILITIES: probabilities}

    def scores(self, truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
        """What `titles` names; a label that is neither true nor predicted counts as F1 0, as TFMA does."""
        found = of_confusion(self._confusion(truth, predicted))
        return {name: float(found[name]) for name in self.titles}

    def scored(self, truth: np.ndarray, predicted: np.ndarray, slices: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """As the linear model is scored."""
        return score(truth, predicted, slices, len(self.target.names), list(self.titles))

    def intervals(
        self,
        truth: np.ndarray,
        predicted: np.ndarray,
        *,
        resamples: int = RESAMPLES,
        level: float = LEVEL,
        seed: int = 0,
    ) -> dict[str, Interval]:
        """The bootstrap of the cells of the confusion matrix, which costs the same for any number of rows.

        Args:
            truth: label ids, int `[rows]`.
            predicted: label ids, int `[rows]`.
            resamples: draws.
            level: of confidence.
            seed: of the draws.
        """
        classes = len(self.target.names)
        return intervals.metric_intervals(truth, predicted, classes, resamples=resamples, level=level, seed=seed)

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
        """The bootstrap of the combinations of a true label and two answers.

        Args:
            truth: label ids, int `[rows]`.
            one: label ids, int `[rows]`.
            other: label ids, int `[rows]`.
            resamples: draws.
            level: of confidence.
            seed: of the draws.
        """
        classes = len(self.target.names)
        return intervals.paired_intervals(truth, one, other, classes, resamples=resamples, level=level, seed=seed)

    def told(self, found: Predictions, row: int) -> dict[str, Any]:
        """`label`, its `score`, and `scores` by label.

        Args:
            found: a model's answers to a split.
            row: which of them.
        """
        scores = found.more[PROBABILITIES][row].tolist()
        label = int(found.predicted[row])
        names = self.target.names
        return {"label": names[label], "score": scores[label], "scores": dict(zip(names, scores, strict=True))}

    def gaps(
        self,
        truth: np.ndarray,
        predicted: np.ndarray,
        slices: Mapping[str, Sequence[str]],
        settings: FairnessSettings,
    ) -> dict[str, Any]:
        """Of the macro averages and of each label's recall.

        Args:
            truth: label ids, int `[rows]`.
            predicted: label ids, int `[rows]`.
            slices: by slice column, the value of each row.
            settings: the section `evaluator.fairness`.
        """
        return fairness.measure(truth, predicted, slices, self.target.names, settings)

    def details(self, found: Predictions) -> dict[str, Any]:
        """`confusion`, true by predicted id, `calibration`, and `ranking`, as `modules.targets.one_label.ranking`."""
        return {
            "confusion": self._confusion(found.label, found.predicted).tolist(),
            "calibration": calibration(found),
            **self._ranking(found),
        }

    def card_details(self, found: Predictions) -> dict[str, Any]:
        """`by_label`: `rows`, `precision` and `recall` of each; and `ranking` without its curves."""
        table = self._confusion(found.label, found.predicted)
        by_class = of_confusion(table)
        return {
            "by_label": {
                label: {
                    "rows": int(table[index].sum()),
                    "precision": float(by_class["precision"][index]),
                    "recall": float(by_class["recall"][index]),
                }
                for index, label in enumerate(self.target.names)
            },
            **{
                name: {key: value for key, value in ranked.items() if key != "curves"}
                for name, ranked in self._ranking(found).items()
            },
        }

    def _ranking(self, found: Predictions) -> dict[str, Any]:
        if not isinstance(self.target, OneLabel):  # another kind with names: it has no label that is looked for
            return {}
        return {"ranking": ranking.details(self.target, found.label, found.more[PROBABILITIES])}

    def _confusion(self, truth: np.ndarray, predicted: np.ndarray) -> Ints:
        return confusion(truth, predicted, len(self.target.names))


def calibration(found: Predictions, *, bins: int = CALIBRATION_BINS) -> dict[str, Any]:
    """The reliability diagram and the expected calibration error of the most probable label's probability.

    Args:
        found: answers to one split.
        bins: equal ones, between 0 and 1.

    Returns:
        `error`, and `bins`, those with rows: `rows`, mean `confidence`, `accuracy`, and the ends of its 95 % interval
        (Wilson), `low` and `high`.
    """
    confidence = found.more[PROBABILITIES].max(axis=1)
    hits = (found.more[PROBABILITIES].argmax(axis=1) == found.label).astype(np.float64)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = np.bincount(place, minlength=bins)
    sums = np.bincount(place, weights=confidence, minlength=bins)
    right = np.bincount(place, weights=hits, minlength=bins)
    filled = []
    for index in np.flatnonzero(rows):
        spread = stats.binomtest(int(right[index]), int(rows[index])).proportion_ci(method="wilson")
        filled.append(
            {
                "rows": int(rows[index]),
                "confidence": float(sums[index] / rows[index]),
                "accuracy": float(right[index] / rows[index]),
                "low": float(spread.low),
                "high": float(spread.high),
            }
        )
    return {"error": float(np.abs(right - sums).sum() / rows.sum()), "bins": filled}
