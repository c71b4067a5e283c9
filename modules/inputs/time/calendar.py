"""From the text of a time to its places in the day, the week and the year, as operations of a graph.

Whole numbers alone: a device does the same with its own, and takes sine and cosine from the same formula
(`edge/edgeline_edge/inputs/time.py`), so that both have the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import tensorflow as tf

# Places of each cycle: minutes of a day, days of a week (Monday first), days of a year.
PLACES: Mapping[str, int] = {"hour_of_day": 1440, "day_of_week": 7, "day_of_year": 366}
_DATE = r"\s*([0-9]{4})-([0-9]{2})-([0-9]{2})"
_CLOCK = r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?"
_ZONE = r"\s*(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2})|[+-]00)?)?\s*"
ISO = _DATE + _CLOCK + _ZONE
SECONDS = r"\s*([0-9]{9,11})(?:\.[0-9]+)?\s*"
FIRST, LAST = 1000, 9998  # years: beyond them, Python has no dates for an offset to lead to
_DAY = 86_400
_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_DAYS_IN = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def circle(places: int) -> NDArray[np.float32]:
    """Sine and cosine of evenly spaced places, float32 `[places, 2]`.

    Args:
        places: how many there are before the first comes again.
    """
    angles = [2.0 * math.pi * place / places for place in range(places)]
    return np.array([[math.sin(angle), math.cos(angle)] for angle in angles], np.float32)


def seconds(texts: tf.Tensor, *, local: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """Seconds since 1970, and where there are any.

    Args:
        texts: string `[batch]`: dates of ISO 8601 with or without a time of day, or seconds.
        local: whether an offset from UTC is left out, so that the clock stays as it is written.

    Returns:
        int64 `[batch]`, 0 where there is none; bool `[batch]`.
    """
    import tensorflow as tf

    is_iso, is_seconds = (tf.strings.regex_full_match(texts, pattern) for pattern in (ISO, SECONDS))

    def group(number: int, pattern: str = ISO, where: tf.Tensor = is_iso) -> tf.Tensor:
        found = tf.strings.regex_replace(texts, f"^{pattern}$", rf"0\{number}")
        return tf.strings.to_number(tf.where(where, found, "0"), tf.int64)

    year, month, day, hour, minute, second = (group(number) for number in range(1, 7))
    signs = tf.strings.regex_replace(texts, f"^{ISO}$", r"\7")
    offset = tf.where(is_iso & (signs == "-"), -1, 1) * tf.cast(group(8) * 60 + group(9), tf.int32) * 60
    right = (
        (month >= 1)
        & (month <= 12)
        & (day >= 1)
        & (year >= FIRST)
        & (year <= LAST)
        & (hour < 24)
        & (minute < 60)
        & (second <= 60)
    )
    right &= (group(8) < 24) & (group(9) < 60)
    place = tf.cast(tf.clip_by_value(month, 1, 12) - 1, tf.int32)
    longest = tf.gather(tf.constant(_DAYS_IN, tf.int64), place) + tf.cast((month == 2) & _leap(year), tf.int64)
    right &= day <= longest
    days = _days_before(year) + _days_in_year_before(year, place) + day - 1
    written = days * _DAY + hour * 3600 + minute * 60 + second
    at = written if local else written - tf.cast(offset, tf.int64)
    there = (is_iso & right) | is_seconds
    found = tf.where(is_seconds, group(1, SECONDS, is_seconds), at)
    return tf.where(there, found, tf.zeros_like(found)), there


def places(found: tf.Tensor) -> dict[str, tf.Tensor]:
    """Where points in time stand in each cycle, int64 `[batch]` by its name.

    Args:
        found: seconds since 1970, int64 `[batch]`.
    """
    days = found // _DAY
    return {
        "hour_of_day": found % _DAY // 60,
        "day_of_week": (days + 3) % 7,  # 1970 began with a Thursday
        "day_of_year": days - _days_before(_year_of(days)),
    }


def _leap(year: tf.Tensor) -> tf.Tensor:
    return (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))


def _days_before(year: tf.Tensor) -> tf.Tensor:
    """Days from the beginning of 1970 to that of a year."""
    before = year - 1
    return before * 365 + before // 4 - before // 100 + before // 400 - 719_162


def _days_in_year_before(year: tf.Tensor, month: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.gather(tf.constant(_DAYS_BEFORE, tf.int64), month) + tf.cast((month > 1) & _leap(year), tf.int64)


def _year_of(days: tf.Tensor) -> tf.Tensor:
    """The year that a day is in: estimated by the mean length of one, then at most one beside it."""
    import tensorflow as tf

    year = (days * 400 + 719_162 * 400) // 146_097 + 1
    year = tf.where(days < _days_before(year), year - 1, year)
    return tf.where(days >= _days_before(year + 1), year + 1, year)
