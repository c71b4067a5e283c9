"""What Transform finds of a number, found in plain values: the role `fitted`, see `modules.inputs.roles`."""

from __future__ import annotations

from collections.abc import Sequence

from modules.inputs.number.input import Number

import numpy as np


def fit(part: Number, values: Sequence[float]) -> Number:
    """Mean and factor of the values that there are."""
    known = np.array([value for value in values if value == value], np.float64)
    mean, deviation = (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)
    return part.with_learnt({"mean": mean, "factor": 1.0 / deviation if deviation > 0 else 1.0})
