"""How a column of readings is summarised and compared, for drift and skew: channel by channel, as numbers are."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from modules.inputs import raw_column
from modules.inputs.base import Input
from modules.inputs.distances import MISSING, apart
from modules.inputs.profiles import Comparison, Distance
from modules.inputs.vector.input import Vector

import numpy as np

from edgeline_edge.inputs.vector import readings

VALUES = "values"
_QUANTILES = 101
_READINGS = 20_000_000  # that are held at once


@dataclasses.dataclass(frozen=True)
class VectorProfile:
    """The readings of a split.

    Attributes:
        rows: that were looked into.
        missing: share of missing readings by channel, over all steps.
        quantiles: by channel, from the smallest reading to the largest, evenly spaced by readings; none without any.
    """

    rows: int
    missing: Sequence[float]
    quantiles: Sequence[Sequence[float]]

    def to_json(self) -> str:
        """As text."""
        return json.dumps(dataclasses.asdict(self))


def summarise(part: Input, file_patterns: Sequence[str], *, label: str | None, sample: int) -> VectorProfile:
    """Of the first rows, at most `sample`: the role `statistics`, see `modules.inputs.roles`.

    Args:
        part: the input.
        file_patterns: globs of raw examples, which hold their rows in no order of meaning.
        label: of no use here.
        sample: most rows.
    """
    del label
    assert isinstance(part, Vector)
    [column] = part.columns()
    size = part.steps * part.channels
    most = max(1, min(sample, _READINGS // size))
    rows: list[list[float]] = []
    for batch in raw_column.batches(file_patterns, column):
        for text in batch[: most - len(rows)].tolist():
            found = readings(text.decode("utf-8"))
            rows.append(found if len(found) == size else [np.nan] * size)
        if len(rows) >= most:
            break
    values = np.array(rows, np.float64).reshape(-1, part.channels)  # step after step: [rows * steps, channels]
    points = np.linspace(0, 1, _QUANTILES)
    quantiles = []
    for channel in values.T:
        known = channel[~np.isnan(channel)]
        quantiles.append(np.quantile(known, points).tolist() if len(known) else [])
    missing = np.isnan(values).mean(axis=0).tolist() if len(values) else [0.0] * part.channels
    return VectorProfile(len(rows), missing, quantiles)


def compare(now: str, before: str) -> Comparison:
    """Compares two profiles as they were written: the role `distances`, see `modules.inputs.roles`."""
    ours, theirs = (VectorProfile(**json.loads(text)) for text in (now, before))
    both = list(zip(ours.quantiles, theirs.quantiles, strict=False))
    lacking = list(zip(ours.missing, theirs.missing, strict=False))
    # Of another number of channels, nothing can be compared: they are as far apart as can be.
    other = len(ours.quantiles) != len(theirs.quantiles)
    found = [
        Distance(VALUES, "kolmogorov_smirnov", 1.0 if other else max(apart(*pair) for pair in both)),
        Distance(MISSING, "absolute_difference", 1.0 if other else max(abs(a - b) for a, b in lacking)),
    ]
    return Comparison(min(ours.rows, theirs.rows), found)
