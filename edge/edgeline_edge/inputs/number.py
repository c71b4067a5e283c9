"""A number: scaled as Transform scaled it, in float32, and a flag where there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeline_edge.errors import BundleError
from edgeline_edge.inputs.base import Array, TableInput, float_of
from edgeline_edge.inputs.sections import needed


class Number(TableInput):
    """A number of a column; a record without it has `None`, no such field or a NaN there."""

    def __init__(self, section: Mapping[str, Any]) -> None:
        """Reads `mean`, `factor` and `limit`.

        Args:
            section: an item of the manifest's `inputs`.

        Raises:
            BundleError: one of them is missing, or no number can be scaled by them.
        """
        super().__init__(section)
        # Every step is one operation of float32, as in Transform: the same bits.
        self._mean, self._factor, self._limit = (
            np.float32(needed(section, field)) for field in ("mean", "factor", "limit")
        )
        if not (np.isfinite(self._mean) and np.isfinite(self._factor) and self._factor > 0):
            raise BundleError(f"the input {self.name!r} is scaled by {self._mean} and {self._factor}")

    def encode(self, value: object) -> dict[str, Array]:
        """The scaled number and 0, or 0 and 1 where there is none: float32 `[1, 2]`."""
        if value is None:
            return self._row(0.0, 1.0)
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise TypeError(f"{self.column} must be a number or None, is {type(value).__name__}")
        number = float_of(value)
        if math.isnan(number):
            return self._row(0.0, 1.0)
        with np.errstate(over="ignore"):
            scaled = (np.float32(number) - self._mean) * self._factor
        return self._row(min(max(scaled, -self._limit), self._limit), 0.0)

    def shapes(self) -> dict[str, tuple[str, list[int]]]:
        """One tensor."""
        return {self.tensors[0]: ("float32", [1, 2])}

    def _row(self, value: Any, missing: float) -> dict[str, Array]:
        return {self.tensors[0]: np.array([[value, missing]], np.float32)}
