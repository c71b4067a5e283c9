"""The accuracy before any label arrives: what calibrated scores promise (confidence-based performance estimation).

Scores say how sure a model is, not how often it is right. A logistic curve of the score's log-odds, fitted on `eval`
where both are known, makes the one of the other (Platt 1999, "Probabilistic outputs for support vector machines"), and
the mean over a window's rows is its expected accuracy. That holds while the meaning of a score does: it sees that texts
became harder, and not that the right answer to the same text became another one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

_EDGE = 1e-6


@dataclasses.dataclass(frozen=True)
class Estimate:
    """An expected accuracy.

    Attributes:
        value: between 0 and 1.
        error: one standard error: of the rows' chance to be right, and of the curve.
        rows: that it is of.
    """

    value: float
    error: float
    rows: int

    def interval(self, deviations: float = 1.96) -> tuple[float, float]:
        """Its ends.

        Args:
            deviations: standard errors on each side; 1.96 for 95 %.
        """
        return max(0.0, self.value - deviations * self.error), min(1.0, self.value + deviations * self.error)


@dataclasses.dataclass(frozen=True)
class Calibration:
    """How often an answer of some score is right.

    Attributes:
        slope: of the log-odds.
        intercept: likewise.
        covariance: of both, `[2][2]`.
    """

    slope: float
    intercept: float
    covariance: tuple[tuple[float, float], tuple[float, float]]

    @classmethod
    def fit(cls, scores: np.ndarray, right: np.ndarray) -> Self:
        """From rows whose right answers are known.

        Args:
            scores: of the answered label, float `[rows]`.
            right: whether it is the right one, bool `[rows]`.

        Raises:
            ValueError: there are no rows.
        """
        from sklearn.linear_model import LogisticRegression

        if not len(scores):
            raise ValueError("there are no rows to calibrate scores on")
        odds = _odds(scores)
        if right.all() or not right.any():  # no curve: the share of right answers, with Laplace's two rows
            share = (right.sum() + 1.0) / (len(right) + 2.0)
            spread = 1.0 / ((len(right) + 2.0) * share * (1.0 - share))
            return cls(0.0, float(np.log(share / (1.0 - share))), ((0.0, 0.0), (0.0, float(spread))))
        curve = LogisticRegression(C=1e3).fit(odds[:, np.newaxis], right)
        slope, intercept = float(curve.coef_[0, 0]), float(curve.intercept_[0])
        chance = _sigmoid(slope * odds + intercept)
        columns = np.stack([odds, np.ones_like(odds)], axis=1)
        spread = np.linalg.pinv(columns.T @ (columns * (chance * (1.0 - chance))[:, np.newaxis]))
        return cls(slope, intercept, tuple(map(tuple, spread.tolist())))  # type: ignore[arg-type]

    def estimate(self, scores: np.ndarray) -> Estimate:
        """The expected accuracy of rows.

        Args:
            scores: of the answered label, float `[rows]`.

        Raises:
            ValueError: there are no rows.
        """
        if not len(scores):
            raise ValueError("there are no rows to estimate the accuracy of")
        odds = _odds(scores)
        chance = _sigmoid(self.slope * odds + self.intercept)
        weights = chance * (1.0 - chance)
        gradient = np.array([(weights * odds).mean(), weights.mean()])
        variance = weights.sum() / len(odds) ** 2 + gradient @ np.asarray(self.covariance) @ gradient
        return Estimate(float(chance.mean()), float(np.sqrt(max(0.0, variance))), len(odds))

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` gave."""
        (a, b), (c, d) = values["covariance"]
        return cls(values["slope"], values["intercept"], ((a, b), (c, d)))


def _odds(scores: np.ndarray) -> np.ndarray:
    inside = np.clip(np.asarray(scores, float), _EDGE, 1.0 - _EDGE)
    return np.log(inside / (1.0 - inside))


def _sigmoid(values: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return expit(values)
