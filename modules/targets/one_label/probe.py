"""A linear model on the vectors of a frozen encoder: what few rows are enough for, and a head to fine-tune from.

Logistic regression on what a pretrained encoder says of each text is the linear probe of Kumar et al. 2022,
https://arxiv.org/abs/2202.10054: fine-tuning that starts from it distorts less of what the encoder knows.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

STRENGTHS = (0.01, 0.1, 1.0, 10.0)  # inverse of the regularisation, of vectors with a variance of one
_FOLDS = 5
_MOST_ROWS = 4_000  # by which the strength is chosen
_ABSENT = -10.0  # logit of a label without rows, below any that has some


def fit(
    vectors: NDArray[np.floating], answers: NDArray[np.integer], outputs: int, *, balanced: bool, seed: int
) -> tuple[list[NDArray[np.float32]], Mapping[str, Any]]:
    """Fits the head: the role `probe`.

    Args:
        vectors: what the head reads, `[rows, dim]`.
        answers: label ids, `[rows]`.
        outputs: how many labels there are.
        balanced: whether each label weighs as much as any other.
        seed: of the folds.

    Returns:
        Kernel `[dim, outputs]` and bias `[outputs]` of the head's layer; and what was chosen: `strength`, the inverse
        of the regularisation, by cross-validation.
    """
    centre = vectors.mean(axis=0)
    scale = float(np.sqrt(vectors.var(axis=0).mean())) or 1.0
    values = (vectors - centre) / scale
    there = np.unique(answers)
    kernel = np.zeros((vectors.shape[1], outputs), np.float64)
    bias = np.where(np.isin(np.arange(outputs), there), 0.0, _ABSENT)
    strength = STRENGTHS[0]
    if len(there) > 1:
        strength = _strength(values, answers, balanced=balanced, seed=seed)
        model = _fitted(strength, values, answers, balanced=balanced)
        coefficients, intercepts = model.coef_, model.intercept_
        if len(there) == 2:  # scikit-learn keeps the second label's logit alone
            coefficients = np.concatenate([-coefficients, coefficients]) / 2
            intercepts = np.concatenate([-intercepts, intercepts]) / 2
        # The network's head sees the vectors as they are.
        kernel[:, there] = coefficients.T / scale
        bias[there] = intercepts - centre @ kernel[:, there]
    return [kernel.astype(np.float32), bias.astype(np.float32)], {"strength": strength}


def _strength(values: NDArray[np.floating], answers: NDArray[np.integer], *, balanced: bool, seed: int) -> float:
    """By macro-F1 on rows that were held out: the strongest regularisation within a standard error of the best.

    So Breiman et al. 1984, Classification and Regression Trees, section 3.4.3: of few rows the best one is the best by
    chance.
    """
    from sklearn.metrics import f1_score

    rows = np.random.default_rng(seed).permutation(len(answers))[:_MOST_ROWS]
    fold = np.empty(len(rows), np.int64)
    order = np.argsort(answers[rows], kind="stable")  # each label is spread over all folds
    fold[order] = np.arange(len(rows)) % min(_FOLDS, len(rows))
    scores = []
    for strength in STRENGTHS:
        predicted = np.empty(len(rows), np.int64)
        for held_out in range(int(fold.max()) + 1):
            train, test = rows[fold != held_out], fold == held_out
            if len(np.unique(answers[train])) == 1:
                predicted[test] = answers[train][0]
            else:
                model = _fitted(strength, values[train], answers[train], balanced=balanced)
                predicted[test] = model.predict(values[rows[test]])
        scores.append(f1_score(answers[rows], predicted, average="macro"))
    best = max(scores)
    error = math.sqrt(best * (1 - best) / len(rows))
    return next(strength for strength, score in zip(STRENGTHS, scores, strict=True) if score >= best - error)


def _fitted(
    strength: float, values: NDArray[np.floating], answers: NDArray[np.integer], *, balanced: bool
) -> LogisticRegression:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=200, class_weight="balanced" if balanced else None)
    with warnings.catch_warnings():  # the last digit need not be settled
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(values, answers)
