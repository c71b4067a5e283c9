"""How much a row counts in the loss."""

from __future__ import annotations

from typing import Any


def class_weights(counts: Any, mode: str) -> dict[int, float] | None:
    """Weights per label id.

    Args:
        counts: examples by label id, int `[num_classes]`.
        mode: `none`, or `balanced` for rows / (classes * count), as in scikit-learn.

    Returns:
        None for `none`. A class without examples weighs 1.
    """
    if mode == "none":
        return None
    total = float(sum(counts))
    return {index: total / (len(counts) * count) if count else 1.0 for index, count in enumerate(map(float, counts))}
