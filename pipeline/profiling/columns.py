"""What the values of each column are like, gathered in one pass that never holds the rows."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

from modules.text import segments

MOST_VALUES = 2_000  # a column with more different values than these is not counted by value
_FEW_VALUES = 20  # nor one with more than these of which most occur once
MOST_DISTINCT = 1_000_000  # what is kept to count different values; beyond it the count is a lower bound
_LOOKED_AT = 2_000  # values that the type is found out from


@dataclasses.dataclass(frozen=True)
class Column:
    """A column, measured.

    Attributes:
        name: as the file has it.
        kind: `text`, `number`, `boolean` or `empty`.
        whole: all numbers are whole ones; False for what is no number.
        missing: rows without a value.
        distinct: different values; a lower bound where it is `MOST_DISTINCT`.
        characters: mean, p50, p95, p99 and max of the values' lengths.
        words: mean words of a value; of a script that is written without spaces, its characters are counted in threes.
        values: rows by value, the most frequent first; empty for a column with more than `MOST_VALUES`, or whose values
            hardly repeat.
        present: rows with a value.
    """

    name: str
    kind: str
    whole: bool
    missing: int
    distinct: int
    characters: Mapping[str, float]
    words: float
    values: Mapping[str, int]
    present: int

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return dataclasses.asdict(self)


class ColumnCounter:
    """Takes the values of one column, one after another."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._present = self._words = self._looked_at = self._numbers = self._whole = self._booleans = 0
        self._lengths: Counter[int] = Counter()
        self._values: Counter[str] | None = Counter()
        self._hashes: set[int] = set()

    def add(self, value: str) -> None:
        """Takes a value; an empty one, or white space alone, counts as missing."""
        if not value or value.isspace():
            return
        self._present += 1
        self._lengths[len(value)] += 1
        self._words += words_of(value)
        if len(self._hashes) < MOST_DISTINCT:
            self._hashes.add(hash(value))
        if self._values is not None:
            self._values[value] += 1
            if len(self._values) > MOST_VALUES:
                self._values = None
        if self._looked_at < _LOOKED_AT:
            self._looked_at += 1
            number = _number(value)
            self._numbers += number is not None
            self._whole += number is not None and number.is_integer()
            self._booleans += value.strip().lower() in ("true", "false", "yes", "no")

    def column(self, rows: int) -> Column:
        """What was found.

        Args:
            rows: of the file, to count those without a value.
        """
        return Column(
            name=self._name,
            kind=self._kind(),
            whole=self._kind() == "number" and self._whole == self._looked_at,
            missing=rows - self._present,
            distinct=len(self._hashes),
            characters=spread(self._lengths),
            words=round(self._words / self._present, 2) if self._present else 0.0,
            values=dict(sorted(self._repeated().items(), key=lambda item: (-item[1], item[0]))),
            present=self._present,
        )

    def _repeated(self) -> Counter[str]:
        values = self._values or Counter()
        return values if len(values) <= max(_FEW_VALUES, self._present // 2) else Counter()

    def _kind(self) -> str:
        if not self._present:
            return "empty"
        if self._numbers == self._looked_at:
            return "number"
        return "boolean" if self._booleans == self._looked_at else "text"


def spread(counts: Mapping[int, int]) -> dict[str, float]:
    """Mean, percentiles and maximum of numbers that were counted.

    Args:
        counts: occurrences by number.

    Returns:
        `mean`, `p50`, `p95`, `p99`, `max`; zeros where nothing was counted. A percentile is the smallest number that
        so large a share does not exceed.
    """
    total = sum(counts.values())
    if not total:
        return dict.fromkeys(("mean", "p50", "p95", "p99", "max"), 0)
    found: dict[str, float] = {"mean": round(sum(number * count for number, count in counts.items()) / total, 1)}
    below, numbers = 0, iter(sorted(counts))
    number = -1
    for name, share in (("p50", 50), ("p95", 95), ("p99", 99)):
        while below * 100 < share * total:
            number = next(numbers)
            below += counts[number]
        found[name] = number
    return {**found, "max": max(counts)}


def words_of(value: str) -> int:
    """About how many words a value has, of any script."""
    words = value.count(" ") + 1
    return words + segments.spaceless(value) // 3


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
