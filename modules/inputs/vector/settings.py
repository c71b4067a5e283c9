"""Bounds of the distances between two samples of readings. Nothing here imports TensorFlow."""

from __future__ import annotations

from modules.inputs.profiles import Bound, Bounds


class VectorBounds(Bounds):
    """Largest distances between two samples of readings; an empty one is measured and judged by nobody."""

    values: Bound = 0.15
    """Of the channel that is furthest off, the largest difference of the shares of readings below a bound, whichever
    bound (Kolmogorov-Smirnov)."""
    missing: Bound = 0.05
    """Of the channel that is furthest off, the difference of the shares of missing readings."""
