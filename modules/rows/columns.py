"""Columns as a linear model reads them: numbers scaled, categories one by one, times by their cycles, pixels."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from modules.tensors import Reading

import numpy as np
from scipy import sparse
from sklearn.preprocessing import OneHotEncoder

from edgeline_edge.inputs.time import Time
from edgeline_edge.inputs.vector import readings
from edgeline_edge.picture import decoded, fitted

_VALUES = 5_000  # of a column that get a weight of their own, at most, the most frequent ones
_FAR = 10.0  # deviations of a reading that count, as for the network
_SIDE = 28  # of a picture: more pixels tell a linear model little
_RARE = 2  # a value of fewer rows than that has none


class Columns:
    """Fits on the train split what a column becomes; every column is as wide as it is there.

    A number becomes its distance from the mean in deviations, and a flag where a row has none. A category becomes 1 in
    the place of its value; values that are rare or new share one place. A time becomes sine and cosine of its places in
    the day, the week and the year, a list its numbers, each as a number, a picture 28 × 28 pixels of grey.

    Args:
        columns: by name, the value of each row.
        how: by name, how a column is read.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]], how: Mapping[str, Reading]) -> None:
        self._scales: dict[str, tuple[float, float]] = {}
        self._values: dict[str, OneHotEncoder] = {}
        self._pictures = [name for name, reading in how.items() if reading == "pixels"]
        self._times = [name for name, reading in how.items() if reading == "time"]
        self._lists: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for name, reading in how.items():
            if reading == "scaled":
                numbers = _numbers(columns[name])
                there = numbers[np.isfinite(numbers)]
                mean, deviation = (float(there.mean()), float(there.std())) if len(there) else (0.0, 1.0)
                self._scales[name] = mean, deviation or 1.0
            elif reading == "readings":
                rows = _readings(columns[name])
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", RuntimeWarning)  # of a column in which nothing is there
                    mean, deviation = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)
                known = np.isfinite(deviation) & (deviation > 0)
                self._lists[name] = np.nan_to_num(mean), np.where(known, deviation, 1.0)
            elif reading == "one_hot":
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
        parts += [_times(columns[name]) for name in self._times]
        parts += [_pixels(columns[name]) for name in self._pictures]
        for name, (means, deviations) in self._lists.items():
            rows = _readings(columns[name], len(means))
            lacking = np.isnan(rows)
            of_list = np.where(
                lacking, 0.0, np.clip((np.where(lacking, means, rows) - means) / deviations, -_FAR, _FAR)
            )
            parts.append(sparse.csr_array(np.concatenate([of_list, lacking], axis=1)))
        parts += [encoder.transform(_texts(columns[name])) for name, encoder in self._values.items()]
        return sparse.hstack(parts, format="csr")


def _numbers(values: Sequence[Any]) -> np.ndarray:
    return np.array([np.nan if value is None else float(value) for value in values], np.float64)


def _times(values: Sequence[Any]) -> Any:
    """Sine and cosine of each cycle, and 1 where there is no time: as a device makes them."""
    section = {"name": "time", "kind": "time", "column": "time", "tensors": ["time"], "clock": "utc"}
    encoder = Time({**section, "cycles": ["hour_of_day", "day_of_week", "day_of_year"]})
    rows = [np.zeros((0, 7)), *(encoder.encode(value)["time"] for value in values)]
    return sparse.csr_array(np.concatenate(rows))


def _pixels(values: Sequence[bytes]) -> Any:
    """Pixels of each picture from 0 to 1, row by row; zeros where there is none."""
    found = np.zeros((len(values), _SIDE * _SIDE), np.float32)
    for row, content in enumerate(values):
        if content:
            found[row] = fitted(decoded(content), _SIDE, _SIDE, 1).ravel() / np.float32(255)
    return sparse.csr_array(found)


def _readings(values: Sequence[Any], width: int | None = None) -> np.ndarray:
    """`[rows, width]`, NaN for what is missing; by default as wide as most rows are."""
    rows = [readings(value) if value else [] for value in values]
    width = max((len(row) for row in rows), default=0) if width is None else width
    return np.array([row if len(row) == width else [np.nan] * width for row in rows], np.float64).reshape(-1, width)


def _texts(values: Sequence[Any]) -> np.ndarray:
    return np.array([["" if value is None else str(value)] for value in values], object)
