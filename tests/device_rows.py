"""Rows of awkward values for every kind of input beside the text, one set for the readers in every language.

What the Python package makes of a value, or that it refuses it, is what all of them must do.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeline_edge.inputs import kinds
from edgeline_edge.inputs.base import Array, float_of

_CHANCE = np.random.default_rng(18)
_CYCLES = ["hour_of_day", "day_of_week", "day_of_year"]


def _photo(height: int, width: int, channels: int, *, optional: bool) -> dict[str, Any]:
    tensors = ["pixels", "present"] if optional else ["pixels"]
    size = {"height": height, "width": width, "channels": channels}
    return {"name": "photo", "kind": "image", "column": "photo", "tensors": tensors, **size, "resize": "area"}


def _time(clock: str, *cycles: str) -> dict[str, Any]:
    return {"name": "seen", "kind": "time", "column": "seen", "tensors": ["seen"], "cycles": [*cycles], "clock": clock}


def _vector(steps: int, means: list[float], factors: list[float]) -> dict[str, Any]:
    return {
        "name": "lidar", "kind": "vector", "column": "lidar", "tensors": ["lidar"], "shape": [steps, len(means)],
        "means": means, "factors": factors, "limit": 10.0,
    }  # fmt: skip


_PRICE = {"name": "price", "kind": "number", "column": "price", "tensors": ["price"], "limit": 10.0}
# Sections of a manifest's `inputs`.
SECTIONS: dict[str, dict[str, Any]] = {
    "number": {**_PRICE, "mean": 0.10000000149011612, "factor": 3.299999952316284},
    "number of nothing": {**_PRICE, "mean": -0.0, "factor": 1.0},
    "category": {"name": "shop", "kind": "category", "column": "größe", "tensors": ["shop"], "values": ["web", "köln"]},
    "time": _time("utc", *_CYCLES),
    "time by the clock": _time("local", "day_of_year", "hour_of_day"),
    "readings": _vector(1, [0.1, -3.0, 1e-30], [3.3, 0.7, 1e30]),
    "series": _vector(2, [0.25, 1e6, 0.0], [1.1, 1e-6, 1.0]),
    "grey picture": _photo(4, 6, 1, optional=False),
    "colours": _photo(5, 3, 3, optional=True),
    "large": _photo(33, 47, 3, optional=True),
}
_NUMBERS: list[Any] = [
    *(None, math.nan, math.inf, -math.inf, 0, -0.0, 0.1, 0.7, -3, 16777217, 3.1300000000000003, 1e-45, 1e300, -1e300),
    *(10**400, -(10**400), 123456789012345678, "3.5", "", [1]),
    *_CHANCE.normal(0.1, 2.0, 60).tolist(),
]
_MINUTES = [datetime.datetime(2024, 1, 1) + datetime.timedelta(days=n % 366, minutes=n) for n in range(1440)]
_TIMES: list[Any] = [
    *(None, "", math.nan, "2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "2024-12-31", "2024-13-01"),
    *("2024-04-31", "1000-01-01", "0999-12-31", "1000-01-01T00:00+05:00", "9998-12-31T23:59:59-23:59", "9999-01-01"),
    *("1969-12-31T23:59:59", "2024-05-03T14:30:00+02:00", "2024-05-03T14:30-0330", "2024-05-03T00:30+02:00"),
    *("2024-05-03t14:30z", "2024-05-03 14:30", "2024-05-03T14:30:15.5", "2024-05-03T14:30:15,123456789Z"),
    *("2024-05-03T14:30 +02:00", "2024-05-03T14:30+00", "2024-05-03T14:30-00", "2024-05-03T14:30+02"),
    *("2024-05-03T14:30+00:", "2024-05-03T14:30+2:00", "2024-05-03T14:30+24:00", "2024-05-03T14:30+02:60"),
    *("2024-05-03T14:30:60", "2024-12-31T23:59:60Z", "2024-05-03T14:30:61", "2024-05-03T24:00", "2024-05-03T14:60"),
    *("T14:30", "2024-05-03T14:30:5", "2024-05-03T14:30:05.", "2024-05-03T14", "2024-05-03T", "2024-05-03  14:30"),
    *("2024-5-3", " 2024-05-03\t\n", "\u00a02024-05-03", "２０２４-05-03", "2024-05-03x", "tomorrow", "20240503"),
    *(1714746600, 1714746600.9, "1714746600", " 1714746600.25 ", "1714746600.", 99999999999, 100000000, 99999999),
    *("-1714746600", -5, 0, 1e18, 1e300, -1e300, math.inf, 10**400, 1714746600000, ["2024-05-03"]),
    *(minute.isoformat() for minute in _MINUTES),
]


_WORDS = (
    *(
        "null",
        "NaN",
        "NONE",
        "na",
        "nil",
        "inf",
        "infinity",
        "1e400",
        "-1e400",
        "1e-400",
        "+.5",
        "5.",
        "5.e1",
        ".e1",
        "1e",
    ),
    *("0x10", "1_0", "1,", "--1", "٣", "1e+2", "1E-2", "\u00a01"),
)


def _vectors(count: int) -> list[Any]:
    """Values for a vector of so many readings, in three channels."""
    some = _CHANCE.normal(0.0, 2.0, (40, count)).tolist()
    edge = [0.1, None, math.nan, math.inf, -math.inf, -0.0, 16777217, 1e-45, 1e300, -1e300, 10**400, -(10**400)]
    return [
        *(None, "", "  ", "\u3000\u2028", "\x1c\x85", "\ufeff", [], "[]", [[], []], 7, "7", [1, 2], {"a": 1}),
        *(edge[start : start + count] for start in range(0, len(edge) - count + 1)),
        *some, *(np.reshape(row, (-1, 3)).tolist() for row in some[:4]), *(str(row) for row in some[:4]),
        [[1, 2, 3], [4, 5]], [[[1], [2]], [3, 4]], ["1"] * count, [True] * count, [[1.5]] * count,
        *(" ".join([word, *["2"] * (count - 1)]) for word in _WORDS),
        *(";".join(["2"] * (count - 1)) + f" , {word}" for word in _WORDS),
        " ".join(["1"] * (count + 1)), "\t".join(["nan"] * count), "\n[[" + "],[".join(["1"] * count) + "]]\v\f",
    ]  # fmt: skip


def _pictures() -> list[Any]:
    sizes = [(1, 1, 3), (1, 1, 1), (1, 1, 4), (1, 9, 3), (13, 1, 3), (4, 6, 3), (5, 3, 4), (9, 13, 3), (97, 41, 1)]
    made: list[Any] = [_CHANCE.integers(0, 256, size).astype(np.uint8) for size in [*sizes, (203, 310, 3), (64, 48, 4)]]
    made += [np.full((7, 5, 3), level, np.uint8) for level in (0, 255)]
    made += [np.full((7, 5), 128, np.uint8), (np.indices((10, 10)).sum(axis=0) % 2 * 255).astype(np.uint8)]
    return [None, "", *made, np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 2), np.uint8), 7, "a.png"]


VALUES: Mapping[str, list[Any]] = {
    "number": _NUMBERS, "number of nothing": _NUMBERS, "time": _TIMES, "time by the clock": _TIMES[: -len(_MINUTES)],
    "category": [None, "", "web", "WEB", "köln", "ko\u0308ln", "constructor", "__proto__", 3, ["web"]],
    "readings": _vectors(3), "series": _vectors(6), "grey picture": _pictures(), "colours": _pictures(),
    "large": _pictures(),
}  # fmt: skip


def expected(kind: str, value: Any) -> dict[str, Array] | None:
    """What the Python package makes of a value; None where it refuses it.

    Args:
        kind: one of `SECTIONS`.
        value: of the column.

    Returns:
        The tensors by name.
    """
    try:
        return kinds.table([SECTIONS[kind]])[0].encode(value)
    except (TypeError, ValueError):
        return None


def in_json(value: Any) -> Any:
    """A value as the programs of the readers take it, `edge/web/test/encode.mjs` and `edge/examples/cpp/try.cpp`.

    Args:
        value: of a column.
    """
    if isinstance(value, np.ndarray):
        height, width, *channels = value.shape
        size = {"height": height, "width": width, "channels": channels[0] if channels else 1}
        return {**size, "pixels": value.tobytes().hex()}
    if isinstance(value, bytes):
        return {"file": value.hex()}
    if isinstance(value, list):
        return [in_json(item) for item in value]
    if isinstance(value, (int, float)) and not math.isfinite(float_of(value)):
        return {"float": "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"}
    return value


def change_of(kind: str, manifest: dict[str, Any]) -> None:
    """Makes a manifest say that its model reads that input and nothing else, for a bundle that no model is run of.

    Args:
        kind: one of `SECTIONS`.
        manifest: of format 2, changed in place.
    """
    section = SECTIONS[kind]
    shapes = kinds.table([section])[0].shapes()
    manifest["inputs"] = [section]
    manifest["signature"]["inputs"] = {
        name: {"dtype": dtype, "shape": shape} for name, (dtype, shape) in shapes.items()
    }
