"""Where two labels are told apart: the threshold of the positive one's probability, chosen on the eval split."""

from __future__ import annotations

from modules.machine.progress import tell
from modules.quality.scores import of_counts
from modules.quality.thresholds import candidates
from modules.targets.one_label.target import AUTO, OneLabel

import numpy as np
from numpy.typing import NDArray


def settled(target: OneLabel, truth: np.ndarray, probabilities: np.ndarray) -> OneLabel:
    """Chooses the threshold with which the objective is largest.

    Args:
        target: of two labels, with a positive one and `decision.threshold: auto`.
        truth: label ids of the eval split, int `[rows]`.
        probabilities: of a model, float32 `[rows, 2]`.

    Returns:
        The target with a number in place of `auto`. Of thresholds that do equally well, the one nearest to 0.5. Where
        none reaches `min_precision`, which `recall_at_precision` asks for, the most precise one, and that is told.

    Raises:
        ValueError: one of the labels has no row.
    """
    decision, positive = target.decision, target.positive_id
    if decision.threshold != AUTO or positive is None:
        raise ValueError(f"{target.decision!r} leaves no threshold to choose")
    for index, label in enumerate(target.labels):
        if not (truth == index).any():
            raise ValueError(
                f"target.decision.threshold is auto, and eval has no row of {label!r} to choose it on: give eval a "
                "larger share (data.splits), or set target.decision.threshold to a number"
            )
    thresholds, counts = candidates(truth == positive, np.asarray(probabilities, np.float32)[:, positive])
    values, reached = _values(decision.objective, counts, positive, target.min_precision)
    if not reached:
        tell(
            f"no threshold has a precision of {target.min_precision:g} for {target.positive} on eval: took the "
            "nearest one"
        )
    best = np.flatnonzero(values >= values.max() - 1e-12)
    threshold = float(thresholds[best[np.abs(thresholds[best] - 0.5).argmin()]])
    return target.with_values(decision=decision.with_values(threshold=threshold))


def _values(
    objective: str, counts: dict[str, NDArray[np.int64]], positive: int, min_precision: float
) -> tuple[NDArray[np.float64], bool]:
    """The objective of each candidate, and whether it is what was asked for."""
    right, answered, actual, rows = (counts[name] for name in ("right", "answered", "positive", "rows"))
    other_right = rows - actual - (answered - right)
    sides = [(right, actual, answered), (other_right, rows - actual, rows - answered)]
    found = of_counts(*(np.stack(pair, axis=-1) for pair in zip(*sides, strict=True)))
    if objective != "recall_at_precision":
        return found[objective], True
    precision, recall = found["precision"][:, 0], found["recall"][:, 0]
    if (precision >= min_precision).any():
        return np.where(precision >= min_precision, recall + 1e-6 * precision, -1.0), True
    return precision + 1e-6 * recall, False
