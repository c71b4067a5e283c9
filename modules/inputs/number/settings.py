"""Bounds of the distances between two samples of a number. Nothing here imports TensorFlow."""

from __future__ import annotations

from modules.inputs.profiles import Bound, Bounds


class NumberBounds(Bounds):
    """Largest distances between two samples of a number; an empty one is measured and judged by nobody."""

    values: Bound = 0.1
    """Largest difference of the shares of numbers below a bound, whichever bound (Kolmogorov-Smirnov)."""
    missing: Bound = 0.05
    """Difference of the shares of rows without a number."""
