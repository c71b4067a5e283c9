"""Bounds of the distances between two samples of times. Nothing here imports TensorFlow."""

from __future__ import annotations

from modules.inputs.profiles import Bound, Bounds


class TimeBounds(Bounds):
    """Largest distances between two samples of times; an empty one is measured and judged by nobody."""

    hours: Bound = 0.1
    """Jensen-Shannon divergence of the shares of the hours of the day."""
    weekdays: Bound = 0.1
    """Jensen-Shannon divergence of the shares of the days of the week."""
    months: Bound = None
    """Jensen-Shannon divergence of the shares of the months: a later span has other ones by nature."""
    missing: Bound = 0.05
    """Difference of the shares of rows without a time."""
