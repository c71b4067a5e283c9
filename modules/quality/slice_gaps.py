"""Gaps between the slices of a column, of any metrics that were resampled: what every kind of target measures alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from modules.quality.settings import FairnessSettings
from modules.quality.simultaneous import Compared, gap_interval

import numpy as np


@dataclasses.dataclass(frozen=True)
class Slice:
    """One slice of a column.

    Attributes:
        rows: in it.
        values: its metrics.
        samples: the same on resamples of its rows, float `[resamples]` each.
    """

    rows: int
    values: Mapping[str, float]
    samples: Mapping[str, np.ndarray]


def of_column(
    slices: Mapping[str, Slice],
    settings: FairnessSettings,
    *,
    lower_is_better: Collection[str] = (),
    most: float = 1.0,
) -> dict[str, Any]:
    """How far the slices of a column lie apart in each metric.

    Args:
        slices: by value of the column; all with the same metrics.
        settings: the section `evaluator.fairness`.
        lower_is_better: metrics of which less is better.
        most: the largest gap that there can be.

    Returns:
        `slices` and `gaps`, as one column of `modules.quality.fairness.measure`.
    """
    counted = [name for name, part in slices.items() if part.rows >= settings.min_rows]
    metrics = list(next(iter(slices.values())).values) if slices else []
    gaps: dict[str, Any] = {}
    for metric in metrics:
        if len(counted) < 2:
            gaps[metric] = None
            continue
        compared = Compared(
            np.array([slices[name].values[metric] for name in counted]),
            np.stack([slices[name].samples[metric] for name in counted]),
            np.array([slices[name].rows for name in counted]),
        )
        gaps[metric] = gap(counted, compared, settings.level, lower_is_better=metric in lower_is_better, most=most)
    shown = {
        name: {
            "rows": part.rows,
            "counted": name in counted,
            **{key: float(value) for key, value in part.values.items()},
        }
        for name, part in slices.items()
    }
    return {"slices": shown, "gaps": gaps}


def gap(
    names: Sequence[str], compared: Compared, level: float, *, lower_is_better: bool = False, most: float = 1.0
) -> dict[str, Any]:
    """One gap with its interval, and the two slices that it lies between.

    Args:
        names: of the slices.
        compared: the metric on each of them.
        level: of confidence.
        lower_is_better: whether the slice with the smallest value is the best.
        most: the largest gap that there can be.

    Returns:
        `value`, `low`, `high`, and `worst` and `best`, each `slice` and `value`.
    """
    of_slice = range(len(names))
    ends = min(of_slice, key=compared.values.__getitem__), max(of_slice, key=compared.values.__getitem__)
    sides = dict(zip(("worst", "best"), reversed(ends) if lower_is_better else ends, strict=True))
    return {
        **gap_interval([compared], level=level, most=most).to_dict(),
        **{side: {"slice": names[at], "value": float(compared.values[at])} for side, at in sides.items()},
    }
