"""The answers that were surest of most labels that are wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modules.quality.predictions import Predictions

import numpy as np

_NONE = "no label"


def worst_errors(found: Predictions, labels: Sequence[str], *, split: str, count: int, **model: Any) -> dict[str, Any]:
    """The rows that were wrong by most: a wrong label counts as much as the model was sure of it.

    Args:
        found: answers to the split.
        labels: label names in id order.
        split: its name.
        count: rows, at most.
        **model: what words are weighed by; several labels have no one other answer that a word could have pushed from.

    Returns:
        As `modules.report.facts.errors.worst_errors`, with `note` in the place of a probability, and `told`, what
        these rows are.
    """
    wrong = found.label != found.predicted
    sure = np.where(wrong, np.abs(found.more["probabilities"] - found.label), 0.0).sum(axis=1)
    rows = np.flatnonzero(wrong.any(axis=1))
    worst = rows[np.argsort(-sure[rows], kind="stable")][:count].tolist()

    def named(row: np.ndarray) -> str:
        return ", ".join(label for label, there in zip(labels, row, strict=True) if there) or _NONE

    return {
        "split": split,
        "rows": len(found),
        "errors": len(rows),
        "told": f"{len(rows):,} of {len(found):,} rows of {split} are wrong in a label or more; these are the ones "
        "that the model was surest of most wrong labels.",
        "items": [
            {
                "label": named(found.label[row]),
                "predicted": named(found.predicted[row]),
                "note": f"{int(wrong[row].sum())} of {len(labels)} labels wrong",
                "slices": {column: values[row] for column, values in found.slices.items()},
                "margin": None,
                "spans": [[found.text[row], None]],
            }
            for row in worst
        ],
    }
