"""Readings of fixed length: scaled by channel as Transform scaled them, in float32, with a flag for each missing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeline_edge.errors import BundleError
from edgeline_edge.inputs.base import Array, TableInput, float_of
from edgeline_edge.inputs.sections import needed

_SEPARATOR = re.compile(r"[\s,;\[\]]+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_MISSING = {"null", "nan", "none", "na"}


class Vector(TableInput):
    """Readings of a column; a record without them has `None`, no such field or an empty text there."""

    def __init__(self, section: Mapping[str, Any]) -> None:
        """Reads `shape`, `means`, `factors` and `limit`.

        Args:
            section: an item of the manifest's `inputs`.

        Raises:
            BundleError: one of them is missing, or no reading can be scaled by them.
        """
        super().__init__(section)
        self._steps, self._channels = (int(size) for size in needed(section, "shape"))
        self._means, self._factors = (np.array(needed(section, field), np.float32) for field in ("means", "factors"))
        self._limit = np.float32(needed(section, "limit"))
        for values in (self._means, self._factors):
            if values.shape != (self._channels,) or not np.isfinite(values).all() or not (self._factors > 0).all():
                raise BundleError(f"the input {self.name!r} has {self._channels} channels and is not scaled by as many")

    def encode(self, value: object) -> dict[str, Array]:
        """Scaled readings, 0 for a missing one, and beside them 1 for each that is: float32 `[1, steps, 2 * channels]`.

        Args:
            value: a list or an array of numbers, step by step, nested or not, in which None or NaN is missing; a text
                of such a list in JSON, or of numbers between spaces, commas or semicolons; or None.
        """
        numbers = np.full(self._steps * self._channels, np.nan)
        if not (value is None or (isinstance(value, str) and not value.strip())):
            read = _read(value, self.column)
            if len(read) != len(numbers):
                raise ValueError(
                    f"{self.column} has {len(read)} readings; the model reads {self._steps} x {self._channels}"
                )
            numbers = np.array(read, np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            readings = numbers.astype(np.float32).reshape(1, self._steps, self._channels)
            missing = np.isnan(readings)
            scaled = np.clip((readings - self._means) * self._factors, -self._limit, self._limit)
        known = np.where(missing, np.float32(0.0), scaled)
        return {self.tensors[0]: np.concatenate([known, missing.astype(np.float32)], axis=2)}

    def shapes(self) -> dict[str, tuple[str, list[int]]]:
        """One tensor."""
        return {self.tensors[0]: ("float32", [1, self._steps, 2 * self._channels])}


def readings(text: str, where: str = "a list") -> list[float]:
    """The readings of a text in their order; NaN for one that is missing (`null`, `nan`, `none`, `na`).

    Args:
        text: a list of JSON, nested or not, or numbers between spaces, commas or semicolons.
        where: how the message calls it.

    Raises:
        ValueError: something in it is no number.
    """
    return [_number(part, where) for part in _SEPARATOR.split(text) if part]


def _read(value: Any, where: str) -> list[float]:
    if isinstance(value, str):
        return readings(value, where)
    try:
        flat = np.array(value, object).ravel().tolist()
    except ValueError:
        flat = [value]
    found = []
    for item in flat:
        if item is None:
            found.append(math.nan)
        elif isinstance(item, bool) or not isinstance(item, (int, float, np.integer, np.floating)):
            raise TypeError(f"{where} must be a list of numbers or None, holds {type(item).__name__}")
        else:
            found.append(float_of(item))
    return found


def _number(text: str, where: str) -> float:
    if text.lower() in _MISSING:
        return math.nan
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{where} holds {text[:40]!r}, which is no number")
    return float(text)
