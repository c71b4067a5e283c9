"""A window over the log: it takes rows while it is open, and what is kept of it when it closes are numbers alone."""

from __future__ import annotations

import dataclasses
import hashlib
import heapq
import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from pipeline.traffic.log import Row

ALL = ""  # the name of the slice that holds all rows
_PERCENTILES = {"p50": 50.0, "p95": 95.0, "p99": 99.0}
_MOST_VERSIONS = 50


@dataclasses.dataclass(frozen=True)
class Closed:
    """What is kept of a window, JSON values all.

    Attributes:
        number: counted from 0.
        start: seconds since 1970.
        end: likewise; the first that is no longer in it.
        rows: answered and not.
        requests: with a row in it.
        errors: rows that could not be answered.
        late: rows whose time is before the window; what the clock did counts here.
        future: rows whose time had not come.
        milliseconds: `p50`, `p95` and `p99` of the requests; empty where the log does not say.
        labels: by slice (`""` for all, else `column:value`) and label, rows with that answer.
        confidence: mean score of the answered label; None where there are no labels.
        entropy: mean over the rows, in bits; None likewise.
        versions: rows by the version that answered.
        estimate: of the accuracy: `value`, `error` (one standard error), `rows`; empty where there is none.
        drift: distances of the inputs, as `pipeline.monitoring.judged.Judged`.
        quality: by labels that arrived: `rows`, `right`, and a metric's `value`, `low` and `high` by name.
        fired: series that were beyond their bound.
    """

    number: int
    start: float
    end: float
    rows: int = 0
    requests: int = 0
    errors: int = 0
    late: int = 0
    future: int = 0
    milliseconds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    labels: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)
    confidence: float | None = None
    entropy: float | None = None
    versions: Mapping[str, int] = dataclasses.field(default_factory=dict)
    estimate: Mapping[str, float] = dataclasses.field(default_factory=dict)
    drift: Sequence[Mapping[str, Any]] = ()
    quality: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    fired: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` gave."""
        return cls(**values)

    def share(self, label: str, part: str = ALL) -> float:
        """The share of a label; 0 where there are no rows."""
        counts = self.labels.get(part, {})
        return counts.get(label, 0) / total if (total := sum(counts.values())) else 0.0


class Window:
    """An open window."""

    def __init__(self, number: int, start: float, end: float, *, slices: Sequence[str], sample: int) -> None:
        """Opens it.

        Args:
            number: counted from 0.
            start: seconds since 1970.
            end: likewise.
            slices: columns of the log whose values are looked at.
            sample: most rows to keep for the inputs' statistics and for later labels' answers.
        """
        self.number, self.start, self.end = number, start, end
        self._slices, self._sample = slices, sample
        self._labels: dict[str, Counter[str]] = defaultdict(Counter)
        self._rows_of: Counter[str] = Counter()
        self._versions: Counter[str] = Counter()
        self._kept: list[tuple[int, int, Row]] = []
        self._scores, self._entropies, self.times = array("d"), array("d"), array("d")
        self.answers: list[Row] = []
        self._rows = self._requests = self._errors = self._late = self._future = 0

    def add(self, row: Row, *, late: bool = False, future: bool = False, keep_answer: bool = False) -> None:
        """Takes a row.

        Args:
            row: of the log.
            late: its time is before the window.
            future: its time has not come.
            keep_answer: whether its label may arrive.
        """
        self._rows += 1
        self._late += late
        self._future += future
        self._versions[row.version] += 1
        if row.number == 0:
            self._requests += 1
            if row.milliseconds is not None:
                self.times.append(row.milliseconds)
        if row.error:
            self._errors += 1
            return
        self._keep(row)
        if keep_answer and row.request_id:
            self.answers.append(row)
        parts = [ALL, *(f"{name}:{value}" for name in self._slices if (value := row.values.get(name)))]
        self._rows_of.update(parts)
        if row.label is not None and row.score is not None:
            for part in parts:
                self._labels[part][row.label] += 1
            self._scores.append(row.score)
            if row.scores:
                self._entropies.append(_entropy(list(row.scores.values())))

    @property
    def sample(self) -> list[Row]:
        """Answered rows, the same of the same rows in any order."""
        return [row for *_, row in sorted(self._kept, key=lambda item: item[:2])]

    @property
    def scores(self) -> np.ndarray:
        """The scores of the answered labels, float64 `[rows]`."""
        return np.asarray(self._scores)

    def close(self, most_slices: int) -> Closed:
        """What is kept of it, without what needs a reference.

        Args:
            most_slices: values of a slice column, the most frequent ones.
        """
        parts = {ALL, *(part for name in self._slices for part in self._frequent(name, most_slices))}
        times = np.asarray(self.times)
        return Closed(
            number=self.number,
            start=self.start,
            end=self.end,
            rows=self._rows,
            requests=self._requests,
            errors=self._errors,
            late=self._late,
            future=self._future,
            milliseconds={name: float(np.percentile(times, at)) for name, at in _PERCENTILES.items()}
            if len(times)
            else {},
            labels={part: dict(counts) for part, counts in self._labels.items() if part in parts},
            confidence=float(np.mean(self._scores)) if self._scores else None,
            entropy=float(np.mean(self._entropies)) if self._entropies else None,
            versions=dict(self._versions.most_common(_MOST_VERSIONS)),
        )

    def _frequent(self, column: str, most: int) -> list[str]:
        found = [(count, part) for part, count in self._rows_of.items() if part.startswith(f"{column}:")]
        return [part for _, part in sorted(found, key=lambda item: (-item[0], item[1]))[:most]]

    def _keep(self, row: Row) -> None:
        """Keeps the rows with the largest numbers, of which each row has one of its own."""
        name = f"{row.request_id}\0{row.number}\0{row.time}".encode("utf-8", "replace")
        item = (int.from_bytes(hashlib.blake2b(name, digest_size=8).digest()), self._rows, row)
        if len(self._kept) < self._sample:
            heapq.heappush(self._kept, item)
        elif item[0] > self._kept[0][0]:
            heapq.heapreplace(self._kept, item)


def _entropy(scores: Sequence[float]) -> float:
    """In bits, of scores that need not sum up to 1."""
    total = sum(scores)
    if total <= 0:
        return 0.0
    return -sum(score / total * math.log2(score / total) for score in scores if score > 0)
