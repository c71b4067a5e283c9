"""Columns beside a text as a linear model reads them: numbers scaled, categories one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.tensors import Reading

import numpy as np
from scipy import sparse
from sklearn.preprocessing import OneHotEncoder

_VALUES = 5_000  # of a column that get a weight of their own, at most, the most frequent ones
_RARE = 2  # a value of fewer rows than that has none


class Columns:
    """Fits on the train split what a column becomes; every column is as wide as it is there.

    A number becomes its distance from the mean in deviations, and a flag where a row has none. A category becomes 1 in
    the place of its value; values that are rare or new share one place.

    Args:
        columns: by name, the value of each row.
        how: by name, how a column is read.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]], how: Mapping[str, Reading]) -> None:
        self._scales: dict[str, tuple[float, float]] = {}
        self._values: dict[str, OneHotEncoder] = {}
        for name, reading in how.items():
            if reading == "scaled":
                numbers = _numbers(columns[name])
                there = numbers[np.isfinite(numbers)]
                mean, deviation = (float(there.mean()), float(there.std())) if len(there) else (0.0, 1.0)
                self._scales[name] = mean, deviation or 1.0
            else:
                encoder = OneHotEncoder(
                    handle_unknown="infrequent_if_exist", min_frequency=_RARE, max_categories=_VALUES, dtype=np.float64
                )
                self._values[name] = encoder.fit(_texts(columns[name]))

    def transform(self, columns: Mapping[str, Sequence[Any]]) -> Any:
        """The columns of some rows as a sparse matrix, `[rows, width]`.

        Args:
            columns: as of the constructor.
        """
        parts: list[Any] = []
        for name, (mean, deviation) in self._scales.items():
            numbers = _numbers(columns[name])
            missing = ~np.isfinite(numbers)
            scaled = np.where(missing, 0.0, (np.where(missing, mean, numbers) - mean) / deviation)
            parts.append(sparse.csr_array(np.stack([scaled, missing], axis=1)))
        parts += [encoder.transform(_texts(columns[name])) for name, encoder in self._values.items()]
        return sparse.hstack(parts, format="csr")


def _numbers(values: Sequence[Any]) -> np.ndarray:
    return np.array([np.nan if value is None else float(value) for value in values], np.float64)


def _texts(values: Sequence[Any]) -> np.ndarray:
    return np.array([["" if value is None else str(value)] for value in values], object)
