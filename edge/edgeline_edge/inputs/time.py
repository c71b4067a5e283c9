"""A time: its places in the day, the week and the year, in whole numbers, then their sine and cosine."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeline_edge.errors import BundleError
from edgeline_edge.inputs.base import Array, TableInput, float_of
from edgeline_edge.inputs.sections import needed

_PLACES = {"hour_of_day": 1440, "day_of_week": 7, "day_of_year": 366}
_ISO = re.compile(
    r"\s*([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?"
    r"\s*(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2})|[+-]00)?)?\s*",
    re.ASCII,
)
_SECONDS = re.compile(r"\s*([0-9]{9,11})(?:\.[0-9]+)?\s*", re.ASCII)
_YEARS = (1000, 9998)
_DAY = 86_400
_EPOCH = datetime.date(1970, 1, 1).toordinal()


class Time(TableInput):
    """A time of a column; a record without it has `None`, no such field or an empty text there."""

    def __init__(self, section: Mapping[str, Any]) -> None:
        """Reads `cycles` and `clock`.

        Args:
            section: an item of the manifest's `inputs`.

        Raises:
            BundleError: one of them is missing or unknown here.
        """
        super().__init__(section)
        self._cycles = list(needed(section, "cycles"))
        self._local = needed(section, "clock") == "local"
        unknown = [name for name in self._cycles if name not in _PLACES]
        if unknown:
            raise BundleError(f"the input {self.name!r} of kind time has the cycle {unknown[0]}")

    def encode(self, value: object) -> dict[str, Array]:
        """Sine and cosine of each cycle and 0, or zeros and 1 where there is no time: float32 `[1, n]`.

        Args:
            value: a date of ISO 8601 with or without a time of day, seconds since 1970 as a number or a text, a
                `datetime.datetime` or `datetime.date`, or None.
        """
        text = _text(value)
        if text is None:
            raise TypeError(f"{self.column} must be a time or None, is {type(value).__name__}")
        if not text:
            return {self.tensors[0]: np.array([[*[0.0] * (2 * len(self._cycles)), 1.0]], np.float32)}
        places = _places(seconds(text, local=self._local, where=self.column))
        found: list[float] = []
        for name in self._cycles:
            angle = 2.0 * math.pi * places[name] / _PLACES[name]
            found += (math.sin(angle), math.cos(angle))
        return {self.tensors[0]: np.array([[*found, 0.0]], np.float32)}

    def shapes(self) -> dict[str, tuple[str, list[int]]]:
        """One tensor."""
        return {self.tensors[0]: ("float32", [1, 2 * len(self._cycles) + 1])}


def _text(value: object) -> str | None:
    """A value as a cell of a file has it, empty where there is none; None where it is of no type that says a time."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return None
    number = float_of(value)
    if math.isnan(number):
        return ""
    return str(int(value)) if abs(number) < 1e18 else str(number)


def seconds(text: str, *, local: bool, where: str = "a time") -> int:
    """Seconds since 1970 of a text.

    Args:
        text: a date of ISO 8601 with or without a time of day, or seconds.
        local: whether an offset from UTC is left out, so that the clock stays as it is written.
        where: how the message calls it.

    Raises:
        ValueError: it is neither.
    """
    if match := _SECONDS.fullmatch(text):
        return int(match[1])
    match = _ISO.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        year, month, day, hour, minute, second = (int(match[number] or 0) for number in range(1, 7))
        hours, minutes = int(match[8] or 0), int(match[9] or 0)
        if not _YEARS[0] <= year <= _YEARS[1] or hour > 23 or minute > 59 or second > 60 or hours > 23 or minutes > 59:
            raise ValueError
        days = datetime.date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        raise ValueError(
            f"{where} is {text[:60]!r}, which is no time: an ISO 8601 date such as 2024-05-03 or "
            "2024-05-03T14:30:00+02:00, or seconds since 1970 (9 to 11 digits)"
        ) from None
    offset = (hours * 60 + minutes) * 60 * (-1 if match[7] == "-" else 1)
    return days * _DAY + hour * 3600 + minute * 60 + second - (0 if local else offset)


def _places(found: int) -> dict[str, int]:
    days = found // _DAY
    date = datetime.date.fromordinal(days + _EPOCH)
    return {
        "hour_of_day": found % _DAY // 60,
        "day_of_week": (days + 3) % 7,
        "day_of_year": date.timetuple().tm_yday - 1,
    }
