"""What Transform finds of readings, found in plain values: the role `fitted`, see `modules.inputs.roles`."""

from __future__ import annotations

from collections.abc import Sequence

from modules.inputs.vector.input import Vector

import numpy as np

from edgeline_edge.inputs.vector import readings


def fit(part: Vector, values: Sequence[str]) -> Vector:
    """Means and factors by channel of the readings that there are."""
    size = part.steps * part.channels
    read = [found for value in values if len(found := readings(value)) == size]
    table = np.array(read, np.float64).reshape(-1, part.channels)
    means, factors = [], []
    for channel in table.T:
        known = channel[~np.isnan(channel)]
        deviation = float(known.std()) if len(known) else 0.0
        means.append(float(known.mean()) if len(known) else 0.0)
        factors.append(1.0 / deviation if deviation > 0 else 1.0)
    return part.with_learnt({"means": means, "factors": factors})
