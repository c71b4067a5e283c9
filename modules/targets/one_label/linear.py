"""The linear model that a network of one label has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.quality.linear_baseline import linear_baseline
from modules.rows.raw import RawSplit
from modules.targets.base import Target


def baseline(splits: Mapping[str, RawSplit], target: Target, seed: int) -> dict[str, Any]:
    """Trains on `train` and scores the other splits.

    Args:
        splits: raw splits by name.
        target: of the task.
        seed: of the solver.

    Returns:
        As `modules.quality.linear_baseline.linear_baseline`.
    """
    return linear_baseline(splits, num_classes=len(target.names), seed=seed)
