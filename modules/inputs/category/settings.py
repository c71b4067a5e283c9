"""Bounds of the distances between two samples of a category. Nothing here imports TensorFlow."""

from __future__ import annotations

from modules.inputs.profiles import Bound, Bounds


class CategoryBounds(Bounds):
    """Largest distances between two samples of a category; an empty one is measured and judged by nobody."""

    values: Bound = 0.1
    """Jensen-Shannon divergence of the shares of the values."""
    new_values: Bound = 0.05
    """Share of rows whose value the other sample does not have."""
    missing: Bound = 0.05
    """Difference of the shares of rows without a value."""
