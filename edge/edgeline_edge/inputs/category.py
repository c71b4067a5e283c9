"""A category: its number in Transform's vocabulary; one for a value that is not in it, one for none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeline_edge.inputs.base import Array, TableInput
from edgeline_edge.inputs.sections import needed

MISSING, UNKNOWN, FIRST = 0, 1, 2


class Category(TableInput):
    """One of the values of a column; a record without it has `None`, no such field or an empty text there."""

    def __init__(self, section: Mapping[str, Any]) -> None:
        """Reads `values`.

        Args:
            section: an item of the manifest's `inputs`.

        Raises:
            BundleError: they are missing.
        """
        super().__init__(section)
        self._ids = {value: FIRST + number for number, value in enumerate(needed(section, "values"))}

    def encode(self, value: object) -> dict[str, Array]:
        """The value's number, int32 `[1]`."""
        if value is None or value == "":
            return self._row(MISSING)
        if not isinstance(value, str):
            raise TypeError(f"{self.column} must be a string or None, is {type(value).__name__}")
        return self._row(self._ids.get(value, UNKNOWN))

    def shapes(self) -> dict[str, tuple[str, list[int]]]:
        """One tensor."""
        return {self.tensors[0]: ("int32", [1])}

    def largest(self) -> dict[str, Array]:
        """The last value's number."""
        return self._row(FIRST + len(self._ids) - 1)

    def _row(self, number: int) -> dict[str, Array]:
        return {self.tensors[0]: np.array([number], np.int32)}
