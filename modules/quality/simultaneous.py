"""The interval of a largest difference: bounds that hold for all differences at once.

The best and the worst of several noisy numbers lie apart by chance, and their distance cannot be below 0; so neither
its percentiles nor their corrections keep a level where the slices are equal. What does: an interval for every pair of
slices, all of the same width in standard errors, so wide that at the asked level none of them misses its own
difference (as Tukey's range test has it, with the bootstrap in place of the studentized range: Westfall and Young
1993, "Resampling-Based Multiple Testing", chapter 2). The true gap is one of these differences and at least as large
as each: it lies between the largest of the lower ends and the largest of the upper ones. With few rows the bootstrap's
errors are too small, as a normal quantile is beside Student's; the width is expanded by that (Hesterberg 2015, "What
Teachers Should Know About the Bootstrap"). docs/history.md has the coverage.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from modules.quality.intervals import Interval

import numpy as np
from scipy import stats


@dataclasses.dataclass(frozen=True)
class Compared:
    """One metric on several slices.

    Attributes:
        values: on all rows of each slice, float `[slices]`.
        samples: on the resamples of each, drawn independently, float `[slices, resamples]`.
        rows: behind each value, int `[slices]`.
    """

    values: np.ndarray
    samples: np.ndarray
    rows: np.ndarray


def gap_interval(metrics: Sequence[Compared], *, level: float, most: float = 1.0) -> Interval:
    """The largest difference between two slices, in whichever of the metrics it is.

    Args:
        metrics: at least one, each of at least two slices, with equally many resamples.
        level: of confidence. Where all differences are 0, the lower end is above 0 with at most one minus this.
        most: the largest difference that there can be; of metrics that are shares, 1.

    Returns:
        The gap with its interval.
    """
    differences: list[float] = []
    errors: list[float] = []
    rows: list[int] = []
    widest = np.zeros(metrics[0].samples.shape[1])
    for metric in metrics:
        for one, other in itertools.combinations(range(len(metric.values)), 2):
            drawn = metric.samples[one] - metric.samples[other]
            error = float(drawn.std())
            differences.append(abs(float(metric.values[one] - metric.values[other])))
            errors.append(error)
            rows.append(int(min(metric.rows[one], metric.rows[other])))
            if error:
                np.maximum(widest, np.abs(drawn - drawn.mean()) / error, out=widest)
    # Rounded up, so that few resamples do not make it narrower.
    width = _expanded(float(np.quantile(widest, level, method="higher")), np.asarray(rows))
    margin = width * np.asarray(errors)
    found = np.asarray(differences)
    return Interval(
        float(found.max()), float(max(0.0, (found - margin).max())), float(min(most, (found + margin).max()))
    )


def _expanded(width: float, rows: np.ndarray) -> np.ndarray:
    """A width in standard errors, as wide as so few rows ask for."""
    freedom = np.maximum(rows - 1, 1)
    # By the upper tail: far out, the lower one is 1 for a float.
    student = stats.t.isf(stats.norm.sf(width), freedom)
    expanded: np.ndarray = student * np.sqrt(np.maximum(rows, 2) / freedom)
    return expanded
