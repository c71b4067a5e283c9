"""The answers that were furthest off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modules.quality.predictions import Predictions

import numpy as np


def worst_errors(found: Predictions, labels: Sequence[str], *, split: str, count: int, **model: Any) -> dict[str, Any]:
    """The rows whose answer is furthest from the right one.

    Args:
        found: answers to the split.
        labels: names of answers; numbers have none.
        split: its name.
        count: rows, at most.
        **model: what words are weighed by; a number has no other answer that a word could have pushed it from.

    Returns:
        As `modules.report.facts.errors.worst_errors`, with `note` in the place of a probability, and `told`, what
        these rows are.
    """
    residuals = found.predicted - found.label
    worst = np.argsort(-np.abs(residuals), kind="stable")[:count].tolist()
    return {
        "split": split,
        "rows": len(found),
        "errors": int(np.count_nonzero(residuals)),
        "told": f"The {len(worst)} of {len(found):,} rows of {split} whose answer is furthest off.",
        "items": [
            {
                "label": f"{found.label[row]:.6g}",
                "predicted": f"{found.predicted[row]:.6g}",
                "note": f"off by {residuals[row]:+.4g}",
                "slices": {column: values[row] for column, values in found.slices.items()},
                "margin": None,
                "spans": [[found.text[row], None]],
            }
            for row in worst
        ],
    }
