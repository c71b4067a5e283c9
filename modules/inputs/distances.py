"""How far two summaries are apart, for the role `distances` of every kind of input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from modules.inputs.profiles import Distance

import numpy as np

MISSING = "missing"


class Counted(Protocol):
    """A summary that says how many rows it is of, and how many of them have no value."""

    @property
    def rows(self) -> int:
        """In all."""

    @property
    def missing(self) -> int:
        """Without a value."""


def lacking(one: Counted, other: Counted) -> Distance:
    """Difference of the shares of rows without a value.

    Args:
        one: a summary.
        other: what it is compared with.
    """
    shares = [profile.missing / max(profile.rows, 1) for profile in (one, other)]
    return Distance(MISSING, "absolute_difference", abs(shares[0] - shares[1]))


def shares(one: Mapping[Any, int], other: Mapping[Any, int]) -> tuple[np.ndarray, np.ndarray]:
    """Two counts as shares of all that was counted, in one order of the names of both.

    Args:
        one: how often, by name.
        other: the same of another sample.

    Returns:
        float64 `[names]` twice; zeros where nothing was counted.
    """
    names = sorted({*one, *other})
    counts = np.array([[side.get(name, 0) for name in names] for side in (one, other)], float)
    ours, theirs = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    return ours, theirs


def divergence(one: Mapping[Any, int], other: Mapping[Any, int]) -> float:
    """Jensen-Shannon divergence of two counts, to base 2; 1 where only one of them has anything.

    Args:
        one: how often, by name.
        other: the same of another sample.
    """
    from scipy.spatial.distance import jensenshannon

    if not any(one.values()) or not any(other.values()):
        return 0.0 if any(one.values()) == any(other.values()) else 1.0
    return float(jensenshannon(*shares(one, other), base=2) ** 2)


def apart(one: Sequence[float], other: Sequence[float]) -> float:
    """Largest difference of two distribution functions, from their quantiles; 1 where only one has any.

    Args:
        one: quantiles, evenly spaced by rows.
        other: the same of another sample.
    """
    if not one or not other:
        return 0.0 if bool(one) == bool(other) else 1.0
    points = np.union1d(one, other)
    found = 0.0
    for side in ("left", "right"):  # below a point, and up to it: a number that many rows share is a step
        below = [np.searchsorted(quantiles, points, side) / len(quantiles) for quantiles in (one, other)]
        found = max(found, float(np.abs(below[0] - below[1]).max()))
    return found
