"""The linear model of one label."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression


def estimator(seed: int) -> tuple[str, LogisticRegression]:
    """What LinearBaseline fits on TF-IDF, to label ids, and what a person calls it.

    Args:
        seed: of the solver.
    """
    return "logistic regression", LogisticRegression(C=4.0, max_iter=1000, random_state=seed)
